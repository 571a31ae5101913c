import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDigester, digestBytes, digestText, findNativeHash, sha256 } from '../../src/crypto/digest.js'
import { toHex } from '../../src/crypto/encoding.js'

const native = findNativeHash(process)
const engines = [
  ['the native hash', native],
  ['the portable hash', null],
] as const

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary-ascii', maxLength: 200 }))

/** RFC 4231, 4: the cases whose data is text. */
const rfc4231 = [
  {
    name: '1',
    key: Buffer.alloc(20, 0x0b),
    data: 'Hi There',
    mac: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  },
  {
    name: '2',
    key: Buffer.from('Jefe'),
    data: 'what do ya want for nothing?',
    mac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    name: '6',
    key: Buffer.alloc(131, 0xaa),
    data: 'Test Using Larger Than Block-Size Key - Hash Key First',
    mac: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  },
  {
    name: '7',
    key: Buffer.alloc(131, 0xaa),
    data: 'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
    mac: '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
  },
]

test('the native hash is found on this runtime, so the comparisons below compare two things', () => {
  expect(native).toBeTypeOf('function')
})

describe.each(engines)('%s', (_, hash) => {
  const hex = (digest: string) => toHex(digestBytes(digest))

  test('SHA-256 has the values of FIPS 180-4', () => {
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(toHex(sha256('', hash))).toBe(empty)
    expect(toHex(sha256('abc', hash))).toBe(abc)
    expect(toHex(sha256(new Uint8Array([97, 98, 99]), hash))).toBe(abc)
    expect(hex(createDigester(null, hash)('abc'))).toBe(abc)
  })

  test.each(rfc4231)('HMAC-SHA-256 has the value of RFC 4231, case $name', ({ key, data, mac }) => {
    expect(hex(createDigester(key, hash)(data))).toBe(mac)
  })

  test('SHA-256 equals createHash for every text', () => {
    const digest = createDigester(null, hash)
    fc.assert(
      fc.property(anyText, (text) => {
        expect(hex(digest(text))).toBe(createHash('sha256').update(text).digest('hex'))
      }),
    )
  })

  test('HMAC equals createHmac for every key and text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), anyText, anyText, (key, first, second) => {
        const digest = createDigester(key, hash)
        // Twice in turn: what one call leaves in the buffers must not show in the next.
        for (const text of [first, second, first]) {
          expect(hex(digest(text))).toBe(createHmac('sha256', key).update(text).digest('hex'))
        }
      }),
    )
  })

  test('lengths around the limit of the fast path are digested alike', () => {
    const key = Buffer.alloc(32, 7)
    const digest = createDigester(key, hash)
    for (const text of [
      '',
      'a'.repeat(127),
      'a'.repeat(128),
      'a'.repeat(129),
      'a'.repeat(5000),
      `${'a'.repeat(50)}é`,
      '\ud800',
    ]) {
      expect(hex(digest(text))).toBe(createHmac('sha256', key).update(text).digest('hex'))
    }
  })

  test('the key may be wiped or reused after the digester is made', () => {
    const key = Buffer.alloc(32, 7)
    const digest = createDigester(key, hash)
    const before = digest('a')
    key.fill(0)
    expect(digest('a')).toBe(before)
  })

  test('a digest is 32 characters of one byte each, and its bytes turn back into it', () => {
    const digest = createDigester(null, hash)('tp_live_x')
    expect(digest).toHaveLength(32)
    expect([...digest].every((character) => character.charCodeAt(0) < 256)).toBe(true)
    expect(digestBytes(digest)).toHaveLength(32)
    expect(digestText(digestBytes(digest))).toBe(digest)
  })
})

test('every byte value survives the way from bytes to text and back', () => {
  for (let first = 0; first < 256; first += 32) {
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => first + i)
    expect(digestBytes(digestText(bytes))).toEqual(bytes)
    const reused = new Uint8Array(32)
    expect(digestBytes(digestText(bytes), reused)).toBe(reused)
    expect(reused).toEqual(bytes)
  }
})

describe('a runtime without a usable one-shot hash falls back', () => {
  const broken = () => {
    throw new Error('not here')
  }
  test.each([
    ['no process', undefined],
    ['a process without built-in modules', {}],
    ['no crypto module', { getBuiltinModule: () => undefined }],
    ['an older crypto module', { getBuiltinModule: () => ({}) }],
    ['a hash that answers bytes', { getBuiltinModule: () => ({ hash: () => Buffer.alloc(32) }) }],
    ['a hash that answers hexadecimal', { getBuiltinModule: () => ({ hash: () => 'ba7816bf' }) }],
    ['a hash that throws', { getBuiltinModule: () => ({ hash: broken }) }],
    ['a process that throws', { getBuiltinModule: broken }],
  ])('%s', (_, runtime) => {
    expect(findNativeHash(runtime)).toBeNull()
  })
})
