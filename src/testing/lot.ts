import { invalid } from '../core/errors.js'

/** Draws the next number of a series, from 0 to below 1. */
export type Lot = () => number

/** The golden section of 2^32: a step that comes near no number twice (Weyl's sequence). */
const step = 0x9e3779b9

/**
 * Makes numbers that look random and are the same with the same seed, so that a failed run can be repeated. They
 * are for faults and delays in tests, never for secrets.
 *
 * @throws KeyrungError `input_invalid` for a seed that is no whole number
 */
export function seededLot(seed: number): Lot {
  if (!Number.isSafeInteger(seed)) {
    throw invalid('input_invalid', [{ path: 'seed', message: 'must be a whole number' }])
  }
  let state = Math.imul(seed, step) >>> 0
  return () => {
    state = (state + step) >>> 0
    // Two rounds of multiply and fold, so that neighbouring seeds have nothing in common.
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 0x1_0000_0000
  }
}
