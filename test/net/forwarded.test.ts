import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseForwarded } from '../../src/net/forwarded.js'

const hops = (text: string) => parseForwarded(text)?.map((element) => element.for)

test.each([
  ['for="_gazonk"', ['_gazonk']],
  ['For="[2001:db8:cafe::17]:4711"', ['[2001:db8:cafe::17]:4711']],
  ['for=192.0.2.60;proto=http;by=203.0.113.43', ['192.0.2.60']],
  ['for=192.0.2.43, for=198.51.100.17', ['192.0.2.43', '198.51.100.17']],
  ['for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown', ['192.0.2.43', '[2001:db8:cafe::17]', 'unknown']],
  ['for=_hidden, for=_SEVKISEK', ['_hidden', '_SEVKISEK']],
])('reads the examples of RFC 7239: %s', (text, expected) => {
  expect(hops(text)).toEqual(expected)
})

test.each([
  ['proto=https', [undefined]],
  ['by=_me, for=192.0.2.1', [undefined, '192.0.2.1']],
  ['proto=https;FOR=192.0.2.1', ['192.0.2.1']],
  ['for=192.0.2.1 ;\tproto=https\t, for=192.0.2.2', ['192.0.2.1', '192.0.2.2']],
  ['for="192.0.2.1, for=192.0.2.9"', ['192.0.2.1, for=192.0.2.9']],
  ['for="a\\"b\\\\c"', ['a"b\\c']],
  ['for=""', ['']],
  ['secret="a;b,c";for=192.0.2.1', ['192.0.2.1']],
])('%s', (text, expected) => {
  expect(hops(text)).toEqual(expected)
})

test.each([
  '',
  ' ',
  ',',
  ';',
  'for',
  'for=',
  'for =192.0.2.1',
  'for= 192.0.2.1',
  '=192.0.2.1',
  'for=192.0.2.1,',
  ',for=192.0.2.1',
  'for=192.0.2.1;',
  'for=192.0.2.1;;proto=http',
  'for=192.0.2.1 for=192.0.2.2',
  'for=192.0.2.1;for=192.0.2.2',
  'for=192.0.2.1;FOR=192.0.2.2',
  'for=192.0.2.1:80',
  'for=[2001:db8::1]',
  'for="192.0.2.1',
  'for=192.0.2.1"',
  'for="192.0.2.1"x',
  'for="192.0.2.1\\',
  'for="192.0.2.1\\"',
  'for="a\nb"',
  'for="é"',
  'for=192.0.2.1 trailing',
  '192.0.2.1',
])('%j is malformed', (text) => {
  expect(parseForwarded(text)).toBeUndefined()
})

test('a quote that a caller leaves open never lets it choose what a proxy has appended', () => {
  const proxy = fc.constantFrom(
    'for=192.0.2.7',
    'for="192.0.2.7"',
    'for="[2001:db8::7]:4711"',
    'by="_p";for="192.0.2.7:1";proto=https',
    'proto=https;for=192.0.2.7',
  )
  const forged = fc
    .array(fc.constantFrom('for=', '6.6.6.6', '"', '\\', ',', ';', ' ', 'by=', 'x', '"6.6.6.6"'), {
      maxLength: 14,
    })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(forged, proxy, (caller, appended) => {
      const seen = hops(`${caller}, ${appended}`)
      if (seen) expect(seen.at(-1)).toBe(hops(appended)![0])
    }),
    { numRuns: 2000 },
  )
})

test('is linear: a long header of any shape is read or refused at once', () => {
  const started = performance.now()
  for (const part of ['for=a,', 'for="', '\\', 'a=b;', ' ', ',', 'for="\\\\'])
    parseForwarded(part.repeat(100_000))
  expect(performance.now() - started).toBeLessThan(5000)
})
