import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32, formatChecksum } from '../../src/crypto/checksum.js'
import { base62Alphabet } from '../../src/crypto/encoding.js'

/** CRC-32 by its definition, one bit at a time, without a table. */
function referenceCrc(bytes: Uint8Array): number {
  let crc = 0xffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0xedb88320n : crc >> 1n
  }
  return Number(crc ^ 0xffffffffn)
}

function readChecksum(text: string): number {
  return [...text].reduce((value, letter) => value * 62 + base62Alphabet.indexOf(letter), 0)
}

const ascii = fc.string({ unit: 'binary-ascii', maxLength: 80 })

test('has the check value of CRC-32/ISO-HDLC', () => {
  expect(crc32('123456789')).toBe(0xcbf43926)
  expect(crc32('')).toBe(0)
})

test('equals the definition for every ASCII text and every end', () => {
  fc.assert(
    fc.property(ascii, fc.nat(80), (text, cut) => {
      const end = Math.min(cut, text.length)
      expect(crc32(text)).toBe(referenceCrc(Buffer.from(text)))
      expect(crc32(text, end)).toBe(referenceCrc(Buffer.from(text.slice(0, end))))
    }),
  )
})

test('is written in six letters for every value, the extremes too', () => {
  expect(formatChecksum(0)).toBe('000000')
  expect(formatChecksum(61)).toBe('00000z')
  expect(formatChecksum(62)).toBe('000010')
  expect(readChecksum(formatChecksum(0xffffffff))).toBe(0xffffffff)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (crc) => {
      const text = formatChecksum(crc)
      expect(text).toHaveLength(6)
      expect(readChecksum(text)).toBe(crc)
    }),
  )
})
