import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitRule } from '../../src/core/limit.js'
import {
  bucketAt,
  bucketStart,
  forgettableAt,
  fullState,
  mostCounted,
  planSpending,
  spentIn,
  takeBack,
  unspent,
} from '../../src/core/limit-window.js'
import type { LimitPlan, LimitState } from '../../src/core/limit-window.js'
import { randomPause, randomRules, start } from './limit-samples.js'

interface Spent {
  readonly at: number
  readonly cost: number
}

/** One subject, and what it was admitted. */
class Subject {
  states: readonly LimitState[]
  readonly admitted: Spent[] = []

  constructor(readonly rules: readonly LimitRule[]) {
    this.states = rules.map(() => unspent)
  }

  spend(at: number, cost: number): LimitPlan {
    const plan = planSpending(this.rules, this.states, at, cost)
    if (plan.ok && cost > 0) this.admitted.push({ at, cost })
    this.states = plan.states
    return plan
  }
}

/** The most that any window of the rule's length holds, or any of its periods: reckoned by the instants alone. */
function worstWindow(rule: LimitRule, admitted: readonly Spent[]): number {
  const sum = (fits: (at: number) => boolean) =>
    admitted.reduce((units, { at, cost }) => (fits(at) ? units + cost : units), 0)
  const month = (at: number) => new Date(at).toISOString().slice(0, rule.kind === 'day' ? 10 : 7)
  return Math.max(
    0,
    ...admitted.map(({ at: from }) =>
      rule.kind === 'rolling'
        ? // A window that is worst begins with something that was spent, and does not include its own end.
          sum((at) => at >= from && at < from + rule.windowMs)
        : sum((at) => month(at) === month(from)),
    ),
  )
}

const arrivals = fc.array(fc.tuple(randomPause, fc.integer({ min: 0, max: 8 })), { maxLength: 60 })

/** Arrivals, and subjects whose states came about by some others. */
function lived(
  rules: readonly LimitRule[],
  before: readonly (readonly [number, number])[],
): [Subject, number] {
  const subject = new Subject(rules)
  let now = start
  for (const [pause, cost] of before) subject.spend((now += pause), cost)
  return [subject, now]
}

describe('limits by their laws', () => {
  it('never more than the limit is admitted in any window of its length, or any period', () => {
    fc.assert(
      fc.property(randomRules, arrivals, (rules, given) => {
        const [subject] = lived(rules, given)
        for (const rule of rules) expect(worstWindow(rule, subject.admitted)).toBeLessThanOrEqual(rule.limit)
      }),
      { numRuns: 500 },
    )
  })

  it('nor under arrivals that wait for the very millisecond at which they are told to come again', () => {
    fc.assert(
      fc.property(
        randomRules,
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 40 }),
        (rules, costs) => {
          const subject = new Subject(rules)
          let now = start
          for (const cost of costs) {
            const plan = subject.spend(now, cost)
            if (plan.ok) continue
            const retries = plan.meters.map(({ retryAt }) => retryAt)
            if (retries.includes(null)) continue
            now = Math.max(...(retries as number[]))
            subject.spend(now, cost)
          }
          for (const rule of rules)
            expect(worstWindow(rule, subject.admitted)).toBeLessThanOrEqual(rule.limit)
        },
      ),
    )
  })

  it('sixty sixty-firsts of the full rate stay usable, and never less than 0.966', () => {
    for (const [windowMs, least] of [
      [60_000, 60 / 61],
      [3_600_000, 60 / 61],
      [86_400_000, 60 / 61],
      [1_000, 0.966],
      [1_021, 0.966],
      [59_999, 0.98],
    ] as const) {
      const rules = parseLimits([{ name: 'a', limit: 120, windowMs }])
      const subject = new Subject(rules)
      const end = start + 40 * windowMs
      for (let now = start; now < end; now += Math.ceil(windowMs / 997)) subject.spend(now, 1)
      const rate = subject.admitted.length / (120 * 40)
      // The first window is full at once; in the long run it is the rate that is left.
      expect(rate).toBeGreaterThanOrEqual(least - 1 / 40)
      const [rule] = rules
      expect(windowMs / (rule!.buckets * rule!.bucketMs)).toBeGreaterThanOrEqual(least)
    }
  })

  it('a refusal is right about when it will fit: a millisecond before it does not, and then it does', () => {
    fc.assert(
      fc.property(randomRules, arrivals, fc.integer({ min: 1, max: 25 }), (rules, given, cost) => {
        const [{ states }, now] = lived(rules, given)
        const { ok, meters } = planSpending(rules, states, now, cost)
        expect(meters.every(({ fits }) => fits)).toBe(ok)
        for (const [i, { rule, fits, retryAt }] of meters.entries()) {
          const fitsAt = (at: number) => planSpending([rule], [states[i]!], at, cost).ok
          if (cost > rule.limit) expect([fits, retryAt]).toEqual([false, null])
          else if (fits) expect(retryAt).toBe(now)
          else expect([fitsAt(retryAt! - 1), fitsAt(retryAt!), retryAt! > now]).toEqual([false, true, true])
        }
      }),
      { numRuns: 500 },
    )
  })

  it('all of a limit can be used at the instant that was told, and not a millisecond before', () => {
    fc.assert(
      fc.property(randomRules, arrivals, (rules, given) => {
        const [{ states }, now] = lived(rules, given)
        for (const [i, { rule, used, resetAt, remaining }] of planSpending(
          rules,
          states,
          now,
          0,
        ).meters.entries()) {
          const usedAt = (at: number) => planSpending([rule], [states[i]!], at, 0).meters[0]!.used
          expect(remaining).toBe(Math.max(0, rule.limit - used))
          if (used === 0) expect(resetAt).toBe(now)
          else expect([usedAt(resetAt - 1) > 0, usedAt(resetAt)]).toEqual([true, 0])
        }
      }),
      { numRuns: 500 },
    )
  })

  it('a plan is right wherever in its range of time it is carried out', () => {
    fc.assert(
      fc.property(
        randomRules,
        arrivals,
        fc.integer({ min: 0, max: 9 }),
        fc.nat(),
        (rules, given, cost, part) => {
          const [{ states }, now] = lived(rules, given)
          const plan = planSpending(rules, states, now, cost)
          expect(plan.from).toBeLessThanOrEqual(now)
          expect(plan.until).toBeGreaterThan(now)
          const width = plan.until - plan.from
          for (const at of [plan.from, plan.until - 1, plan.from + (part % width)]) {
            const then = planSpending(rules, states, at, cost)
            expect([then.ok, then.states, then.from, then.until]).toEqual([
              plan.ok,
              plan.states,
              plan.from,
              plan.until,
            ])
            expect(then.meters.map(({ used }) => used)).toEqual(plan.meters.map(({ used }) => used))
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('a clock that goes back frees nothing, and what is spent then counts', () => {
    fc.assert(
      fc.property(
        randomRules,
        arrivals,
        randomPause,
        fc.integer({ min: 1, max: 9 }),
        (rules, given, back, cost) => {
          const [subject] = lived(rules, given)
          const spent = (at: number) =>
            planSpending(rules, subject.states, at, 0).meters.map(({ used }) => used)
          const newest = Math.max(start, ...subject.admitted.map(({ at }) => at))
          const before = spent(newest)
          for (const [i, used] of spent(Math.max(0, newest - back)).entries()) {
            expect(used).toBeGreaterThanOrEqual(before[i]!)
          }
          const then = Math.max(0, newest - back)
          const { ok } = subject.spend(then, cost)
          for (const [i, used] of spent(then).entries()) {
            expect(used).toBeGreaterThanOrEqual(before[i]! + (ok ? cost : 0))
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('all or nothing: what is refused changes no state, and what is admitted is counted by all', () => {
    fc.assert(
      fc.property(randomRules, arrivals, fc.integer({ min: 0, max: 9 }), (rules, given, cost) => {
        const [{ states }, now] = lived(rules, given)
        const used = planSpending(rules, states, now, 0).meters.map((meter) => meter.used)
        const plan = planSpending(rules, states, now, cost)
        if (!plan.ok || cost === 0) expect(plan.states).toBe(states)
        const more = plan.ok ? cost : 0
        expect(plan.meters.map((meter) => meter.used)).toEqual(used.map((units) => units + more))
        const forced = planSpending(rules, states, now, cost, true)
        expect(forced.ok).toBe(true)
        expect(forced.meters.map((meter) => meter.used)).toEqual(used.map((units) => units + cost))
      }),
    )
  })

  it('what is taken back is as if it had never been spent', () => {
    fc.assert(
      fc.property(
        randomRules,
        arrivals,
        arrivals,
        fc.integer({ min: 1, max: 9 }),
        (rules, before, after, cost) => {
          const [subject, spentAt] = lived(rules, before)
          let now = spentAt
          const without = rules.map((rule, i) => [rule, subject.states[i]!] as const)
          const forced = planSpending(rules, subject.states, now, cost, true)
          let [left, right] = [forced.states, without.map(([, state]) => state)] as [
            readonly LimitState[],
            readonly LimitState[],
          ]
          for (const [pause, more] of after) {
            now += pause
            left = planSpending(rules, left, now, more, true).states
            right = planSpending(rules, right, now, more, true).states
          }
          left = rules.map((rule, i) => takeBack(rule, left[i]!, spentAt, cost))
          const used = (states: readonly LimitState[]) =>
            planSpending(rules, states, now, 0).meters.map((meter) => meter.used)
          expect(used(left)).toEqual(used(right))
        },
      ),
    )
  })

  it('no more is taken back than was spent in that bucket, and nothing of one that is over', () => {
    const [rule] = parseLimits([{ name: 'a', limit: 9, windowMs: 60_000 }]) as [LimitRule]
    const first = planSpending([rule], [unspent], start, 3).states[0]!
    const both = planSpending([rule], [first], start + 30_000, 4).states[0]!
    const usedAt = (state: LimitState, at: number) => spentIn(rule, state, bucketAt(rule, at))
    expect(usedAt(takeBack(rule, both, start, 100), start + 30_000)).toBe(4)
    expect(usedAt(takeBack(rule, both, start + 30_000, 100), start + 30_000)).toBe(3)
    expect(takeBack(rule, both, start - 1_000, 1)).toBe(both)
    expect(takeBack(rule, both, start + 31_000, 1)).toBe(both)
    expect(takeBack(rule, unspent, start, 1)).toBe(unspent)
    expect(takeBack(rule, first, start, 3).counts).toEqual([])
  })

  it('a state may be forgotten from the instant at which it says nothing, and not before', () => {
    fc.assert(
      fc.property(randomRules, arrivals, (rules, given) => {
        const [{ states }] = lived(rules, given)
        for (const [i, rule] of rules.entries()) {
          const end = forgettableAt(rule, states[i]!)
          if (states[i]!.counts.length === 0) expect(end).toBe(0)
          else {
            expect(spentIn(rule, states[i]!, bucketAt(rule, end))).toBe(0)
            expect(spentIn(rule, states[i]!, bucketAt(rule, end - 1))).toBeGreaterThan(0)
            expect(bucketStart(rule, bucketAt(rule, end))).toBe(end)
          }
        }
      }),
    )
  })

  it('a full state admits nothing until a window has passed', () => {
    fc.assert(
      fc.property(randomRules, (rules) => {
        for (const rule of rules.filter(({ limit }) => limit > 0)) {
          const full = fullState(rule, start)
          const { ok, meters } = planSpending([rule], [full], start, 1)
          expect(ok).toBe(false)
          const { retryAt, resetAt } = meters[0]!
          expect(retryAt).toBe(resetAt)
          if (rule.kind === 'rolling') expect(retryAt! - start).toBeGreaterThanOrEqual(rule.windowMs)
          expect(planSpending([rule], [full], retryAt!, rule.limit).ok).toBe(true)
        }
      }),
    )
  })

  it('what is forced without end stays a number that can be written', () => {
    const rules = parseLimits([{ name: 'a', limit: 5, windowMs: 60_000 }])
    let states: readonly LimitState[] = [unspent]
    for (let i = 0; i < 5; i++) states = planSpending(rules, states, start, 1_000_000_000, true).states
    expect(states[0]!.counts).toEqual([mostCounted])
    expect(planSpending(rules, states, start, 1).ok).toBe(false)
  })
})

describe('the most that is ever admitted in any window', () => {
  /** Arrivals that try to get as much as they can into some window: floods around every edge there is. */
  function attack(rule: LimitRule): number {
    const subject = new Subject([rule])
    const edges = rule.kind === 'rolling' ? [rule.bucketMs, rule.windowMs] : [rule.windowMs]
    const step = Math.max(1, Math.floor((rule.kind === 'rolling' ? rule.bucketMs : rule.windowMs) / 7))
    const last = start + 3 * rule.windowMs
    const instants = new Set<number>()
    for (let at = start; at < last; at += step) instants.add(at)
    for (const edge of edges) {
      for (let at = Math.ceil(start / edge) * edge; at < last; at += edge) {
        for (const off of [-1, 0, 1]) instants.add(at + off)
      }
    }
    for (const at of [...instants].sort((a, b) => a - b)) while (subject.spend(at, 1).ok);
    return worstWindow(rule, subject.admitted)
  }

  it.each([
    ['a second', { name: 'a', limit: 10, windowMs: 1_000 }],
    ['a minute', { name: 'a', limit: 60, windowMs: 60_000 }],
    ['an hour', { name: 'a', limit: 100, windowMs: 3_600_000 }],
    ['a rolling day', { name: 'a', limit: 100, windowMs: 86_400_000 }],
    ['a day of the calendar', { name: 'a', limit: 100, calendar: 'day' as const }],
    ['a month of the calendar', { name: 'a', limit: 100, calendar: 'month' as const }],
  ])('of %s is the limit, and all of it can be had', (_, limit) => {
    const [rule] = parseLimits([limit])
    expect(attack(rule!)).toBe(rule!.limit)
  })
})
