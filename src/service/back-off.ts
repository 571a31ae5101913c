import type { Entropy } from '../crypto/random.js'

/** The shortest and the longest wait before something is tried again, in milliseconds. */
const backOffMs = { least: 1_000, most: 300_000 } as const

/**
 * How long to wait after so many failures in a row, in milliseconds: it doubles from one second to five
 * minutes, and the upper half of it is drawn by lot, so that instances do not come back all at once.
 *
 * @param failures from 1
 */
export function backOff(failures: number, entropy: Entropy): number {
  const full = Math.min(backOffMs.most, backOffMs.least * 2 ** failures)
  const [high = 0, low = 0] = entropy(2)
  return Math.floor(full / 2 + (full / 2) * ((high * 256 + low) / 65_535))
}
