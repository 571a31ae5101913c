import { limitOf, parseLimits } from './limit.js'
import type { Limit, LimitRule } from './limit.js'

/** No limits at all; one value, so that lists can be told apart by identity. */
export const noLimits: readonly LimitRule[] = Object.freeze([])

/** A list of limits as a key record keeps it: the JSON of their canonical order; null: none. */
export function formatLimits(rules: readonly LimitRule[]): string | null {
  return rules.length === 0 ? null : JSON.stringify(rules.map(limitOf))
}

/**
 * Reads a stored list of limits; `undefined` for a text that `formatLimits` did not write, as what is not understood
 * must not come to mean "no limit".
 */
export function readLimitsText(text: string | null): readonly LimitRule[] | undefined {
  if (text === null) return noLimits
  try {
    return parseLimits(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** A stored list of limits as it was written, for views and events; null: none. */
export function showLimits(text: string | null): readonly Limit[] | null {
  return text === null ? null : (readLimitsText(text)?.map(limitOf) ?? null)
}

/**
 * Says whether one list of limits lets more through than another: some limit is gone, higher, or of another kind of
 * window. A longer rolling window with no higher a limit lets through less.
 */
export function raisesLimits(before: readonly LimitRule[], after: readonly LimitRule[]): boolean {
  const now = new Map(after.map((rule) => [rule.name, rule]))
  return before.some((rule) => {
    const wanted = now.get(rule.name)
    if (wanted === undefined || wanted.limit > rule.limit || wanted.kind !== rule.kind) return true
    return wanted.windowMs < rule.windowMs
  })
}
