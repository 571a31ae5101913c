import type { Demand } from '../core/demand.js'
import type { LimitMeter } from '../core/limit-window.js'
import type { LimitReport } from '../service/admission.js'

/** What the limits of a request came to, with the guards it has passed so far. */
export interface ToldLimits {
  /** Null where nothing limits it. */
  readonly limits: LimitReport | null
  /** How many of the meters, the last ones, are of operations' own limits; those before hold for every operation. */
  readonly operations: number
}

/** What one guard was told. */
export function toldBy({ limit }: Demand, limits: LimitReport | null): ToldLimits {
  return { limits, operations: limits === null || limit === null ? 0 : 1 }
}

/**
 * What is told after a further guard: each limit as it was last seen, in the order in which they were first charged,
 * those of operations last.
 */
export function tellFurther(before: ToldLimits, demand: Demand, limits: LimitReport | null): ToldLimits {
  const told = toldBy(demand, limits)
  if (limits === null) return before
  if (before.limits === null) return told
  const [shared, own] = split(told)
  const [sharedBefore, ownBefore] = split(before)
  // They are charged again, all of them, where this guard costs more than was paid.
  const meters = [...(shared.length > 0 ? shared : sharedBefore)]
  const isNew = ({ rule }: LimitMeter): boolean => !ownBefore.some((meter) => meter.rule.name === rule.name)
  for (const meter of ownBefore) meters.push(own.find(({ rule }) => rule.name === meter.rule.name) ?? meter)
  meters.push(...own.filter(isNew))
  return {
    limits: { now: limits.now, meters },
    operations: ownBefore.length + own.filter(isNew).length,
  }
}

function split({
  limits,
  operations,
}: ToldLimits): readonly [shared: readonly LimitMeter[], own: readonly LimitMeter[]] {
  const meters = limits?.meters ?? []
  const at = meters.length - operations
  return [meters.slice(0, at), meters.slice(at)]
}
