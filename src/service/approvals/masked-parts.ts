import { parseMediaType } from '../../core/media-type.js'
import { fromUtf8 } from '../../crypto/encoding.js'
import { findMasked, mask } from './masked-fields.js'
import type { Patterns } from './masked-fields.js'

/** The bytes of a multipart body without what is not to be shown, and where that was, as JSON pointers (RFC 6901). */
export interface MaskedParts {
  readonly body: Uint8Array
  readonly masked: readonly string[]
}

const disposition =
  /^form-data;[ \t]*name=("(?:[^"\\]|\\.)*"|[^\s";]+)(?:;[ \t]*filename="(?:[^"\\]|\\.)*")?(?:;[ \t]*filename\*=[^\s";]+)?$/i

/**
 * Masks fields of a `multipart/form-data` body (RFC 7578), with their file names; all else stays as it was, byte by byte.
 *
 * @returns null for a body that is not written exactly as it should be, or has a part without one plain name: what is in
 *   it cannot be told
 */
export function maskParts(body: Uint8Array, contentType: string, patterns: Patterns): MaskedParts | null {
  const boundary = boundaryOf(contentType)
  if (boundary === null) return null
  const delimiter = `\r\n--${boundary}`
  const text = `\r\n${toLatin1(body)}`
  const [preamble, ...parts] = text.split(delimiter)
  // Some parsers take a bare line feed for the end of a line.
  if (text.split(`--${boundary}`).length > parts.length + 1) return null
  const end = parts.pop()
  if (preamble !== '' || !/^--(?:\r\n)?$/.test(end ?? '')) return null
  const masked = new Set<string>()
  let shown = ''
  for (const part of parts) {
    const head = part.indexOf('\r\n\r\n')
    const name = head < 0 || !part.startsWith('\r\n') ? null : nameOf(part.slice(2, head))
    if (name === null) return null
    const found = findMasked(readings(name), () => part.slice(head + 4), patterns)
    if (found !== null) masked.add(found)
    shown +=
      delimiter + (found === null ? part : `\r\nContent-Disposition: form-data; name=${name}\r\n\r\n${mask}`)
  }
  return { body: fromLatin1((shown + delimiter + end).slice(2)), masked: [...masked] }
}

/** Returns the boundary of a content type, if it is a well-formed one (RFC 2046, 5.1.1). */
function boundaryOf(contentType: string): string | null {
  const boundary = parseMediaType(contentType)?.parameters.get('boundary') ?? ''
  return /^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/.test(boundary) ? boundary : null
}

/** The name in a part's headers, as it is written there. */
function nameOf(head: string): string | null {
  const values: string[] = []
  for (const line of head.split('\r\n')) {
    const [, name, value] = /^([!#$%&'*+.^`|~\w-]+):[ \t]*(.*)$/.exec(line) ?? []
    // Folded headers, too, are read differently by different parsers.
    if (name === undefined || value === undefined) return null
    if (name.toLowerCase() === 'content-disposition') values.push(value)
  }
  return values.length === 1 ? (disposition.exec(values[0]!)?.[1] ?? null) : null
}

/** What parsers may take a name for: quotes in it are written with a backslash by some, as `%22` by others. */
function readings(written: string): readonly string[] {
  const quoted = /^"(.*)"$/.exec(written)?.[1] ?? written
  const name = fromUtf8(fromLatin1(quoted)) ?? quoted
  const unescaped = name.replace(/\\(.)/g, '$1')
  return [
    unescaped,
    name,
    unescaped.replace(/%(0A|0D|22)/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  ]
}

/** One character for each byte. */
export function toLatin1(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 8_192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192))
  return text
}

/** The byte of each character. */
export function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}
