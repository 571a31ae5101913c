import { bucketAt, bucketStart } from '../../core/limit-window.js'
import type { LimitRule } from '../../core/limit.js'
import { keptName } from './keys.js'

/** A list of limits, as the script is told about it. */
export interface RuleList {
  readonly rules: readonly LimitRule[]
  /** For each limit its name, width of a bucket and buckets. */
  readonly values: readonly string[]
  /** JSON without its last element, the month; equal lists have equal texts. */
  readonly text: string
  readonly hasMonth: boolean
}

const dayMs = 86_400_000

/** The same list comes with every request of a key, so it is written once. */
const written = new WeakMap<readonly LimitRule[], RuleList>()

function widthOf({ kind, bucketMs }: LimitRule): number {
  if (kind === 'rolling') return bucketMs
  return kind === 'day' ? dayMs : 1
}

/** Writes a list of limits down for the script. */
export function ruleListOf(rules: readonly LimitRule[]): RuleList {
  const before = written.get(rules)
  if (before) return before
  const widths = rules.map(widthOf)
  const counts = rules.map(({ buckets }) => buckets)
  const kept = rules.map(({ name }, i) => `${keptName(name)},${widths[i]},${counts[i]};`).join('')
  const columns = [`${kept}|`, rules.map(({ limit }) => limit), widths, counts].map((one) =>
    JSON.stringify(one),
  )
  const list = {
    rules,
    values: rules.flatMap(({ name }, i) => [keptName(name), String(widths[i]), String(counts[i])]),
    text: columns.join(','),
    hasMonth: rules.some(({ kind }) => kind === 'month'),
  }
  // A list that may still be changed is no key to what was written of it.
  if (Object.isFrozen(rules)) written.set(rules, list)
  return list
}

/** The month that the store's now probably lies in, so that the script need not work it out: its number, start and end. */
export function monthText(list: RuleList, now: number): string {
  const rule = list.hasMonth && list.rules.find(({ kind }) => kind === 'month')
  if (!rule) return 'false'
  const month = bucketAt(rule, now)
  return JSON.stringify([month, bucketStart(rule, month), bucketStart(rule, month + 1)])
}

/** When all of each limit is free, if what counts last was spent now. */
export function resetsAfter(list: RuleList, now: number): readonly number[] {
  return list.rules.map((rule) => bucketStart(rule, bucketAt(rule, now) + rule.buckets))
}
