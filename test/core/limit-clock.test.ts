import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitRule } from '../../src/core/limit.js'
import { packStates, unpackStates } from '../../src/core/limit-text.js'
import { bucketAt, bucketStart, planSpending, settleStates } from '../../src/core/limit-window.js'
import { randomPause, randomRules, start } from './limit-samples.js'

/** What a clock shows that can be set, over time as it is. */
class Story {
  time = start
  offset = 0
  forward = 0
  steps = 0
  text = ''
  readonly admitted: { at: number; cost: number; clock: number; forward: number; steps: number }[] = []

  constructor(readonly rules: readonly LimitRule[]) {}

  get clock(): number {
    return this.time + this.offset
  }

  step(by: number): void {
    const to = Math.max(0, this.clock + by)
    if (to > this.clock) this.forward++
    this.steps++
    this.offset = to - this.time
  }

  spend(cost: number): boolean {
    const states = unpackStates(this.rules, this.text)
    const plan = planSpending(this.rules, states, this.clock, cost)
    if (plan.states !== states) this.text = packStates(this.rules, plan.states, this.text, this.clock)
    const { clock, forward, steps } = this
    if (plan.ok && cost > 0) this.admitted.push({ at: this.time, cost, clock, forward, steps })
    return plan.ok
  }
}

const by = fc.tuple(randomPause, fc.boolean()).map(([ms, back]) => (back ? -ms : ms))
const acts = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ pause: randomPause, cost: fc.nat({ max: 8 }) }), weight: 5 },
    { arbitrary: fc.record({ by }), weight: 1 },
  ),
  { maxLength: 80 },
)

function lived(
  rules: readonly LimitRule[],
  given: readonly ({ pause: number; cost: number } | { by: number })[],
) {
  const story = new Story(rules)
  for (const act of given) {
    if ('by' in act) story.step(act.by)
    else {
      story.time += act.pause
      story.spend(act.cost)
    }
  }
  return story
}

describe('limits by a clock that is set', () => {
  it('no window of true time has more than the limit, and once more for each step forward within it', () => {
    fc.assert(
      fc.property(randomRules, acts, (rules, given) => {
        const { admitted } = lived(rules, given)
        for (const rule of rules) {
          if (rule.kind !== 'rolling') continue
          for (const [i, first] of admitted.entries()) {
            const within = admitted.slice(i).filter(({ at }) => at < first.at + rule.windowMs)
            const units = within.reduce((sum, { cost }) => sum + cost, 0)
            const steps = within.at(-1)!.forward - first.forward
            expect(units).toBeLessThanOrEqual(rule.limit * (1 + steps))
          }
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('no period has more than the limit, and once more for each step of the clock', () => {
    fc.assert(
      fc.property(randomRules, acts, (rules, given) => {
        const { admitted } = lived(rules, given)
        for (const rule of rules) {
          if (rule.kind === 'rolling') continue
          const sums = new Map<string, number>()
          for (const { clock, cost, steps } of admitted) {
            const key = `${bucketAt(rule, clock)} ${steps}`
            sums.set(key, (sums.get(key) ?? 0) + cost)
          }
          for (const units of sums.values()) expect(units).toBeLessThanOrEqual(rule.limit)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('after a step back all of a limit is to be had within one window of the first request, though it was refused', () => {
    fc.assert(
      fc.property(randomRules, acts, randomPause, (rules, given, back) => {
        for (const rule of rules.filter(({ limit }) => limit > 0)) {
          const story = lived([rule], given)
          story.step(-back)
          story.spend(1)
          // A window, the bucket that it ends in, and what a reading of the clock may be late by.
          story.time += rule.windowMs + 2 * rule.bucketMs + 250
          expect(story.spend(rule.limit)).toBe(true)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('moves what is ahead and nothing else', () => {
    const rules = parseLimits([{ name: 'a', limit: 9, windowMs: 60_000 }])
    const bucket = bucketAt(rules[0]!, start)
    const state = { bucket: bucket + 3, counts: [1, 2, 0, 4, 0, 5] }
    expect(settleStates(rules, [state], start)).toEqual([{ bucket, counts: [7, 0, 5] }])
    const soon = bucketStart(rules[0]!, bucket + 1) - 250
    const next = [{ bucket: bucket + 1, counts: [1, 2] }]
    expect(settleStates(rules, next, soon)).toBe(next)
    expect(settleStates(rules, next, soon - 1)).toEqual([{ bucket, counts: [3] }])
    const present = [{ bucket, counts: [1] }]
    expect(settleStates(rules, present, start)).toBe(present)
  })
})
