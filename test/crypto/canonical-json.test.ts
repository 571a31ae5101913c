import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '../../src/core/plain-value.js'
import { canonicalJson } from '../../src/crypto/canonical-json.js'

test('canonical JSON is that of RFC 8785: names in the order of their UTF-16 units, numbers as ECMAScript has them', () => {
  const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 }
  expect(canonicalJson(value)).toBe(
    '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}',
  )
  expect(canonicalJson([Number('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
    '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
  )
  expect(canonicalJson('\u20ac$\u000f\nA\'B"\\/')).toBe('"\u20ac$\\u000f\\nA\'B\\"\\\\/"')
  fc.assert(
    fc.property(fc.jsonValue(), (any) => {
      const text = canonicalJson(any as Json)
      expect(canonicalJson(JSON.parse(text) as Json)).toBe(text)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(any)))
    }),
  )
})
