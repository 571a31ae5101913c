import { invalid } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { seededLot } from './lot.js'

/** How long calls take, as a distribution; all in milliseconds. */
export interface RandomLatencyOptions {
  /** Half of all calls are quicker. */
  readonly medianMs: number
  /** One call in a hundred is slower. */
  readonly p99Ms: number
  /** No call is slower; ten times `p99Ms` if left out. */
  readonly mostMs?: number
  /** The same seed, the same latencies; 1 if left out. */
  readonly seed?: number
}

/** How many standard deviations the 99th of 100 lies above the middle of a normal distribution. */
const p99Deviations = 2.3263

/**
 * Makes the latency of a database as it is measured: log-normal, most calls near the median and a long tail. What
 * a call takes is divided by lot between the way there and the way back.
 *
 * @throws KeyrungError `input_invalid` for numbers that are no distribution
 * @example
 * ```ts
 * const latency = randomLatency({ medianMs: 2, p99Ms: 80, seed: 7 })
 * const store = slowStore(memoryStore({ clock }), { clock, latency })
 * ```
 */
export function randomLatency(
  options: RandomLatencyOptions,
): () => { readonly before: number; readonly after: number } {
  const { medianMs, p99Ms, mostMs = p99Ms * 10, seed = 1 } = options
  const faults: Fault[] = []
  if (!(medianMs > 0 && medianMs < Infinity)) faults.push({ path: 'medianMs', message: 'must be above 0' })
  if (!(p99Ms >= medianMs && p99Ms < Infinity))
    faults.push({ path: 'p99Ms', message: 'must be medianMs at least' })
  if (!(mostMs >= p99Ms)) faults.push({ path: 'mostMs', message: 'must be p99Ms at least' })
  if (faults.length > 0) throw invalid('input_invalid', faults)

  const lot = seededLot(seed)
  const spread = Math.log(p99Ms / medianMs) / p99Deviations
  return () => {
    // Box and Muller's way from two even numbers to a normal one; 1 - lot() is never 0.
    const deviation = Math.sqrt(-2 * Math.log(1 - lot())) * Math.cos(2 * Math.PI * lot())
    const whole = Math.min(mostMs, medianMs * Math.exp(spread * deviation))
    const before = whole * lot()
    return { before, after: whole - before }
  }
}
