import { readFileSync } from 'node:fs'
import { parseLimits } from '../../src/core/limit.js'
import type { Limit } from '../../src/core/limit.js'
import type { LimitMeter } from '../../src/core/limit-window.js'
import type { LimitReport } from '../../src/service/admission.js'

interface MeterVector {
  readonly limit: Limit
  readonly remaining: number
  /** In milliseconds from the report's now. */
  readonly resetIn: number
  readonly retryIn: number | null
  readonly fits: boolean
}

/** What a caller is told of a report; readable from other languages. */
export interface LimitVector {
  readonly name: string
  readonly now: number
  readonly meters: readonly MeterVector[]
  readonly policy: string | null
  readonly rateLimit: string | null
  /** Null where it is not refused. */
  readonly retryAfter: number | null
  readonly problem: object | null
}

/** All of `vectors/limits.json`. */
export const limitVectors = JSON.parse(
  readFileSync(new URL('vectors/limits.json', import.meta.url), 'utf8'),
) as readonly LimitVector[]

/** The report that a vector is about. */
export function reportOf({ now, meters }: Pick<LimitVector, 'now' | 'meters'>): LimitReport {
  return { now, meters: meters.map((meter) => meterOf(meter, now)) }
}

function meterOf({ limit, remaining, resetIn, retryIn, fits }: MeterVector, now: number): LimitMeter {
  const rule = parseLimits([limit])[0]!
  return {
    ...{ rule, remaining, fits, used: rule.limit - remaining },
    resetAt: now + resetIn,
    retryAt: retryIn === null ? null : now + retryIn,
  }
}
