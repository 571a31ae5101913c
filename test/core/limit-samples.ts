import fc from 'fast-check'
import { parseLimits } from '../../src/core/limit.js'
import type { Limit, LimitRule } from '../../src/core/limit.js'

/** The instant the samples begin at: a month's end is near. */
export const start = Date.UTC(2028, 1, 28, 23, 59, 0)

const windows = [1_000, 1_001, 1_020, 5_000, 59_999, 60_000, 61_000, 3_600_000, 86_400_000]

/** A limit of a low number, of either kind. */
function randomLimit(name: string, most = 20): fc.Arbitrary<Limit> {
  const limit = fc.integer({ min: 0, max: most })
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ name: fc.constant(name), limit, windowMs: fc.constantFrom(...windows) }),
    },
    fc.record({
      name: fc.constant(name),
      limit,
      calendar: fc.constantFrom('day' as const, 'month' as const),
    }),
  )
}

/** One to three limits. */
export const randomRules: fc.Arbitrary<readonly LimitRule[]> = fc
  .tuple(randomLimit('a'), fc.option(randomLimit('b')), fc.option(randomLimit('c')))
  .map((limits) => parseLimits(limits.filter((limit) => limit !== null)))

/** How much time passes between two arrivals: nothing, about a bucket, about a window, a long time. */
export const randomPause = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 2_000 }),
  fc.constantFrom(...windows.flatMap((ms) => [ms - 1, ms, ms + 1, Math.ceil(ms / 60)])),
  fc.integer({ min: 1, max: 40 * 86_400_000 }),
)
