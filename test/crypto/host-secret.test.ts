import { hkdfSync, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeyrungError } from '../../src/core/errors.js'
import { toHex, toUtf8 } from '../../src/crypto/encoding.js'
import { HostSecret, readHostSecrets, secretLabels } from '../../src/crypto/host-secret.js'
import type { HostSecretInput, SecretUse } from '../../src/crypto/host-secret.js'
import { createPeppers } from '../../src/crypto/pepper.js'

const canary = 'canary-Zq8vN2xW5tR7yP1kL4mJ6hG3fD0s'
const other = 'another-secret-that-is-long-enough-yes'

function refusal(secret: unknown): KeyrungError {
  try {
    readHostSecrets(secret as HostSecretInput)
  } catch (error) {
    return error as KeyrungError
  }
  throw new Error('it was not refused')
}

describe('HKDF', () => {
  test('has the values of RFC 5869, A.1 and A.3', () => {
    const ikm = new Uint8Array(22).fill(0x0b)
    const salt = Uint8Array.from({ length: 13 }, (_, i) => i)
    const info = Uint8Array.from({ length: 10 }, (_, i) => 0xf0 + i)
    expect(toHex(hkdf(sha256, ikm, salt, info, 42))).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    )
    expect(toHex(hkdf(sha256, ikm, undefined, new Uint8Array(0), 42))).toBe(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    )
  })

  test('derived keys equal those of Node, label for label', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 32 }), (text) => {
        const secret = new HostSecret(toUtf8(text))
        for (const [use, label] of Object.entries(secretLabels)) {
          const expected = Buffer.from(hkdfSync('sha256', Buffer.from(text), '', label, 32))
          expect(toHex(secret.derive(use as SecretUse))).toBe(expected.toString('hex'))
        }
      }),
      { numRuns: 5 },
    )
  })

  test('no two uses share a label, and no label a key', () => {
    const labels = Object.values(secretLabels)
    expect(new Set(labels).size).toBe(labels.length)
    const [secret] = readHostSecrets(canary)
    const keys = Object.keys(secretLabels).map((use) => toHex(secret!.derive(use as SecretUse)))
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('what is accepted', () => {
  test('text, bytes, and lists of them in their order', () => {
    const bytes = randomBytes(32)
    expect(readHostSecrets(canary)).toHaveLength(1)
    expect(readHostSecrets(bytes)).toHaveLength(1)
    const [first, second, third] = readHostSecrets([other, canary, bytes])
    expect(first!.id).toBe(readHostSecrets(other)[0]!.id)
    expect(second!.id).toBe(readHostSecrets(canary)[0]!.id)
    expect(third!.id).toBe(readHostSecrets(bytes)[0]!.id)
  })

  test('exactly 32 characters are enough, 31 are not', () => {
    expect(readHostSecrets(canary.slice(0, 32))).toHaveLength(1)
    expect(refusal(canary.slice(0, 31)).code).toBe('config_invalid')
    expect(refusal(new Uint8Array(31)).code).toBe('config_invalid')
  })

  test('a secret given as bytes may be wiped by its owner afterwards', () => {
    const bytes = Uint8Array.from(randomBytes(32))
    const [secret] = readHostSecrets(bytes)
    const before = secret!.checkValue()
    bytes.fill(0)
    expect(secret!.checkValue()).toBe(before)
  })

  test('nothing is trimmed or folded', () => {
    const ids = [canary, `${canary} `, `${canary}\n`, canary.toLowerCase()].map(
      (text) => readHostSecrets(text)[0]!.id,
    )
    expect(new Set(ids).size).toBe(4)
  })

  test('id and check value are the same on every start, and differ from secret to secret', () => {
    const [a, b] = readHostSecrets([canary, other])
    const [again] = readHostSecrets(canary)
    expect(a!.id).toMatch(/^[0-9a-f]{8}$/)
    expect([again!.id, again!.checkValue()]).toEqual([a!.id, a!.checkValue()])
    expect(a!.checkValue()).toMatch(/^[\w-]{43}$/)
    expect(b!.id).not.toBe(a!.id)
    expect(b!.checkValue()).not.toBe(a!.checkValue())
  })
})

describe('what is refused, naming the place and how to make a good one', () => {
  test.each([
    ['undefined', undefined, 'secret'],
    ['null', null, 'secret'],
    ['empty text', '', 'secret'],
    ['an empty list', [], 'secret'],
    ['nine secrets', Array.from({ length: 9 }, (_, i) => `${canary}${i}`), 'secret'],
    ['a number', 42, 'secret'],
    ['an object', { secret: canary }, 'secret'],
    ['a function', () => canary, 'secret'],
    ['short text', canary.slice(0, 31), 'secret'],
    ['endless text', canary.repeat(200), 'secret'],
    ['a hole in a list', [canary, undefined], 'secret.1'],
    ['a list in a list', [[canary]], 'secret.0'],
    ['a short one in a list', [canary, 'short'], 'secret.1'],
    ['empty text in a list', ['', canary], 'secret.0'],
  ])('%s', (_, value, path) => {
    const error = refusal(value)
    expect(error.code).toBe('config_invalid')
    expect(error.faults.map((fault) => fault.path)).toEqual([path])
    expect(error.message).toContain('openssl rand -base64 32')
  })

  test('the same secret twice, even once as text and once as bytes', () => {
    const faults = [{ path: 'secret.1', message: 'is there twice' }]
    expect(refusal([canary, canary]).faults).toEqual(faults)
    expect(refusal([canary, Buffer.from(canary)]).faults).toEqual(faults)
  })

  test('all faults of a list at once', () => {
    expect(refusal(['short', 7, canary, canary]).faults.map((fault) => fault.path)).toEqual([
      'secret.0',
      'secret.1',
      'secret.3',
    ])
  })
})

describe('a host secret never shows', () => {
  const traces = (value: unknown) =>
    [
      inspect(value, { showHidden: true, depth: Infinity, getters: true }),
      String(value),
      JSON.stringify(value) ?? '',
      JSON.stringify(Object.getOwnPropertyDescriptors(value)),
      value instanceof Error ? `${value.stack}${value.message}` : '',
    ].join('\n')

  /** The secret, and everything derived from it that is a key, as text and in the usual encodings. */
  const forbidden = [
    Buffer.from(canary),
    Buffer.from(new HostSecret(Buffer.from(canary)).derive('keyDigest')),
  ].flatMap((bytes) => [
    bytes.toString('latin1'),
    bytes.toString('hex'),
    bytes.toString('base64url'),
    [...bytes.subarray(0, 8)].join(', '),
    [...bytes.subarray(0, 8)].join(','),
    inspect(bytes.subarray(0, 8)).slice(8, -1),
  ])

  test.each([
    ['the secret', () => readHostSecrets(canary)[0]!],
    ['a list of secrets', () => [...readHostSecrets([canary, other])]],
    ['the peppers', () => createPeppers(readHostSecrets([canary, other]))],
    ['the digester', () => createPeppers(readHostSecrets(canary)).current.digest],
    ['the refusal of a repetition', () => refusal([canary, canary])],
    ['the refusal of a short one', () => refusal([canary, canary.slice(0, 20)])],
    ['the refusal of a wrong type', () => refusal([canary, { canary }])],
  ])('%s', (_, make) => {
    const text = traces(make())
    expect(text.length).toBeGreaterThan(10)
    for (const secret of forbidden) expect(text).not.toContain(secret)
    expect(text).not.toContain(canary.slice(0, 16))
  })

  test('its only property is its id', () => {
    const [secret] = readHostSecrets(canary)
    expect(Reflect.ownKeys(secret!)).toEqual(['id'])
    expect(JSON.stringify(secret)).toBe(`{"id":"${secret!.id}"}`)
  })
})
