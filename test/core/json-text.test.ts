import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatPointer, isPointer, pointerSteps } from '../../src/core/json-pointer.js'
import { JsonTextFault, readJsonText } from '../../src/core/json-text.js'
import type { Json } from '../../src/core/plain-value.js'

const limits = { depth: 200, elements: 10_000 }

function faultOf(text: string, given = limits): string | null {
  try {
    readJsonText(text, given)
    return null
  } catch (error) {
    if (error instanceof JsonTextFault) return error.message
    throw error
  }
}

test('what JSON.parse reads is read, and its values are told by their places', () => {
  fc.assert(
    fc.property(
      fc.json({ stringUnit: 'grapheme', maxDepth: 5 }),
      fc.constantFrom(0, 1, 2),
      (text, indent) => {
        const value = JSON.parse(text) as Json
        const source = JSON.stringify(value, null, indent)
        const told = new Map<string, unknown>()
        readJsonText(source, limits, ({ path, start, end }) => {
          told.set(formatPointer(path), JSON.parse(source.slice(start, end)))
        })
        expect(told.get('')).toEqual(value)
        for (const [pointer, found] of told) {
          let at: unknown = value
          for (const step of pointerSteps(pointer)) at = (at as Record<string, unknown>)[step]
          expect(found).toEqual(at)
        }
      },
    ),
  )
})

test('what JSON.parse refuses is refused', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '1',
    '-',
    '0',
    '.5',
    'e3',
    'null',
    'tru',
    ' ',
    '\\',
    '"',
    '\n',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (parts) => {
      const text = parts.join('')
      let isValid = true
      try {
        JSON.parse(text)
      } catch {
        isValid = false
      }
      const fault = faultOf(text)
      if (isValid) expect([null, 'has a name twice in one object']).toContain(fault)
      else expect(fault).not.toBeNull()
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['{"a":1,"a":1}', 'has a name twice in one object'],
  ['[{"\\u0061":1,"a":1}]', 'has a name twice in one object'],
  ['\ufeff1', 'begins with a byte order mark'],
  ['"\\ud800"', 'has half a surrogate pair'],
  ['{"\\udc00":1}', 'has half a surrogate pair'],
  ['"a\tb"', 'is no valid JSON at character 3'],
  ['"\\x"', 'is no valid JSON at character 2'],
  ['"open', 'is no valid JSON at character 6'],
  ['', 'is no valid JSON at character 1'],
])('%j is refused: %s', (text, fault) => {
  expect(faultOf(text)).toBe(fault)
})

test('the same name in two objects is no fault', () => {
  expect(faultOf('[{"a":{"a":1}},{"a":2}]')).toBeNull()
})

test('depth and length are bounded, without being called within itself', () => {
  expect(faultOf('['.repeat(3) + ']'.repeat(3), { depth: 3, elements: 9 })).toBeNull()
  expect(faultOf('['.repeat(4) + ']'.repeat(4), { depth: 3, elements: 9 })).toContain('3 levels')
  expect(faultOf('['.repeat(1_000_000))).toContain('200 levels')
  expect(faultOf('[1,2,3]', { depth: 3, elements: 3 })).toBeNull()
  expect(faultOf('[1,2,3]', { depth: 3, elements: 2 })).toContain('2 members')
  expect(faultOf(`"${'a'.repeat(5_000_000)}"`)).toBeNull()
})

test('pointers are those of RFC 6901', () => {
  expect(['', '/', '/a~1b/m~0n', '/items/*/iban'].every(isPointer)).toBe(true)
  expect(['a', '/~', '/~2', '#/a', 7, null, `/${'a'.repeat(600)}`].some(isPointer)).toBe(false)
  expect(pointerSteps('/a~1b/~01/')).toEqual(['a/b', '~1', ''])
  fc.assert(
    fc.property(fc.array(fc.string()), (steps) => {
      expect(pointerSteps(formatPointer(steps))).toEqual(steps)
    }),
  )
})
