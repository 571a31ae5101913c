import { describe, expect, test } from 'vitest'
import { maxUnits, parseLimits } from '../../src/core/limit.js'
import type { Limit } from '../../src/core/limit.js'
import type { LimitRequest } from '../../src/ports/limit-store.js'
import { createLimitDebts } from '../../src/service/limit-debts.js'
import { createOutageSpending } from '../../src/service/limit-outage.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { day, minute, watchedLimits } from './meter-sample.js'

function requestOf(subject: string, limits: Limit[] = [minute(60)], cost = 1): LimitRequest {
  return { workspaceId: 'ws', charges: [{ subject, rules: parseLimits(limits), cost }] }
}

function setUp(most = 3) {
  const clock = manualClock()
  const paid: LimitRequest[] = []
  const away = { trouble: null as Error | null }
  const debts = createLimitDebts({
    most,
    now: () => clock.now(),
    spend(request) {
      if (away.trouble) throw away.trouble
      paid.push(request)
    },
  })
  const costs = () => paid.map(({ charges: [charge] }) => [charge!.subject, charge!.cost])
  return { clock, debts, paid, away, costs }
}

const always = () => true

describe('what is owed to a limit store', () => {
  test('is kept of so many subjects; there is no room for further ones, but for those who owe already', () => {
    const { debts } = setUp(3)
    for (const subject of ['a', 'b', 'c']) {
      expect(debts.admits(requestOf(subject))).toBe(true)
      debts.owe(requestOf(subject))
    }
    expect(debts.admits(requestOf('d'))).toBe(false)
    expect(debts.admits(requestOf('a'))).toBe(true)
    expect(debts.size).toBe(3)
  })

  test('is forgotten when nothing of it counts any more, to the bucket, and makes room', async () => {
    const { clock, debts } = setUp(2)
    const now = clock.now()
    const end = Math.floor(now / 1_000) * 1_000 + 61_000
    debts.owe(requestOf('a'))
    debts.owe(requestOf('b', [minute(60), day(100)]))
    await clock.advance(end - now - 1)
    expect(debts.admits(requestOf('c'))).toBe(false)
    debts.sweep()
    expect(debts.size).toBe(2)
    await clock.advance(1_000)
    expect(debts.admits(requestOf('c'))).toBe(true)
    expect(debts.size).toBe(1)
    await clock.advance(86_400_000)
    debts.sweep()
    expect(debts.size).toBe(0)
  })

  test('counts for as long as the last of it does, also where limits have become shorter', async () => {
    const { clock, debts, costs } = setUp()
    debts.owe(requestOf('a', [day(100)]))
    debts.owe(requestOf('a', [minute(60)]))
    await clock.advance(120_000)
    debts.sweep()
    await debts.paySome(always)
    expect(costs()).toEqual([['a', 2]])
  })

  test('never grows beyond what fills every limit', async () => {
    const { debts, costs } = setUp()
    for (let i = 0; i < 3; i++) debts.owe(requestOf('a', [day(maxUnits)], maxUnits - 1))
    await debts.paySome(always)
    expect(costs()).toEqual([['a', maxUnits]])
    expect(debts.size).toBe(0)
  })

  test('is told in rounds, and stays owed where that ends early or fails', async () => {
    const { debts, away, costs } = setUp(100)
    for (let i = 0; i < 40; i++) debts.owe(requestOf(`key:${i}`))
    let rounds = 0
    await debts.paySome(() => rounds++ < 1)
    expect(costs()).toHaveLength(16)
    expect(debts.size).toBe(24)
    away.trouble = new Error('away')
    await expect(debts.paySome(always)).rejects.toThrow('away')
    expect(debts.size).toBe(24)
    away.trouble = null
    await debts.paySome(always)
    expect(new Set(costs().map(([subject]) => subject)).size).toBe(40)
    expect(costs()).toHaveLength(40)
    expect(debts.size).toBe(0)
  })
})

describe('what is owed to a limit store that answers later', () => {
  function setUpLater() {
    const clock = manualClock()
    const paid: LimitRequest[] = []
    const open: (() => void)[] = []
    const debts = createLimitDebts({
      ...{ most: 10, now: () => clock.now() },
      spend: (request) =>
        new Promise<void>((resolve) => open.push(resolve)).then(() => void paid.push(request)),
    })
    const land = () => open.splice(0).forEach((resolve) => resolve())
    const costs = () => paid.map(({ charges: [charge] }) => [charge!.subject, charge!.cost])
    return { debts, land, costs }
  }

  test('is told once, however many want it told meanwhile', async () => {
    const { debts, land, costs } = setUpLater()
    debts.owe(requestOf('a', [minute(60)], 5))
    const all = [debts.settle(requestOf('a')), debts.settle(requestOf('a')), debts.payOne()]
    land()
    await Promise.all(all)
    expect(costs()).toEqual([['a', 5]])
    expect(debts.size).toBe(0)
    expect(debts.settle(requestOf('a'))).toBeUndefined()
    expect(debts.payOne()).toBeUndefined()
  })

  test('stays owed as far as it has grown while it was told', async () => {
    const { debts, land, costs } = setUpLater()
    debts.owe(requestOf('a', [minute(60)], 5))
    const first = debts.settle(requestOf('a'))
    debts.owe(requestOf('a', [minute(60)], 2))
    debts.owe(requestOf('a', [minute(60)], 0))
    land()
    await first
    expect(debts.size).toBe(1)
    const second = debts.settle(requestOf('a'))
    land()
    await second
    expect(costs()).toEqual([
      ['a', 5],
      ['a', 2],
    ])
    expect(debts.size).toBe(0)
  })

  test('is nothing where a request has spent nothing', () => {
    const { debts } = setUpLater()
    debts.owe(requestOf('a', [minute(60)], 0))
    expect(debts.size).toBe(0)
  })
})

test('however often the limit store comes and goes, no more is kept than that; what is beyond is refused', async () => {
  const clock = manualClock()
  const store = watchedLimits(clock)
  const outage = createOutageSpending({ store, share: 1, maxDebts: 100, clock, notify: () => undefined })
  const requests = Array.from({ length: 150 }, (_, i) => requestOf(`key:${i}`, [day(100)]))
  const outcome = async (request: LimitRequest): Promise<unknown> => {
    try {
      return (await outage.spend(request)).ok
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  // What is left of a day is known of those whom the store has counted.
  for (const request of requests) expect(await outcome(request)).toBe(true)
  const came: unknown[] = []
  let most = 0
  for (let from = 0; from < 150; from += 30) {
    store.trouble = new Error('away')
    for (const request of requests.slice(from, from + 30)) came.push(await outcome(request))
    most = Math.max(most, outage.state().owing)
    store.trouble = null
    // One finds that it is back, and pays for itself; the others do not come again before it goes.
    await outcome(requests[from]!)
  }
  expect(most).toBe(100)
  expect(outage.state().mode).toBe('ok')
  const refused = came.indexOf('limits_unavailable')
  expect(came.slice(0, refused).every((through) => through === true)).toBe(true)
  expect(came.slice(refused).filter((through) => through !== 'limits_unavailable').length).toBeLessThan(10)

  await outage.recover()
  expect(outage.state().owing).toBe(0)
  const through = came.filter((one) => one === true).length
  const counted = requests.map(({ charges: [charge] }) => store.used(charge!.subject, charge!.rules)['day']!)
  // Each had spent one before, and five have found that it is back.
  expect(counted.reduce((sum, used) => sum + used, 0)).toBe(150 + 5 + through)
})
