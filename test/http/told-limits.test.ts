import { describe, expect, test } from 'vitest'
import type { Demand } from '../../src/core/demand.js'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitReport } from '../../src/service/admission.js'
import { tellFurther, toldBy } from '../../src/http/told-limits.js'

const [minute, pages] = ['minute', 'pages'].map(
  (name) => parseLimits([{ name, limit: 9, windowMs: 60_000 }])[0]!,
)

const demandOf = (limit: Demand['limit']) => ({ limit }) as Demand

/** A report by what is left of each limit. */
function report(now: number, ...left: (readonly [typeof minute, number])[]): LimitReport {
  const meters = left.map(([rule, remaining]) => {
    return { rule: rule!, used: 9 - remaining, remaining, resetAt: now, retryAt: now, fits: true }
  })
  return { now, meters }
}

const leftIn = ({ limits }: { readonly limits: LimitReport | null }) =>
  limits?.meters.map(({ rule, remaining }) => `${rule.name}=${remaining}`).join()

describe('what is told after a further guard', () => {
  const first = toldBy(demandOf(null), report(1, [minute, 5]))

  test('that was charged nothing is what was told before', () => {
    expect(tellFurther(first, demandOf(null), null)).toBe(first)
  })

  test('where nothing limited the first is what limits the second', () => {
    const before = toldBy(demandOf(null), null)
    expect(leftIn(tellFurther(before, demandOf(pages!), report(1, [pages, 5])))).toBe('pages=5')
  })

  test('has one order, whichever guard has the limit of its own', () => {
    const after = tellFurther(first, demandOf(pages!), report(2, [pages, 8]))
    expect(leftIn(after)).toBe('minute=5,pages=8')
    const before = toldBy(demandOf(pages!), report(1, [minute, 5], [pages, 8]))
    expect(leftIn(tellFurther(before, demandOf(null), report(2, [minute, 3])))).toBe('minute=3,pages=8')
  })

  test('stands as it was last seen, also where less is used than before, and where two share a limit', () => {
    const second = tellFurther(first, demandOf(pages!), report(2, [minute, 7], [pages, 8]))
    const third = tellFurther(second, demandOf(pages!), report(3, [pages, 6]))
    expect(leftIn(third)).toBe('minute=7,pages=6')
    expect(third.limits?.now).toBe(3)
  })

  test('keeps a limit of an operation apart from a shared one of the same name', () => {
    const second = tellFurther(first, demandOf(minute!), report(2, [minute, 8]))
    expect(leftIn(second)).toBe('minute=5,minute=8')
    expect(leftIn(tellFurther(second, demandOf(null), report(3, [minute, 4])))).toBe('minute=4,minute=8')
  })
})
