import fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalBytes, equalText } from '../../src/crypto/equal.js'

test('bytes are equal exactly when every byte is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      expect(equalBytes(a, a.slice())).toBe(true)
      expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0)
    }),
  )
})

test('texts are equal exactly when every character is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(equalText(a, [...a].join(''))).toBe(true)
      expect(equalText(a, b)).toBe(a === b)
    }),
  )
})

test('one bit anywhere makes a difference', () => {
  const digest = Uint8Array.from({ length: 32 }, (_, i) => i * 7)
  const text = String.fromCharCode(...digest)
  for (let bit = 0; bit < 256; bit++) {
    const changed = digest.slice()
    changed[bit >> 3]! ^= 1 << (bit & 7)
    expect(equalBytes(digest, changed)).toBe(false)
    expect(equalText(text, String.fromCharCode(...changed))).toBe(false)
  }
})

test('a prefix is not equal to the whole', () => {
  expect(equalBytes(new Uint8Array(31), new Uint8Array(32))).toBe(false)
  expect(equalText('\0'.repeat(31), '\0'.repeat(32))).toBe(false)
  expect(equalBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true)
})
