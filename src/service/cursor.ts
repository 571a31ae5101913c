import { fromBase64url, fromUtf8, toBase64url, toUtf8 } from '../crypto/encoding.js'

/** The longest cursor that is looked at, in characters. */
const maxLength = 200

/**
 * Where in a list to go on, as opaque text. It holds a position only and no right to see anything: what is
 * listed is decided anew with every page.
 */
export function formatCursor(position: readonly (string | number)[]): string {
  return toBase64url(toUtf8(JSON.stringify(position)))
}

/** Reads a cursor; `undefined` for anything that `formatCursor` did not make. */
export function parseCursor(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== 'string' || value.length > maxLength) return undefined
  const bytes = fromBase64url(value)
  const text = bytes && fromUtf8(bytes)
  try {
    const position: unknown = JSON.parse(text ?? '')
    return Array.isArray(position) && JSON.stringify(position) === text ? position : undefined
  } catch {
    return undefined
  }
}
