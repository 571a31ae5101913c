import type { Entropy } from '../../crypto/random.js'

/** How long to wait after each failed attempt, in seconds, as Standard Webhooks 1.0 advises: three days in all. */
const waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

/** The longest that a receiver can put off the next attempt by `Retry-After`, in milliseconds. */
const longestPutOffMs = 86_400_000

/** How much longer than said a wait can be, so that not all come back at once. */
const jitter = 0.2

/**
 * When to try again after so many attempts, in milliseconds since 1970; null: it is given up.
 *
 * @param retryAfter the receiver's `Retry-After` (RFC 9110, 10.2.3): seconds or a date; it can only put off
 */
export function retryAt(
  attempts: number,
  now: number,
  retryAfter: string | null,
  entropy: Entropy,
): number | null {
  const seconds = waits[attempts - 1]
  if (seconds === undefined) return null
  const waitMs = seconds * 1_000 * (1 + (jitter * entropy(1)[0]!) / 255)
  const putOffMs = Math.min(readRetryAfter(retryAfter, now), longestPutOffMs)
  return now + Math.round(Math.max(waitMs, putOffMs))
}

function readRetryAfter(text: string | null, now: number): number {
  if (text === null) return 0
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  const at = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
    ? Date.parse(text)
    : NaN
  return Number.isNaN(at) ? 0 : Math.max(0, at - now)
}
