import { describe, expect, test } from 'vitest'

import type { LimitAnswer } from '../../src/ports/limit-store.js'
import type { Admission } from '../../src/service/admission.js'
import { answerOf, day, keyOf, metered, minute } from './meter-sample.js'
import type { Metered, MeteredOptions } from './meter-sample.js'

const unavailable = expect.objectContaining({ code: 'limits_unavailable' }) as Error
const down = () => new Error('connect ECONNREFUSED redis://user:hunter2@10.0.0.1')

async function setUp(options: MeteredOptions) {
  const world = metered(options)
  const { id, request } = await keyOf(world)
  const demand = world.keyrung.demand('contacts:read')
  const admit = () => world.keyrung.admit(request, demand)
  /** How many of so many get through, one after another. */
  const admitted = async (count: number): Promise<number> => {
    let through = 0
    for (let i = 0; i < count; i++) if ((await admit()).ok) through++
    return through
  }
  return { ...world, id, admit, admitted }
}

const modeOf = async ({ keyrung }: Pick<Metered, 'keyrung'>) => (await keyrung.state()).limits
const codesOf = ({ notices }: Pick<Metered, 'notices'>) => notices.map(({ code }) => code)
const turns = async (count = 5) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('where the limit store fails', () => {
  test('requests are refused as an outage, told once, until the first that it answers again', async () => {
    const world = await setUp({ defaults: [minute(60)] })
    const { limits, admit, keyrung, clock } = world
    expect(await modeOf(world)).toEqual({ store: 'watched', mode: 'ok', since: null, owing: 0 })
    limits.trouble = down()
    for (let i = 0; i < 3; i++) expect(admit).toThrow(unavailable)
    expect(await modeOf(world)).toMatchObject({ mode: 'denying', since: clock.now() })
    expect(codesOf(world)).toEqual(['limits_failing'])
    limits.trouble = null
    expect(admit()).toMatchObject({ ok: true, limits: { meters: [{ used: 1 }] } })
    expect(await modeOf(world)).toMatchObject({ mode: 'ok', since: null })
    expect(codesOf(world)).toEqual(['limits_failing', 'limits_recovered'])
    expect(keyrung.admit({ authorization: [] }, keyrung.demand([]))).toMatchObject({
      code: 'credential_missing',
    })
  })

  test("neither the error nor the notice has the driver's text", async () => {
    const world = await setUp({ defaults: [minute(60)] })
    world.limits.trouble = down()
    let thrown: unknown
    try {
      void world.admit()
    } catch (error) {
      thrown = error
    }
    const { internal } = thrown as { internal: string }
    expect(JSON.stringify([thrown, internal, world.notices])).not.toMatch(/hunter2|10\.0\.0\.1/)
  })

  test('a store that does not answer in time is refused in time, and its late answer is ignored', async () => {
    const world = await setUp({ defaults: [minute(60)], limits: { timeoutMs: 300 } })
    let free = (): void => undefined
    world.limits.delay = () => new Promise<void>((resolve) => (free = resolve))
    const refused = Promise.resolve(world.admit()).catch((error: unknown) => error)
    await world.clock.advance(300)
    expect(await refused).toEqual(unavailable)
    free()
    await turns()
    expect(await modeOf(world)).toMatchObject({ mode: 'denying' })
  })

  test('one request at a time finds out whether it is back; the others do not wait for it', async () => {
    const world = await setUp({ defaults: [minute(60)] })
    world.limits.trouble = down()
    expect(world.admit).toThrow(unavailable)
    world.limits.trouble = null
    world.limits.delay = () => turns(2)
    const finding = world.admit()
    expect(world.admit).toThrow(unavailable)
    expect(await finding).toMatchObject({ ok: true })
    expect(await world.admit()).toMatchObject({ ok: true })
    expect(world.limits.requests).toHaveLength(2)
  })

  const good = (): LimitAnswer => answerOf(minute(60))
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no meters', { ...good(), meters: undefined }],
    ['too few meters', { ...good(), meters: [] }],
    ['too many meters', { ...good(), meters: [...good().meters, ...good().meters] }],
    ['a meter of another limit', answerOf(day(60))],
    ['yes, where a meter says no', { ...good(), meters: [{ ...good().meters[0], fits: false }] }],
    ['no, where every meter says yes', { ...good(), ok: false }],
    ['a truthy yes', { ...good(), ok: 1 }],
    ['a time in seconds', { ...good(), now: 1_767_225_600 }],
    ['a negative count', { ...good(), meters: [{ ...good().meters[0], remaining: -1 }] }],
    ['more left than there is', { ...good(), meters: [{ ...good().meters[0], remaining: 61 }] }],
    ['an instant that is no number', { ...good(), meters: [{ ...good().meters[0], retryAt: NaN }] }],
  ])('an answer that does not fit is none: %s', async (_, answer) => {
    const world = await setUp({ defaults: [minute(60)] })
    Object.assign(world.limits, { spend: () => answer })
    expect(world.admit).toThrow(unavailable)
    Object.assign(world.limits, { spend: () => Promise.resolve(answer) })
    await expect(world.admit()).rejects.toEqual(unavailable)
  })
})

describe('a declared share', () => {
  const share = { limits: { onFailure: { share: 0.5 } } }

  test('starts full: nothing until one window has passed since the store was seen to be away', async () => {
    const world = await setUp({ defaults: [minute(60)], ...share })
    const { limits, clock, admit, admitted } = world
    await admit()
    // Others may have been answered in all of the time in which this instance asked nothing.
    await clock.advance(200_000)
    limits.trouble = down()
    expect(await admitted(5)).toBe(0)
    expect(await modeOf(world)).toMatchObject({ mode: 'sharing' })
    await clock.advance(59_000)
    expect(await admitted(5)).toBe(0)
    await clock.advance(2_000)
    expect(await admitted(100)).toBe(30)
    expect(codesOf(world)).toEqual(['limits_failing'])
  })

  test('says when more can be had, and of which limit', async () => {
    const world = await setUp({ defaults: [minute(60)], ...share })
    await world.admit()
    world.limits.trouble = down()
    const { now } = world.clock
    expect(await world.admit()).toMatchObject({
      ...{ ok: false, code: 'limited' },
      limits: { meters: [{ rule: { name: 'minute', limit: 30 }, remaining: 0, retryAt: now() + 61_000 }] },
    })
  })

  test('never gives out more than itself in any window, however long the outage', async () => {
    const world = await setUp({ defaults: [minute(60)], ...share })
    await world.admit()
    world.limits.trouble = down()
    const times: number[] = []
    for (let second = 0; second < 400; second++) {
      await world.clock.advance(1_000)
      for (let i = 0; i < 3; i++) if ((await world.admit()).ok) times.push(world.clock.now())
    }
    const most = Math.max(...times.map((end) => times.filter((at) => at > end - 60_000 && at <= end).length))
    expect(most).toBe(30)
    expect(times.length).toBeGreaterThan(120)
  })

  test('what was spent is debited once the store is back, before anything else is spent there', async () => {
    const world = await setUp({ defaults: [minute(60)], ...share })
    const { limits, clock, admit, admitted, id } = world
    await admit()
    limits.trouble = down()
    await admit()
    await clock.advance(61_000)
    expect(await admitted(40)).toBe(30)
    expect(await modeOf(world)).toMatchObject({ owing: 1 })
    limits.trouble = null
    expect(await admit()).toMatchObject({ ok: true, limits: { meters: [{ rule: { limit: 60 }, used: 31 }] } })
    expect(await modeOf(world)).toMatchObject({ mode: 'ok', owing: 0 })
    expect(limits.requests.slice(1)).toMatchObject([
      { force: true, charges: [{ subject: `key:${id}`, cost: 30 }] },
      { charges: [{ subject: `key:${id}`, cost: 1 }] },
    ])
    expect(codesOf(world)).toEqual(['limits_failing', 'limits_recovered'])
  })

  test('the debts of those who do not come back are paid by the background work', async () => {
    const world = await setUp({ defaults: [minute(60)], ...share })
    await world.admit()
    world.limits.trouble = down()
    await world.admit()
    await world.clock.advance(61_000)
    await world.admitted(3)
    await world.keyrung.tick()
    expect(await modeOf(world)).toMatchObject({ mode: 'sharing', owing: 1 })
    world.limits.trouble = null
    await world.keyrung.tick()
    expect(await modeOf(world)).toMatchObject({ mode: 'ok', owing: 0 })
    expect(world.limits.requests.at(-1)).toMatchObject({ force: true, charges: [{ cost: 3 }] })
  })

  test('100 callers who come as the store does meet a debt that is paid once', async () => {
    const world = await setUp({ defaults: [minute(60)], ...share })
    await world.admit()
    world.limits.trouble = down()
    await world.admit()
    await world.clock.advance(61_000)
    expect(await world.admitted(40)).toBe(30)
    world.limits.trouble = null
    await world.keyrung.tick()
    world.limits.delay = () => turns(1)
    const made: Admission[] = await Promise.all(Array.from({ length: 100 }, () => world.admit()))
    expect(made.filter(({ ok }) => ok)).toHaveLength(30)
    expect(world.limits.requests.filter(({ force }) => force)).toHaveLength(1)
  })

  test('of a long window gives out a share of what was left, as last known', async () => {
    const world = await setUp({ defaults: [day(100)], ...share })
    expect(await world.admitted(20)).toBe(20)
    world.limits.trouble = down()
    expect(await world.admitted(100)).toBe(40)
    await world.clock.advance(86_400_000)
    expect(await world.admitted(100)).toBe(50)
  })

  test('of a long window gives nothing to a key that is not known', async () => {
    const world = await setUp({ defaults: [day(100)], ...share })
    world.limits.trouble = down()
    expect(await world.admitted(10)).toBe(0)
  })

  test('a second outage does not give the same share again', async () => {
    const world = await setUp({ defaults: [day(100)], ...share })
    await world.admitted(20)
    world.limits.trouble = down()
    expect(await world.admitted(100)).toBe(40)
    world.limits.trouble = null
    await world.keyrung.tick()
    world.limits.trouble = down()
    // 60 are used by now; half of what is left is this instance's.
    expect(await world.admitted(100)).toBe(20)
  })

  test('a share too small for what is asked is an outage, not a limit that would never end', async () => {
    const world = await setUp({ defaults: [minute(1)], ...share })
    world.limits.trouble = down()
    expect(world.admit).toThrow(unavailable)
  })

  test('close tells a store that is back what was spent', async () => {
    const world = await setUp({ defaults: [minute(60)], ...share })
    await world.admit()
    world.limits.trouble = down()
    await world.admit()
    await world.clock.advance(61_000)
    await world.admitted(2)
    world.limits.trouble = null
    await world.keyrung.close()
    expect(world.limits.requests.at(-1)).toMatchObject({ force: true, charges: [{ cost: 2 }] })
    expect(world.limits.closed).toBe(true)
  })
})
