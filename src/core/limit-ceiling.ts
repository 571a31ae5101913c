import { maxNameLength } from './name.js'
import { mergeLimits } from './limit.js'
import type { LimitRule } from './limit.js'

const dayMs = 86_400_000

/** Returns true if one limit is as tight as another in every window of the other. */
export function isAsTight(rule: LimitRule, other: LimitRule): boolean {
  return rule.limit * periodsWithin(rule, other) <= other.limit
}

/** How many of one limit's periods a window of another can take in at the most. */
function periodsWithin(rule: LimitRule, { kind, windowMs }: LimitRule): number {
  if (rule.kind === kind && kind !== 'rolling') return 1
  if (rule.kind === 'rolling') return Math.ceil(windowMs / rule.windowMs)
  // A month is whole days, and a day lies in one month; a rolling window can begin and end within a period.
  if (kind === 'month') return 31
  if (kind === 'day') return 1
  if (rule.kind === 'day') return Math.ceil(windowMs / dayMs) + 1
  return windowMs > 28 * dayMs ? 3 : 2
}

/**
 * The limits that hold for a key. The plan's take the place of the host's defaults of the same name, as the host decides
 * both; a key's own takes the place of a default, and that of the plan's only where it is as tight.
 *
 * Where neither is tighter both hold, the key's own by the name `key.` and its name.
 */
export function limitsOfKey(
  defaults: readonly LimitRule[],
  plan: readonly LimitRule[],
  own: readonly LimitRule[],
): readonly LimitRule[] {
  const ceilings = new Map(plan.map((rule) => [rule.name, rule]))
  const taken = new Set([...defaults, ...plan, ...own].map(({ name }) => name))
  const kept = own.flatMap((rule) => {
    const ceiling = ceilings.get(rule.name)
    if (ceiling === undefined || isAsTight(rule, ceiling)) return [rule]
    if (isAsTight(ceiling, rule)) return []
    const name = freeName(rule.name, taken)
    taken.add(name)
    return [Object.freeze({ ...rule, name })]
  })
  return mergeLimits([defaults, plan, kept])
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let i = 1; ; i++) {
    const free = `key${i > 1 ? i : ''}.${name}`.slice(0, maxNameLength).replace(/[-_.]$/, '')
    if (!taken.has(free)) return free
  }
}
