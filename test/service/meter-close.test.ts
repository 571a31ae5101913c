import { describe, expect, test } from 'vitest'
import { keyOf, metered, minute } from './meter-sample.js'
import type { Metered } from './meter-sample.js'

const timeoutMs = 300

/** Closes it while time passes; says how long that took. */
async function close({ keyrung, clock }: Pick<Metered, 'keyrung' | 'clock'>): Promise<number> {
  const since = clock.monotonic()
  const closed = { is: false }
  const closing = keyrung.close().then(() => (closed.is = true))
  for (let i = 0; !closed.is && i < 100; i++) {
    await clock.advance(50)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await closing
  return clock.monotonic() - since
}

const lostIn = ({ notices }: Pick<Metered, 'notices'>) => notices.filter(({ code }) => code === 'limits_lost')

describe('close with a limit store that hangs', () => {
  test('ends in a few times its time limit, and tells of units that were not given back', async () => {
    const world = metered({ defaults: [minute(1_000)], limits: { leases: { units: 10 }, timeoutMs } })
    const { request } = await keyOf(world)
    for (let i = 0; i < 16; i++) await world.keyrung.admit(request, world.keyrung.demand('contacts:read'))
    const hang = () => new Promise<never>(() => undefined)
    Object.assign(world.limits, { refund: hang, spend: hang, close: hang })
    expect(await close(world)).toBeLessThanOrEqual(3 * timeoutMs + 50)
    const lost = lostIn(world)
    expect(lost).toHaveLength(1)
    expect(lost[0]!.message).toMatch(/did not take back 9 units/)
  })

  test('tells of those whose spending beyond it was not told', async () => {
    const world = metered({ defaults: [minute(60)], limits: { onFailure: { share: 0.5 }, timeoutMs } })
    const { request } = await keyOf(world)
    const admit = () => world.keyrung.admit(request, world.keyrung.demand('contacts:read'))
    await admit()
    world.limits.trouble = new Error('away')
    await admit()
    await world.clock.advance(61_000)
    await admit()
    expect((await world.keyrung.state()).limits).toMatchObject({ owing: 1 })
    world.limits.trouble = null
    world.limits.delay = () => new Promise<never>(() => undefined)
    expect(await close(world)).toBeLessThanOrEqual(3 * timeoutMs + 50)
    expect(lostIn(world)[0]?.message).toMatch(/was not told what was spent beyond it .subjects: 1./)
  })

  test('tells nothing where nothing was lost', async () => {
    const world = metered({ defaults: [minute(1_000)], limits: { leases: { units: 10 } } })
    const { request } = await keyOf(world)
    for (let i = 0; i < 5; i++) await world.keyrung.admit(request, world.keyrung.demand('contacts:read'))
    await world.keyrung.close()
    expect(world.notices).toEqual([])
  })
})

test('the background work purges windows that have ended, in steps, until none is left', async () => {
  const world = metered({ defaults: [minute(60)] })
  const asked: number[] = []
  let rows = 1_200
  const store = Object.assign(world.limits, {
    purge(limit: number) {
      asked.push(limit)
      const purged = Math.min(limit, rows)
      rows -= purged
      return purged
    },
  })
  const other = metered({ defaults: [minute(60)], limits: { store } })
  expect(await other.keyrung.tick()).toMatchObject({ purged: 1_200, done: true })
  expect(asked).toEqual([500, 500, 500, 500])
})
