import * as z from 'zod/mini'
import { isInstant } from '../core/time.js'

/** RFC 3339, 5.6, with its offset and at most milliseconds. */
const form =
  /^(\d{4}-\d\d-\d\d)[Tt]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?)([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** Reads an RFC 3339 time as milliseconds since 1970; `undefined` for anything else, 30 February and 24:00 too. */
export function parseTimestamp(value: unknown): number | undefined {
  const [, date, time, offset] = (typeof value === 'string' && form.exec(value)) || []
  if (date === undefined) return undefined
  const at = Date.parse(`${date}T${time}${offset!.toUpperCase()}`)
  return isInstant(at) && isCalendarDay(date) ? at : undefined
}

/** `Date` rolls 30 February over into March. */
function isCalendarDay(date: string): boolean {
  const midnight = Date.parse(`${date}T00:00:00Z`)
  return Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(date)
}

const example = 'an RFC 3339 time with its offset, such as 2030-01-31T12:00:00Z'

/** A field that is an RFC 3339 time. */
export const timeField = z.custom<string>((value) => parseTimestamp(value) !== undefined, {
  error: `must be ${example}`,
})

/** The same, or null for none. */
export const nullableTimeField = z.custom<string | null>(
  (value) => value === null || parseTimestamp(value) !== undefined,
  { error: `must be ${example}, or null` },
)
