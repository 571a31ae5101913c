/**
 * The earliest instant taken for milliseconds since 1970: 2001-09-09.
 *
 * Today's time in *seconds* is below it, so a value in the wrong unit is refused instead of
 * ending a key in January 1970.
 */
export const earliestInstant = 1_000_000_000_000

/** The latest instant a JavaScript date can hold, in milliseconds since 1970 (ECMA-262, 21.4.1.1). */
export const latestInstant = 8_640_000_000_000_000

/** Says whether a value is an instant: whole milliseconds since 1970, not seconds, not text. */
export function isInstant(value: unknown): value is number {
  return (
    Number.isSafeInteger(value) && (value as number) >= earliestInstant && (value as number) <= latestInstant
  )
}

/** Says whether a value is a duration: whole milliseconds, zero or more, at most `max`. */
export function isDuration(value: unknown, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}
