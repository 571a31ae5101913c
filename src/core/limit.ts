import { createReport, joined, quoted } from './definition-report.js'
import type { Report } from './definition-report.js'
import { invalid } from './errors.js'
import { isName } from './name.js'
import { ownElements } from './own-properties.js'

/** A limit that holds in every window of its length, wherever the window begins. */
export interface RollingLimit {
  readonly name: string
  /** The most units in a window; 0 admits nothing. */
  readonly limit: number
  /** From a second to 31 days. */
  readonly windowMs: number
}

/** A quota of each day or month, in UTC. */
export interface CalendarLimit {
  readonly name: string
  readonly limit: number
  readonly calendar: 'day' | 'month'
}

/** A limit as a host or a key's maker writes it. */
export type Limit = RollingLimit | CalendarLimit

/** A limit, checked, with the buckets that its units are counted in. */
export interface LimitRule {
  readonly name: string
  readonly limit: number
  readonly kind: 'rolling' | 'day' | 'month'
  /** The length of the window; of a calendar limit, the longest that its period can be. */
  readonly windowMs: number
  /** The width of a bucket; 0 where the calendar says where it ends. */
  readonly bucketMs: number
  /** How many buckets count, the present one included: the oldest is counted whole. */
  readonly buckets: number
}

/** Most limits in one list; where the lists of host, plan and key are merged, a key can have three times as many. */
export const maxLimits = 8

/** Most units that a limit can name: sums stay exact, and fit 31 bits. */
export const maxUnits = 1_000_000_000

const shortestWindowMs = 1_000
const dayMs = 86_400_000
const longestWindowMs = 31 * dayMs

/** Into how many buckets a window is cut; one more is counted, so the full rate is usable but for a sixtieth. */
const parts = 60

/**
 * Reads a list of limits.
 *
 * @param path where it stands, for faults
 * @throws KeyrungError `input_invalid` with every fault, each by its path
 */
export function parseLimits(value: unknown, path = 'limits'): readonly LimitRule[] {
  const report = createReport()
  const rules = readLimits(value, path, report)
  if (report.faults.length > 0) throw invalid('input_invalid', report.faults)
  return rules
}

/** The same, for a definition of which they are a part; what is wrong is added to its report. */
export function readLimits(value: unknown, path: string, report: Report): readonly LimitRule[] {
  const given = ownElements(value, maxLimits)
  if (given === undefined) {
    report.add(path, `must be a list of at most ${maxLimits} limits`)
    return []
  }
  const names = new Set<string>()
  const rules: LimitRule[] = []
  for (const [index, element] of given.entries()) {
    const rule = readLimit(element, joined(path, String(index)), report)
    if (rule === undefined) continue
    if (names.has(rule.name)) report.add(joined(path, `${index}.name`), 'is the name of another limit too')
    names.add(rule.name)
    rules.push(rule)
  }
  // One order for equal lists: whoever writes them down writes the same.
  return Object.freeze(rules.sort((a, b) => (a.name < b.name ? -1 : 1)))
}

function readLimit(value: unknown, path: string, report: Report): LimitRule | undefined {
  const before = report.faults.length
  const given = report.properties(path, value, ['name', 'limit', 'windowMs', 'calendar'])
  if (given === undefined) return undefined
  const [name, limit, windowMs, calendar] = ['name', 'limit', 'windowMs', 'calendar'].map((key) =>
    given.get(key),
  )
  if (!isName(name))
    report.add(joined(path, 'name'), `must be lower-case words joined by -, _ or ., not ${quoted(name)}`)
  if (!isWhole(limit, 0, maxUnits)) {
    report.add(joined(path, 'limit'), `must be a whole number from 0 to ${maxUnits}`)
  }
  if ((windowMs === undefined) === (calendar === undefined)) {
    report.add(path, "must have either windowMs, or calendar: 'day' or 'month'")
  } else if (calendar !== undefined && calendar !== 'day' && calendar !== 'month') {
    report.add(joined(path, 'calendar'), "must be 'day' or 'month'")
  } else if (windowMs !== undefined && !isWhole(windowMs, shortestWindowMs, longestWindowMs)) {
    report.add(
      joined(path, 'windowMs'),
      `must be whole milliseconds from ${shortestWindowMs} to ${longestWindowMs}, which is 31 days`,
    )
  }
  if (report.faults.length > before) return undefined
  return calendar === undefined
    ? rollingRule(name as string, limit as number, windowMs as number)
    : calendarRule(name as string, limit as number, calendar as 'day' | 'month')
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

function rollingRule(name: string, limit: number, windowMs: number): LimitRule {
  const bucketMs = Math.ceil(windowMs / parts)
  return Object.freeze({
    ...{ name, limit, kind: 'rolling' as const, windowMs, bucketMs },
    buckets: Math.ceil(windowMs / bucketMs) + 1,
  })
}

function calendarRule(name: string, limit: number, kind: 'day' | 'month'): LimitRule {
  return Object.freeze({
    name,
    limit,
    kind,
    windowMs: kind === 'day' ? dayMs : 31 * dayMs,
    bucketMs: 0,
    buckets: 1,
  })
}

/** A rule as it was written: what `parseLimits` makes it from. */
export function limitOf({ name, limit, kind, windowMs }: LimitRule): Limit {
  return kind === 'rolling' ? { name, limit, windowMs } : { name, limit, calendar: kind }
}

/**
 * The limits that hold where several lists speak of them: each name as the last list that has it says.
 *
 * @param lists from the most general to the most particular: defaults, plan, key
 */
export function mergeLimits(lists: readonly (readonly LimitRule[])[]): readonly LimitRule[] {
  const byName = new Map<string, LimitRule>()
  for (const rules of lists) for (const rule of rules) byName.set(rule.name, rule)
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
