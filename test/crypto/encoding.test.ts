import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  base62Alphabet,
  fromBase64url,
  fromUtf8,
  randomBase62,
  toBase64url,
  toHex,
  toUtf8,
} from '../../src/crypto/encoding.js'
import type { Entropy } from '../../src/crypto/random.js'

/** Counts through all byte values, from one of them on. */
function counting(start: number): Entropy {
  let next = start
  return (bytes) => Uint8Array.from({ length: bytes }, () => next++ & 255)
}

function countLetters(text: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  return counts
}

test('base62 text is unbiased: of all byte values each letter comes from exactly four', () => {
  for (const start of [0, 60, 200, 248, 255]) {
    const counts = countLetters(randomBase62(248, counting(start)))
    expect([...counts.keys()].sort().join('')).toBe(base62Alphabet)
    expect(new Set(counts.values())).toEqual(new Set([4]))
  }
})

test('the eight byte values that would bias the text are thrown away', () => {
  for (let byte = 0; byte < 256; byte++) {
    const entropy: Entropy = (bytes) => new Uint8Array(bytes).fill(byte)
    if (byte < 248) expect(randomBase62(3, entropy)).toBe(base62Alphabet[byte % 62]!.repeat(3))
    else expect(() => randomBase62(3, entropy)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  }
})

test('a source of randomness that gives nothing is an error, not an endless loop', () => {
  expect(() => randomBase62(30, () => new Uint8Array(0))).toThrow('source of randomness')
})

test('a source that gives too little at a time is asked again', () => {
  const drip = counting(0)
  expect(randomBase62(5, () => drip(1))).toBe('01234')
})

test('base62 text has the length asked for', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.nat(255), (length, start) => {
      expect(randomBase62(length, counting(start))).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`))
    }),
  )
})

test('hexadecimal and base64url are those of Node', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
      expect(toBase64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
      expect(fromBase64url(toBase64url(bytes))).toEqual(bytes)
    }),
  )
})

test('base64url is read in one form only', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[\w-]{0,12}$/)), (text) => {
      const bytes = fromBase64url(text)
      if (bytes) expect(toBase64url(bytes)).toBe(text)
      else expect(Buffer.from(text, 'base64url').toString('base64url')).not.toBe(text)
    }),
  )
})

test.each(['A', 'AAAAA', 'AB', 'AAB', 'AA==', 'AA\n', ' AA', 'A+', 'A/', 'Äa', '💥'])(
  '%j is no base64url',
  (text) => {
    expect(fromBase64url(text)).toBeUndefined()
  },
)

test('UTF-8 comes back as it went in, a byte order mark too', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(fromUtf8(toUtf8(text))).toBe(text)
    }),
  )
  expect(fromUtf8(toUtf8('\ufeffa'))).toBe('\ufeffa')
})

test('bytes that are not UTF-8 are refused, not replaced', () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    expect(fromUtf8(Uint8Array.from(bytes))).toBeUndefined()
  }
})
