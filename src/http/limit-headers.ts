import { bucketAt, bucketStart } from '../core/limit-window.js'
import type { LimitMeter } from '../core/limit-window.js'
import type { LimitReport } from '../service/admission.js'

/** Header fields that are to be set, by names in lower case and in this order. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

/** The limit that a request was refused for, as a problem tells of it; all times in whole seconds, rounded up. */
export interface LimitProblem {
  readonly name: string
  readonly limit: number
  readonly remaining: number
  /** The length of the window of a rolling limit. */
  readonly window_seconds?: number
  /** The period of a quota, in UTC. */
  readonly calendar?: 'day' | 'month'
  /** When the same request would fit, if nothing else is spent; null: never, as long as the limit stays what it is. */
  readonly retry_after: number | null
  /** When all of the limit can be used again, if nothing more is spent. */
  readonly reset_after: number
}

/**
 * `RateLimit-Policy` and `RateLimit` of a request that was counted (draft-ietf-httpapi-ratelimit-headers-10, 3 and 4);
 * null where nothing limits it.
 *
 * @example
 * ```ts
 * const authorization = ['Bearer tp_live_…']
 * const admission = await keyrung.admit({ authorization }, keyrung.demand('contacts:read'))
 * const fields = limitHeaders(admission.limits)
 * // [['ratelimit-policy', '"minute";q=60;w=60'], ['ratelimit', '"minute";r=12;t=34']]
 * ```
 */
export function limitHeaders(report: LimitReport | null | undefined): HeaderPairs | null {
  if (report === null || report === undefined || report.meters.length === 0) return null
  const { now } = report
  let policies = ''
  let standings = ''
  for (const meter of oneByName(report.meters)) {
    const { rule } = meter
    const separator = policies === '' ? '"' : ', "'
    policies += `${separator}${rule.name}";q=${rule.limit};w=${toSeconds(periodMs(meter, now))}`
    standings += `${separator}${rule.name}";r=${meter.remaining}`
    const changesAt = meter.fits ? meter.resetAt : meter.retryAt
    if (changesAt !== null) standings += `;t=${secondsUntil(changesAt, now)}`
  }
  return [
    ['ratelimit-policy', policies],
    ['ratelimit', standings],
  ]
}

/**
 * What a refusal for a limit tells: `Retry-After` in whole seconds, and the limit that refuses for longest.
 *
 * Of a request that can never fit, `Retry-After` is one window: by then the limit may have been raised.
 */
export function describeRefusal(report: LimitReport | null | undefined): {
  readonly retryAfter: number
  readonly limit: LimitProblem | null
} {
  const meter = longestRefusing(report?.meters ?? [])
  if (!report || !meter) return { retryAfter: 1, limit: null }
  const { now } = report
  const { rule, remaining, resetAt, retryAt } = meter
  const waits = retryAt === null ? null : Math.max(1, secondsUntil(retryAt, now))
  const period =
    rule.kind === 'rolling' ? { window_seconds: toSeconds(rule.windowMs) } : { calendar: rule.kind }
  return {
    retryAfter: waits ?? toSeconds(rule.windowMs),
    limit: {
      ...{ name: rule.name, limit: rule.limit, remaining, ...period },
      ...{ retry_after: waits, reset_after: secondsUntil(resetAt, now) },
    },
  }
}

/** A policy may be named once only; of several limits with one name the tighter is told. */
function oneByName(meters: readonly LimitMeter[]): readonly LimitMeter[] {
  const told: LimitMeter[] = []
  for (const meter of meters) {
    const at = told.findIndex(({ rule }) => rule.name === meter.rule.name)
    if (at < 0) told.push(meter)
    else if (isTighter(meter, told[at]!)) told[at] = meter
  }
  return told
}

function isTighter(one: LimitMeter, other: LimitMeter): boolean {
  const [end, otherEnd] = [refusesUntil(one), refusesUntil(other)]
  return end === otherEnd ? one.remaining < other.remaining : end > otherEnd
}

function longestRefusing(meters: readonly LimitMeter[]): LimitMeter | undefined {
  let longest: LimitMeter | undefined
  for (const meter of meters) {
    if (!meter.fits && (!longest || isTighter(meter, longest))) longest = meter
  }
  return longest
}

function refusesUntil({ fits, retryAt }: LimitMeter): number {
  return fits ? -Infinity : (retryAt ?? Infinity)
}

/** Months differ in length: it is that of the present one. */
function periodMs({ rule }: LimitMeter, now: number): number {
  if (rule.kind !== 'month') return rule.windowMs
  const month = bucketAt(rule, now)
  return bucketStart(rule, month + 1) - bucketStart(rule, month)
}

function secondsUntil(at: number, now: number): number {
  return toSeconds(Math.max(0, at - now))
}

function toSeconds(ms: number): number {
  return Math.ceil(ms / 1_000)
}
