import { sha256 } from '../crypto/digest.js'
import { fromUtf8, toBase64url } from '../crypto/encoding.js'
import type { StoredRequest } from '../service/replay.js'

/**
 * Digests what a body parser has made of a body; equal values have equal digests.
 *
 * @throws RangeError or TypeError for a value that no parser of JSON has made
 */
export function digestParsed(value: unknown): string {
  return value instanceof Uint8Array
    ? `bytes ${toBase64url(sha256(value))}`
    : `json ${toBase64url(sha256(JSON.stringify([value])))}`
}

/** Says whether a parser has made another value of a stored body than was stored, or one that cannot be compared. */
export function isAnotherValue(value: unknown, { body, parsed = null }: StoredRequest): boolean {
  try {
    const digest = digestParsed(value)
    return parsed === null ? !readings(body).some((read) => digestParsed(read) === digest) : parsed !== digest
  } catch {
    return true
  }
}

/** What parsers may faithfully make of bytes that none had read when they were stored. */
function readings(body: Uint8Array): readonly unknown[] {
  const text = fromUtf8(body)
  if (text === undefined) return [body]
  return [body, text, readJson(text), readForm(text)]
}

/** Says whether a text is what a parsed value is a faithful reading of, as far as that can be told. */
export function isTextOf(text: string, value: unknown): boolean {
  const digest = digestParsed(value)
  return readings(new TextEncoder().encode(text)).some((read) => digestParsed(read) === digest)
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A form without nested names, as all parsers read it: a name that is there several times has a list. */
function readForm(text: string): unknown {
  const values = new URLSearchParams(text)
  return Object.fromEntries(
    [...new Set(values.keys())].map((name) => {
      const all = values.getAll(name)
      return [name, all.length === 1 ? all[0] : all]
    }),
  )
}
