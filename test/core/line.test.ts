import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonLine } from '../../src/core/line.js'

const breaks = ['\n', '\r', '\r\n', '\u2028', '\u2029', '\u0085', '\u001b[2J', '\u009b31m', '\u007f', '\0']
const marks = ['\u202e', '\u2066', '\u200f', '\ufeff', '\ud800', '"', '\\', '\\n', 'é', '😀']
const nasty = fc.constantFrom(...breaks, ...marks)

test('a value is one printable line, whatever it contains, and comes back the same', () => {
  const text = fc.array(fc.oneof(nasty, fc.string({ unit: 'binary' }))).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(text, fc.dictionary(text, text), fc.array(text)), (value) => {
      const line = jsonLine(value)
      expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]/u)
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('text that is fit for a line stays readable', () => {
  expect(jsonLine('Zürich 😀')).toBe('"Zürich 😀"')
})
