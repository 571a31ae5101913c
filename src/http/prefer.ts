/** The longest that a caller may have an answer put off, in seconds. */
export const longestWaitSeconds = 60

/**
 * How long a caller would wait for an answer, in whole seconds, by `Prefer: wait=N` (RFC 7240, 4.3): at most a minute;
 * null where it does not say.
 *
 * @param values every value that the request had for `Prefer`
 */
export function parseWait(values: readonly string[]): number | null {
  for (const part of values.join(',').split(',')) {
    const [, seconds] = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;|$)/i.exec(part) ?? []
    // Of several the first counts (RFC 7240, 2).
    if (seconds !== undefined) return Math.min(Number(seconds), longestWaitSeconds)
  }
  return null
}
