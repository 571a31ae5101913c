/** What an id stands for; it is the id's first letters. */
export type IdKind = 'key' | 'sec' | 'evt' | 'msg' | 'req' | 'apr' | 'dlv' | 'tok'

/** Crockford's base32 in lower case: its order is the order of the values. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** The last millisecond that has a place in an id: of the year 10889. */
const latestInId = 2 ** 48 - 1

/** Bytes of randomness an id takes. */
export const idEntropyBytes = 10

/**
 * Makes an id: the kind, `_`, and 26 characters of base32 that hold a UUIDv7 (RFC 9562, 5.7), so that
 * ids of one kind sort by the millisecond they were made in.
 *
 * @param at milliseconds since 1970
 * @param entropy ten random bytes
 */
export function formatId(kind: IdKind, at: number, entropy: Uint8Array): string {
  const bytes = new Uint8Array(16)
  let rest = at
  for (let i = 5; i >= 0; i--) {
    bytes[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  bytes.set(entropy.subarray(0, idEntropyBytes), 6)
  bytes[6] = 0x70 | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  // 128 bits in 26 characters of five: two leading zero bits keep the order.
  let text = ''
  let buffer = 0
  let bits = 2
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(buffer >> bits) & 31]!
    }
  }
  return `${kind}_${text}`
}

/** The id of this kind below which are all those made before an instant, and no other. */
export function earliestId(kind: IdKind, at: number): string {
  return formatId(kind, Math.min(at, latestInId), new Uint8Array(idEntropyBytes))
}

/** The most ids of one millisecond that are in order: a count of twelve bits stands behind the time. */
const mostInOrder = 0x1000

/**
 * Makes the maker of ids that sort in the order they were made in, also within one millisecond (RFC 9562, 6.2, method 1).
 *
 * @param entropy gives so many random bytes
 */
export function createIdSequence(
  entropy: (bytes: number) => Uint8Array,
): (kind: IdKind, at: number) => string {
  let latest = -1
  let count = 0
  return (kind, at) => {
    count = at === latest ? (count + 1) % mostInOrder : 0
    latest = at
    const bytes = Uint8Array.from(entropy(idEntropyBytes))
    bytes[0] = count >> 8
    bytes[1] = count & 0xff
    return formatId(kind, at, bytes)
  }
}

/** Says whether a value has the exact form of an id of this kind. */
export function isId(kind: IdKind, value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length === 30 &&
    value.startsWith(`${kind}_`) &&
    /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(value.slice(4))
  )
}
