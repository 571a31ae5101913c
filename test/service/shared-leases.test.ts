import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitRequest } from '../../src/ports/limit-store.js'
import { leaseLimits } from '../../src/service/limit-leases.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { keyOf, metered, minute, watchedLimits } from './meter-sample.js'

const rulesOf = (limit: number) => parseLimits([minute(limit)])
const turns = async (count = 5) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Instances that count at one store: keys with a limit each, and one of their workspace. */
function setUp({ units = 10, key = 1_000, workspace = 2_000 } = {}) {
  const clock = manualClock()
  const store = watchedLimits(clock)
  const instance = () => leaseLimits(store, units, clock)
  const [ofKey, ofWorkspace] = [rulesOf(key), rulesOf(workspace)]
  const requestOf = (name: string, cost = 1): LimitRequest => ({
    workspaceId: 'ws',
    charges: [
      { subject: `key:${name}`, rules: ofKey, cost },
      { subject: 'workspace', rules: ofWorkspace, cost },
    ],
  })
  const used = (subject: string) =>
    store.used(subject, subject === 'workspace' ? ofWorkspace : ofKey)['minute']
  return { clock, store, instance, requestOf, used }
}

describe('leases of several subjects', () => {
  test('are debited in one call, and spent together without the store', async () => {
    const { store, instance, requestOf, used } = setUp()
    const leased = instance()
    for (let i = 0; i < 100; i++) expect((await leased.spend(requestOf('a'))).ok).toBe(true)
    expect(store.requests.length).toBeLessThan(16)
    expect(store.requests[3]!.charges.map(({ cost }) => cost)).toEqual([8, 8])
    await leased.returnAll()
    expect([used('key:a'), used('workspace')]).toEqual([100, 100])
  })

  test('of a workspace serve all its keys, each beside a lease of its own', async () => {
    const { store, instance, requestOf, used } = setUp()
    const leased = instance()
    for (let i = 0; i < 400; i++) await leased.spend(requestOf(['a', 'b', 'c', 'd'][i % 4]!))
    expect(store.requests.length).toBeLessThan(100)
    // Nobody holds more than four leases.
    expect(used('workspace')).toBeLessThanOrEqual(400 + 40)
    await leased.returnAll()
    expect([used('key:a'), used('key:d'), used('workspace')]).toEqual([100, 100, 400])
  })

  test('show each limit as if every unit had been asked for', async () => {
    const { instance, requestOf } = setUp()
    const leased = instance()
    for (let i = 0; i < 20; i++) await leased.spend(requestOf('a'))
    expect(await leased.spend(requestOf('a'))).toMatchObject({
      ok: true,
      meters: [{ used: 21 }, { used: 21 }],
    })
  })

  test('charge nothing where one of the limits does not fit', async () => {
    const { instance, requestOf, used } = setUp({ units: 10, key: 1_000, workspace: 100 })
    const leased = instance()
    let through = 0
    for (let i = 0; i < 150; i++) if ((await leased.spend(requestOf('a'))).ok) through++
    expect(through).toBe(100)
    await leased.returnAll()
    expect([used('key:a'), used('workspace')]).toEqual([100, 100])
  })

  test('are given back where another key is refused for what is held unused, and it gets through', async () => {
    const { store, instance, requestOf, used } = setUp({ units: 10, key: 1_000, workspace: 100 })
    const leased = instance()
    const other = instance()
    // It holds up to ten of the workspace's units for a key that does not come again.
    for (let i = 0; i < 16; i++) await leased.spend(requestOf('a'))
    for (let i = 0; i < 75; i++) await other.spend(requestOf('b'))
    expect(used('workspace')).toBe(100)
    let through = 0
    for (let i = 0; i < 20; i++) if ((await leased.spend(requestOf('c'))).ok) through++
    expect(through).toBe(9)
    const asked = store.requests.length
    expect(await leased.spend(requestOf('c'))).toMatchObject({ ok: false })
    expect(store.requests.length).toBe(asked + 1)
  })

  test('are shared by those who come while their debit is on its way', async () => {
    const { store, instance, requestOf } = setUp()
    store.delay = () => turns(1)
    const leased = instance()
    const made = await Promise.all(Array.from({ length: 64 }, () => leased.spend(requestOf('a'))))
    expect(made.every(({ ok }) => ok)).toBe(true)
    expect(store.requests.length).toBeLessThan(12)
  })

  test('that end while another is waited for are not spent: the store is asked', async () => {
    const { clock, store, instance, requestOf, used } = setUp()
    const leased = instance()
    // A lease of the workspace runs, and one of key b is on its way when its bucket ends.
    for (let i = 0; i < 4; i++) await leased.spend(requestOf('a'))
    await leased.spend(requestOf('b'))
    store.delay = () => clock.sleep(700)
    await clock.advance(500)
    const both = Promise.all([leased.spend(requestOf('b')), leased.spend(requestOf('b'))])
    await clock.advance(700)
    await clock.advance(700)
    expect((await both).map(({ ok }) => ok)).toEqual([true, true])
    await leased.returnAll()
    expect([used('key:a'), used('key:b'), used('workspace')]).toEqual([4, 3, 7])
  })

  test('that are on their way when all is given back are given back when they come', async () => {
    const { store, instance, requestOf, used } = setUp()
    const leased = instance()
    for (let i = 0; i < 7; i++) await leased.spend(requestOf('a'))
    store.delay = () => turns(3)
    const last = leased.spend(requestOf('a'))
    expect(await leased.returnAll()).toBe(0)
    expect(await last).toMatchObject({ ok: true })
    expect([used('key:a'), used('workspace')]).toEqual([8, 8])
  })

  test('that failed on their way leave nothing behind, and those who waited fail with them', async () => {
    const { store, instance, requestOf, used } = setUp()
    const leased = instance()
    for (let i = 0; i < 3; i++) await leased.spend(requestOf('a'))
    store.delay = () => turns(1)
    store.trouble = new Error('away')
    const made = await Promise.allSettled(Array.from({ length: 5 }, () => leased.spend(requestOf('a'))))
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set(['rejected']))
    store.trouble = null
    expect(await leased.spend(requestOf('a'))).toMatchObject({ ok: true })
    await leased.returnAll()
    expect([used('key:a'), used('workspace')]).toEqual([4, 4])
  })

  test('never let more through than any limit in any window, and spend exactly what got through', async () => {
    const step = fc.record({
      instance: fc.integer({ min: 0, max: 1 }),
      key: fc.constantFrom('a', 'b', 'c'),
      cost: fc.constantFrom(1, 1, 1, 3),
      wait: fc.constantFrom(0, 0, 0, 10, 400, 1_700),
      delay: fc.constantFrom(0, 30, 900),
    })
    const plan = fc.array(step, { minLength: 150, maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(plan, async (steps) => {
        const { clock, store, instance, requestOf, used } = setUp({ units: 5, key: 50, workspace: 90 })
        const instances = [instance(), instance()]
        const through: { readonly key: string; readonly cost: number; readonly at: number }[] = []
        const asked: Promise<void>[] = []
        for (const { instance: i, key, cost, wait, delay } of steps) {
          store.delay = delay === 0 ? null : () => clock.sleep(delay)
          const spend = async (): Promise<void> => {
            if ((await instances[i]!.spend(requestOf(key, cost))).ok)
              through.push({ key, cost, at: clock.now() })
          }
          asked.push(spend())
          await clock.advance(wait)
        }
        store.delay = null
        while (clock.sleepers > 0) await clock.advance(1_000)
        await Promise.all(asked)
        for (const one of instances) await one.returnAll()
        const sumOf = (of: typeof through) => of.reduce((sum, { cost }) => sum + cost, 0)
        // What an answer took to come is not in the store's windows.
        const within = (of: typeof through, end: number) =>
          of.filter(({ at }) => at > end - 58_000 && at <= end)
        for (const { at } of through) {
          expect(sumOf(within(through, at))).toBeLessThanOrEqual(90)
          for (const key of ['a', 'b', 'c']) {
            const own = through.filter((one) => one.key === key)
            expect(sumOf(within(own, at))).toBeLessThanOrEqual(50)
          }
        }
        if (clock.now() - (through[0]?.at ?? 0) > 55_000) return
        expect(used('workspace')).toBe(sumOf(through))
        for (const key of ['a', 'b', 'c']) {
          expect(used(`key:${key}`)).toBe(sumOf(through.filter((one) => one.key === key)))
        }
      }),
      { numRuns: 12 },
    )
  })
})

test('a keyrung leases of key, owner and workspace at once, and gives all of it back when it closes', async () => {
  const world = metered({
    defaults: [minute(1_000)],
    directory: { rightsOf: () => ({ role: 'admin', scopes: 'full' }) },
    limits: { leases: { units: 10 }, workspace: [minute(5_000)], owner: [minute(2_000)] },
  })
  const { id, request } = await keyOf(world, { name: 'a', scopes: ['contacts:read'], ownerId: 'u1' })
  const demand = world.keyrung.demand('contacts:read')
  for (let i = 0; i < 50; i++) expect(await world.keyrung.admit(request, demand)).toMatchObject({ ok: true })
  expect(world.limits.requests.length).toBeLessThan(12)
  await world.keyrung.close()
  expect(world.limits.used(`key:${id}`, rulesOf(1_000))).toEqual({ minute: 50 })
  expect(world.limits.used('owner:u1', rulesOf(2_000))).toEqual({ minute: 50 })
  expect(world.limits.used('workspace', rulesOf(5_000))).toEqual({ minute: 50 })
})
