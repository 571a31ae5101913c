import { KeyrungError } from '../core/errors.js'
import { platform } from './platform.js'
import type { Entropy } from './random.js'

/** Digits, capitals, small letters: the order of their character codes, so text sorts as the numbers do. */
export const base62Alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const base64urlAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The largest multiple of 62 in a byte: bytes from here on are thrown away, else the first letters would come more often. */
const rejectFrom = 248

/** A working generator needs more than this many rounds less than once in 2^100 texts. */
const mostRounds = 64

const encoder = new platform.TextEncoder()
const decoder = new platform.TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Random base62 text, every text of this length being equally likely.
 *
 * @throws KeyrungError `config_invalid` if the entropy never gives a byte that can be used
 */
export function randomBase62(length: number, entropy: Entropy): string {
  let text = ''
  for (let round = 0; round < mostRounds && text.length < length; round++) {
    const missing = length - text.length
    for (const byte of entropy(missing + (missing >> 3) + 2)) {
      if (byte < rejectFrom && text.length < length) text += base62Alphabet[byte % 62]!
    }
  }
  if (text.length < length) {
    throw new KeyrungError('config_invalid', { message: 'The source of randomness does not work.' })
  }
  return text
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += (byte < 16 ? '0' : '') + byte.toString(16)
  return text
}

/** Base64 in the alphabet for URLs, without padding (RFC 4648, 5). */
export function toBase64url(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += base64urlAlphabet[group >> 18]! + base64urlAlphabet[(group >> 12) & 63]!
    if (left > 1) text += base64urlAlphabet[(group >> 6) & 63]!
    if (left > 2) text += base64urlAlphabet[group & 63]!
  }
  return text
}

/** Base64 in the usual alphabet, padded (RFC 4648, 4). */
export function toBase64(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** Reads unpadded base64url, `undefined` for anything `toBase64url` would not have written. */
export function fromBase64url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let buffer = 0
  let bits = 0
  let filled = 0
  for (const character of text) {
    const value = base64urlAlphabet.indexOf(character)
    if (value < 0) return undefined
    buffer = ((buffer << 6) | value) & 0xfff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[filled++] = buffer >> bits
    }
  }
  // Bits left over must be zero, else two texts would stand for the same bytes.
  return (buffer & ((1 << bits) - 1)) === 0 ? bytes : undefined
}

/** The bytes of a text in UTF-8; half a surrogate pair becomes U+FFFD, as in the Encoding Standard. */
export function toUtf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text of UTF-8 bytes, byte order mark included; `undefined` for bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
