import fc from 'fast-check'
import { expect, it } from 'vitest'
import { findTextFault } from '../../src/core/plain-text.js'

it('counts characters, not units', () => {
  expect(findTextFault('', 0)).toBeNull()
  expect(findTextFault('💥💥', 2)).toBeNull()
  expect(findTextFault('💥💥', 1)).toBe('must have at most 1 characters')
  expect(findTextFault('abc', 2)).toBe('must have at most 2 characters')
})

it('lets through one line only, of characters that stand for themselves', () => {
  const hidden = fc.oneof(
    fc.integer({ min: 0, max: 0x1f }),
    fc.integer({ min: 0x7f, max: 0x9f }),
    fc.constantFrom(0x2028, 0x2029, 0xfeff, 0x202a, 0x202e, 0x2066, 0x2069, 0xd800, 0xdfff),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), hidden, fc.string(), (before, code, after) => {
      expect(findTextFault(before + String.fromCharCode(code) + after, 1_000)).toMatch(/one line/)
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      if (findTextFault(text, 1_000) === null)
        expect(text.split(/\r\n|[\n\v\f\r\x85\u2028\u2029]/)).toHaveLength(1)
    }),
  )
})
