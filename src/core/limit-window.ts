import type { LimitRule } from './limit.js'

/** What was spent of a limit lately. */
export interface LimitState {
  /** The number of the newest bucket in which something was spent, counted from 1970. */
  readonly bucket: number
  /** Units by bucket, the newest first; what is older than the last counts nothing. */
  readonly counts: readonly number[]
}

/** How one limit stands, for whoever is told about it. */
export interface LimitMeter {
  readonly rule: LimitRule
  /** What counts in the present window, this spending included if it was admitted. */
  readonly used: number
  /** What is left; never below 0, also where the limit was lowered below what is used. */
  readonly remaining: number
  /** The first instant at which all of the limit can be used again, if nothing more is spent; now where it can already. */
  readonly resetAt: number
  /** Where the spending did not fit: the first instant at which it will, if nothing more is spent; null: never. Else now. */
  readonly retryAt: number | null
  /** Whether the spending fits this limit. */
  readonly fits: boolean
}

/** A spending worked out on states that were read: to be written if they are still the same, and the time fits. */
export interface LimitPlan {
  /** It fits every limit. */
  readonly ok: boolean
  /** The plan is right while the store's now is from here on, */
  readonly from: number
  /** and below this instant. */
  readonly until: number
  /** In the order of the rules. */
  readonly meters: readonly LimitMeter[]
  /** What to write, in the order of the rules; where it does not fit, what is there, settled; to look changes nothing. */
  readonly states: readonly LimitState[]
}

const dayMs = 86_400_000

/**
 * Most units that one bucket counts: what is spent by force beyond it is beyond every limit already. It fits 31 bits,
 * and a window's sum stays exact.
 */
export const mostCounted = 2_147_483_647

/** How much earlier than another of the same clock a reading may come to be used, as after a wait for a row. */
const lateReadingMs = 250

/** Nothing spent. */
export const unspent: LimitState = Object.freeze({ bucket: 0, counts: Object.freeze([]) })

/** The number of the bucket that an instant lies in. */
export function bucketAt(rule: LimitRule, at: number): number {
  if (rule.kind === 'rolling') return Math.floor(at / rule.bucketMs)
  const day = Math.floor(at / dayMs)
  return rule.kind === 'day' ? day : monthOfDay(day)
}

/** The first instant of a bucket. */
export function bucketStart(rule: LimitRule, bucket: number): number {
  if (rule.kind === 'rolling') return bucket * rule.bucketMs
  return (rule.kind === 'day' ? bucket : firstDayOfMonth(bucket)) * dayMs
}

/**
 * What still counts in the window that ends in a bucket.
 *
 * @param bucket not before the state's own
 */
export function spentIn(rule: LimitRule, state: LimitState, bucket: number): number {
  const counted = rule.buckets - (bucket - state.bucket)
  let sum = 0
  for (let i = 0; i < counted && i < state.counts.length; i++) sum += state.counts[i]!
  return sum
}

/**
 * Brings what was spent in buckets that the clock has not reached to the present one: it counts as spent now. So a clock
 * that was set back frees nothing, and makes nobody wait for longer than a window once that is noticed.
 *
 * A bucket that begins in a moment stays: by another reading of the same clock it has begun.
 *
 * @param states in the order of the rules
 * @returns the same list where nothing is moved
 */
export function settleStates(
  rules: readonly LimitRule[],
  states: readonly LimitState[],
  now: number,
): readonly LimitState[] {
  const settled = rules.map((rule, i) => settle(rule, states[i]!, now))
  return settled.every((state, i) => state === states[i]) ? states : settled
}

function settle(rule: LimitRule, state: LimitState, now: number): LimitState {
  if (bucketStart(rule, state.bucket) - now <= lateReadingMs) return state
  const bucket = bucketAt(rule, now)
  const ahead = state.bucket - bucket
  const units = state.counts.slice(0, ahead + 1).reduce((sum, count) => sum + count, 0)
  const counts = [Math.min(units, mostCounted), ...state.counts.slice(ahead + 1)]
  return { bucket, counts: withoutTail(counts) }
}

/**
 * Works out a spending on several limits at once: all of it or nothing, on states that are settled first.
 *
 * @param states in the order of the rules, as they were read
 * @param force spends what does not fit too: to make up for what was spent elsewhere
 */
export function planSpending(
  rules: readonly LimitRule[],
  states: readonly LimitState[],
  now: number,
  cost: number,
  force = false,
): LimitPlan {
  const settled = settleStates(rules, states, now)
  const buckets = rules.map((rule, i) => Math.max(bucketAt(rule, now), settled[i]!.bucket))
  const spent = rules.map((rule, i) => spentIn(rule, settled[i]!, buckets[i]!))
  const ok = force || rules.every((rule, i) => cost === 0 || spent[i]! + cost <= rule.limit)
  const next = ok && cost > 0 ? rules.map((rule, i) => spend(rule, settled[i]!, buckets[i]!, cost)) : settled
  return {
    ok,
    from: Math.max(0, ...rules.map((rule, i) => firstInstant(rule, buckets[i]!, now))),
    until: Math.min(...rules.map((rule, i) => bucketStart(rule, buckets[i]! + 1))),
    meters: rules.map((rule, i) => meterOf(rule, next[i]!, buckets[i]!, now, ok ? 0 : cost)),
    states: cost === 0 ? states : next,
  }
}

/** From when on states are counted in a bucket that was chosen for now. */
function firstInstant(rule: LimitRule, bucket: number, now: number): number {
  const start = bucketStart(rule, bucket)
  return start <= now ? start : start - lateReadingMs
}

function meterOf(rule: LimitRule, state: LimitState, bucket: number, now: number, cost: number): LimitMeter {
  const used = spentIn(rule, state, bucket)
  const fits = cost === 0 || used + cost <= rule.limit
  return {
    rule,
    used,
    remaining: Math.max(0, rule.limit - used),
    resetAt: freeAt(rule, state, bucket, now, 0),
    retryAt: fits ? now : cost > rule.limit ? null : freeAt(rule, state, bucket, now, rule.limit - cost),
    fits,
  }
}

/** The first instant at which no more than so much counts. */
function freeAt(rule: LimitRule, state: LimitState, bucket: number, now: number, most: number): number {
  let rest = spentIn(rule, state, bucket)
  if (rest <= most) return now
  const counted = rule.buckets - (bucket - state.bucket)
  for (let i = Math.min(counted, state.counts.length) - 1; i >= 0; i--) {
    rest -= state.counts[i]!
    if (rest <= most) return bucketStart(rule, state.bucket - i + rule.buckets)
  }
  return now
}

function spend(rule: LimitRule, state: LimitState, bucket: number, cost: number): LimitState {
  const gap = bucket - state.bucket
  if (gap >= rule.buckets) return { bucket, counts: [Math.min(cost, mostCounted)] }
  const counts = [...Array.from({ length: gap }, () => 0), ...state.counts].slice(0, rule.buckets)
  counts[0] = Math.min((counts[0] ?? 0) + cost, mostCounted)
  return { bucket, counts: withoutTail(counts) }
}

/** Takes back what was spent in the bucket of an instant, as far as it counts there: never below nothing. */
export function takeBack(rule: LimitRule, state: LimitState, at: number, units: number): LimitState {
  const index = state.bucket - bucketAt(rule, at)
  if (index < 0 || index >= state.counts.length) return state
  const counts = [...state.counts]
  counts[index] = Math.max(0, counts[index]! - units)
  return { bucket: state.bucket, counts: withoutTail(counts) }
}

/** Everything spent in this moment: where it is not known what was spent before. */
export function fullState(rule: LimitRule, now: number): LimitState {
  return { bucket: bucketAt(rule, now), counts: [rule.limit] }
}

/** The first instant at which a state says no more than none at all. */
export function forgettableAt(rule: LimitRule, state: LimitState): number {
  return state.counts.length === 0 ? 0 : bucketStart(rule, state.bucket + rule.buckets)
}

function withoutTail(counts: number[]): number[] {
  while (counts.length > 0 && counts.at(-1) === 0) counts.pop()
  return counts
}

/** Months since January 1970 of a day since 1970-01-01, by the Gregorian calendar's cycle of 400 years. */
function monthOfDay(day: number): number {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  // Years begin in March here, so that the leap day is their last.
  const month = Math.floor((5 * dayOfYear + 2) / 153)
  return (yearOfEra + era * 400 - 1970) * 12 + month + 2
}

function firstDayOfMonth(month: number): number {
  const fromMarch = month - 2 + 1970 * 12
  const year = Math.floor(fromMarch / 12)
  const era = Math.floor(year / 400)
  const yearOfEra = year - era * 400
  const dayOfYear = Math.floor((153 * (fromMarch - year * 12) + 2) / 5)
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
