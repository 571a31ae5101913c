import { expect, test } from 'vitest'
import { readCredential } from '../../src/service/credential.js'

test.each<[string, string[], string[] | undefined, object]>([
  ['nothing', [], undefined, { ok: false, code: 'credential_missing' }],
  ['a bearer token', ['Bearer abc'], undefined, { ok: true, secret: 'abc' }],
  ['the scheme in any case (RFC 9110, 11.1)', ['bEARER abc'], undefined, { ok: true, secret: 'abc' }],
  ['a bare key in its own header', [], ['abc'], { ok: true, secret: 'abc' }],
  ['two values', ['Bearer abc', 'Bearer abd'], undefined, { ok: false, code: 'credential_repeated' }],
  [
    'two identical values',
    ['Bearer abc', 'Bearer abc'],
    undefined,
    { ok: false, code: 'credential_repeated' },
  ],
  ['one in each header', ['Bearer abc'], ['abc'], { ok: false, code: 'credential_repeated' }],
  [
    'two values joined by a framework',
    ['Bearer abc, Bearer abc'],
    undefined,
    { ok: false, code: 'credential_repeated' },
  ],
  [
    'another scheme ahead of it, joined',
    ['Basic YTpi, Bearer abc'],
    undefined,
    { ok: false, code: 'credential_repeated' },
  ],
  [
    'another scheme behind it, joined',
    ['Bearer abc,Basic YTpi'],
    undefined,
    { ok: false, code: 'credential_repeated' },
  ],
  [
    'one scheme whose parameters hold commas',
    ['Digest username="a, Bearer b", realm="x", nc=1'],
    undefined,
    { ok: false, code: 'credential_invalid' },
  ],
  ['another scheme', ['Basic YTpi'], undefined, { ok: false, code: 'credential_invalid' }],
  ['no scheme', ['abc'], undefined, { ok: false, code: 'credential_invalid' }],
  ['a scheme alone', ['Bearer'], undefined, { ok: false, code: 'credential_invalid' }],
  ['an empty value', [''], undefined, { ok: false, code: 'credential_invalid' }],
  ['a tab instead of the space', ['Bearer\tabc'], undefined, { ok: false, code: 'credential_invalid' }],
  [
    'spaces around the token, which are not trimmed',
    ['Bearer  abc '],
    undefined,
    { ok: true, secret: ' abc ' },
  ],
])('%s', (_, authorization, bare, expected) => {
  expect(readCredential(authorization, bare)).toEqual(expected)
})

test.each([[[7]], [[null]], [[{}]], [[['Bearer abc']]]])(
  'a value that is no text is refused: %j',
  (values) => {
    expect(readCredential(values as never)).toEqual({ ok: false, code: 'credential_invalid' })
    expect(readCredential([], values as never)).toEqual({ ok: false, code: 'credential_invalid' })
  },
)
