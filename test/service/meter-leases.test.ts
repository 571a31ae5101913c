import { describe, expect, test } from 'vitest'
import { keyOf, metered, watchedLimits } from './meter-sample.js'
import type { WatchedLimits } from './meter-sample.js'
import { parseLimits } from '../../src/core/limit.js'
import type { Limit } from '../../src/core/limit.js'
import type { Clock } from '../../src/ports/clock.js'
import type { LimitRequest } from '../../src/ports/limit-store.js'
import { leaseLimits } from '../../src/service/limit-leases.js'
import { manualClock } from '../../src/testing/manual-clock.js'

const turns = async (count = 5) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

const minute = (limit: number): Limit => ({ name: 'minute', limit, windowMs: 60_000 })

function requestOf(limits: Limit[], cost = 1): LimitRequest {
  return { workspaceId: 'ws', charges: [{ subject: 'key:1', rules: parseLimits(limits), cost }] }
}

function setUp(units = 10, limits = [minute(1_000)]) {
  const clock = manualClock()
  const store = watchedLimits(clock)
  const leased = leaseLimits(store, units, clock)
  const request = requestOf(limits)
  const used = () => store.used('key:1', request.charges[0]!.rules)['minute']
  /** Spends one after another, and says how many got through. */
  const spend = async (count: number, on = leased) => {
    let through = 0
    for (let i = 0; i < count; i++) if ((await on.spend(request)).ok) through++
    return through
  }
  return { clock, store, leased, request, used, spend }
}

const costs = ({ requests }: WatchedLimits) => requests.map(({ charges }) => charges[0]!.cost)

describe('a lease', () => {
  test('is asked for in ever greater debits, up to the configured one, and spent without the store', async () => {
    const { store, spend } = setUp()
    expect(await spend(100)).toBe(100)
    expect(costs(store).slice(0, 6)).toEqual([1, 2, 4, 8, 10, 10])
    expect(store.requests.length).toBeLessThan(16)
  })

  test('shows what is used as if each unit had been asked for', async () => {
    const { leased, request, spend } = setUp()
    await spend(20)
    expect(await leased.spend(request)).toMatchObject({ ok: true, meters: [{ used: 21, remaining: 979 }] })
  })

  test('does not outlive the bucket it was debited in; what is left of it is given back', async () => {
    const { clock, store, spend, used } = setUp()
    await spend(16)
    expect(used()).toBe(25)
    await clock.advance(999)
    expect(costs(store)).toEqual([1, 2, 4, 8, 10])
    await clock.advance(1)
    await spend(1)
    expect(costs(store).at(-1)).toBe(1)
    expect(used()).toBe(17)
  })

  test("ends early by the round trip, as the store's time may be ahead by that much", async () => {
    const { clock, store, leased, request } = setUp()
    store.delay = () => clock.sleep(300)
    // The last of them debits four units, of which three are left.
    const four = Promise.all(Array.from({ length: 4 }, () => leased.spend(request)))
    await clock.advance(300)
    expect(await four).toMatchObject([{ ok: true }, { ok: true }, { ok: true }, { ok: true }])
    // Debited at 300 ms, and sent at 0: it ends at 700 ms, not at 1000; less the millisecond that a time is told short.
    await clock.advance(398)
    expect(leased.take(request)).toMatchObject({ ok: true })
    await clock.advance(1)
    expect(leased.take(request)).toBeUndefined()
  })

  test('ends before its bucket does by the part of a millisecond that the store does not tell', async () => {
    let passed = 0.75
    const clock: Clock = { ...manualClock(), monotonic: () => passed }
    const wall = manualClock()
    const leased = leaseLimits(watchedLimits(wall), 10, clock)
    const request = requestOf([minute(1_000)])
    for (let i = 0; i < 4; i++) await leased.spend(request)
    // The store told the time as 0 when it was 0.75.
    passed = 999.5
    expect(leased.take(request)).toBeDefined()
    passed = 1_000
    expect(leased.take(request)).toBeUndefined()
  })

  test('ends for a process that was suspended with its machine, whose monotonic clock stood still', async () => {
    const { clock, leased, request } = setUp()
    for (let i = 0; i < 4; i++) await leased.spend(request)
    expect(leased.take(request)).toBeDefined()
    clock.step(1_000)
    expect(leased.take(request)).toBeUndefined()
  })

  test('gives nothing to those who came after its bucket had ended, though its debit was still on its way', async () => {
    const { clock, store, leased, request, spend, used } = setUp()
    await spend(3)
    await clock.advance(998)
    const count = store.spend.bind(store)
    // It counts at once, and the answer is late.
    store.spend = (asked) => {
      const answer = count(asked)
      return clock.sleep(300).then(() => answer)
    }
    const [first, second] = [leased.spend(request), leased.spend(request)]
    await clock.advance(2)
    const third = leased.spend(request)
    expect(costs(store)).toEqual([1, 2, 4])
    await clock.advance(600)
    expect(await Promise.all([first, second, third])).toMatchObject([
      { ok: true },
      { ok: true },
      { ok: true },
    ])
    expect(costs(store)).toEqual([1, 2, 4, 1])
    await leased.returnAll()
    expect(used()).toBe(6)
  })

  test('is off where any limit of a request is under ten of them, and for what is forced', async () => {
    const { store, leased } = setUp()
    const [charge] = requestOf([minute(1_000)]).charges
    const operation = { subject: 'operation:exports:1', rules: parseLimits([minute(50)]) }
    const plain = [
      requestOf([minute(99)]),
      requestOf([minute(1_000), { name: 'day', limit: 50, calendar: 'day' }]),
      { workspaceId: 'ws', charges: [charge!, { ...charge!, ...operation }] },
      { ...requestOf([minute(1_000)]), force: true },
      requestOf([minute(1_000)], 11),
    ]
    for (const request of plain) for (let i = 0; i < 3; i++) await leased.spend(request)
    expect(store.requests).toEqual(plain.flatMap((request) => [request, request, request]))
  })

  test('that does not fit any more gives way to asking for every unit, so that the last one can be used', async () => {
    const { spend, used } = setUp(10, [minute(100)])
    expect(await spend(150)).toBe(100)
    expect(used()).toBe(100)
  })

  test('of two instances never lets more through than the limit in any window', async () => {
    const { clock, store, leased, request } = setUp(10, [minute(100)])
    const other = leaseLimits(store, 10, clock)
    const times: number[] = []
    for (let step = 0; step < 1_500; step++) {
      if ((await (step % 3 === 0 ? leased : other).spend(request)).ok) times.push(clock.now())
      if (step % 7 === 0) await clock.advance(470)
    }
    const most = Math.max(...times.map((end) => times.filter((at) => at > end - 60_000 && at <= end).length))
    expect(most).toBeLessThanOrEqual(100)
    expect(times.length).toBeGreaterThan(100)
  })

  test('of two instances lets through exactly the limit where both want more at once', async () => {
    const { clock, store, leased, request } = setUp(10, [minute(100)])
    const other = leaseLimits(store, 10, clock)
    store.delay = () => turns(1)
    const made = await Promise.all(
      Array.from({ length: 300 }, (_, i) => (i % 2 ? leased : other).spend(request)),
    )
    const through = made.filter(({ ok }) => ok).length
    await Promise.all([leased.returnAll(), other.returnAll()])
    expect(through).toBeLessThanOrEqual(100)
    expect(store.used('key:1', request.charges[0]!.rules)).toEqual({ minute: through })
  })

  test('is shared by those who come while its debit is on its way', async () => {
    const { store, leased, request } = setUp()
    store.delay = () => turns(1)
    const made = await Promise.all(Array.from({ length: 64 }, () => leased.spend(request)))
    expect(made.every(({ ok }) => ok)).toBe(true)
    expect(costs(store)).toEqual([1, 2, 4, 8, 10, 10, 10, 10, 10])
  })

  test('is given back when the limits change, and the new ones hold at once', async () => {
    const { store, leased, used, spend } = setUp()
    await spend(16)
    expect(used()).toBe(25)
    const lower = requestOf([minute(16)])
    expect(await leased.spend(lower)).toMatchObject({ ok: false, meters: [{ used: 16 }] })
    expect(store.requests.at(-1)).toEqual(lower)
  })

  test('is given back on close', async () => {
    const { leased, spend, used } = setUp()
    await spend(16)
    await leased.returnAll()
    expect(used()).toBe(16)
  })

  test('that failed on its way fails those who wait for it, and the next begins anew', async () => {
    const { store, leased, request } = setUp()
    store.delay = () => turns(1)
    store.trouble = new Error('away')
    const made = await Promise.allSettled([
      leased.spend(request),
      leased.spend(request),
      leased.spend(request),
    ])
    expect(made.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    store.trouble = null
    expect(await leased.spend(request)).toMatchObject({ ok: true })
  })

  test('lasts as long as it does by the monotonic clock, whatever the wall clock shows', async () => {
    const wall = manualClock()
    const store = watchedLimits(wall)
    const own = manualClock()
    const clock: Clock = { ...own, now: () => 0 }
    const leased = leaseLimits(store, 10, clock)
    const request = requestOf([minute(1_000)])
    for (let i = 0; i < 4; i++) await leased.spend(request)
    own.step(-3_600_000)
    expect(leased.take(request)).toBeDefined()
    await own.advance(1_000)
    expect(leased.take(request)).toBeUndefined()
  })
})

describe('a keyrung with leases', () => {
  test('asks the store seldom, never passes the limit, and gives back what is left when it closes', async () => {
    const world = metered({ defaults: [minute(1_000)], limits: { leases: { units: 10 } } })
    const { id, request } = await keyOf(world)
    const demand = world.keyrung.demand('contacts:read')
    for (let i = 0; i < 16; i++)
      expect(await world.keyrung.admit(request, demand)).toMatchObject({ ok: true })
    expect(world.limits.requests).toHaveLength(5)
    await world.keyrung.close()
    expect(world.limits.used(`key:${id}`, parseLimits([minute(1_000)]))).toEqual({ minute: 16 })
  })

  test('spends what it has debited while the store is away, and nothing more', async () => {
    const world = metered({ defaults: [minute(1_000)], limits: { leases: { units: 10 } } })
    const { request } = await keyOf(world)
    const demand = world.keyrung.demand('contacts:read')
    for (let i = 0; i < 16; i++) await world.keyrung.admit(request, demand)
    world.limits.trouble = new Error('away')
    for (let i = 0; i < 9; i++) expect(world.keyrung.admit(request, demand)).toMatchObject({ ok: true })
    expect(() => world.keyrung.admit(request, demand)).toThrow(
      expect.objectContaining({ code: 'limits_unavailable' }),
    )
  })

  test('gives back what a quiet key left by the background work', async () => {
    const world = metered({ defaults: [minute(1_000)], limits: { leases: { units: 10 } } })
    const { id, request } = await keyOf(world)
    const demand = world.keyrung.demand('contacts:read')
    for (let i = 0; i < 16; i++) await world.keyrung.admit(request, demand)
    await world.clock.advance(1_000)
    await world.keyrung.tick()
    expect(world.limits.used(`key:${id}`, parseLimits([minute(1_000)]))).toEqual({ minute: 16 })
  })
})
