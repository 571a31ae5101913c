import * as z from 'zod/mini'

const dayMs = 86_400_000

/** A day in UTC as `YYYY-MM-DD`. */
export function formatDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}

/** Reads `YYYY-MM-DD`, from 2001 on, as days since 1970; `undefined` for anything else, 30 February too. */
export function parseDay(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^2\d{3}-\d\d-\d\d$/.test(text) || text < '2001') return undefined
  const at = Date.parse(`${text}T00:00:00Z`)
  return Number.isFinite(at) && formatDay(at / dayMs) === text ? at / dayMs : undefined
}

/** A field that is a day. */
export const dayField = z.custom<string>((value) => parseDay(value) !== undefined, {
  error: 'must be a day in UTC, such as 2030-01-31',
})
