import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { CompactSign, compactVerify } from 'jose'
import { describe, expect, it, test } from 'vitest'
import { createTokenVerifier } from '../../src/crypto/access-token.js'
import {
  generateTokenJwk,
  importSigningKey,
  importVerificationKey,
  readJwk,
  toPublic,
} from '../../src/crypto/jwks.js'
import type { TokenAlgorithm } from '../../src/crypto/token-algorithm.js'
import { KeyrungError } from '../../src/core/errors.js'
import { hostileValues } from '../core/hostile-values.js'
import { forgeKey, thumbprint } from './token-forge.js'

interface Vectors {
  keys: {
    source: string
    jwk: Record<string, string>
    algorithm: TokenAlgorithm
    thumbprint: string | null
    signed: { source: string; jws: string; deterministic: boolean }[]
  }[]
  refusedKeys: { source: string; jwk: Record<string, string> }[]
  refusedTokens: { source: string; token: string }[]
}

const vectors = JSON.parse(readFileSync(new URL('vectors/tokens.json', import.meta.url), 'utf8')) as Vectors

/** The faults of the refusal a promise ends in, as `path: message`. */
async function faultsOf(promise: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(KeyrungError)
  const { code, faults } = error as KeyrungError
  expect(code).toBe('config_invalid')
  return faults.map(({ path, message }) => `${path}: ${message}`)
}

describe.each(vectors.keys)('the key of $source', ({ jwk, algorithm, thumbprint: expected, signed }) => {
  it('is read, and named by its thumbprint (RFC 7638)', async () => {
    const key = await importSigningKey(jwk, 'key')
    expect(key).toMatchObject({ algorithm, kid: expected ?? thumbprint(jwk) })
    expect(key.jwk).not.toHaveProperty('d')
  })

  test.each(signed)('verifies and makes what $source shows', async ({ jws, deterministic }) => {
    const { publicKey, privateKey } = await importSigningKey(jwk, 'key')
    const { payload, protectedHeader } = await compactVerify(jws, publicKey)
    const own = await new CompactSign(payload).setProtectedHeader(protectedHeader).sign(privateKey)
    if (deterministic) expect(own).toBe(jws)
    expect((await compactVerify(own, publicKey)).payload).toEqual(payload)
  })
})

test.each(vectors.refusedKeys)('the key of $source is of no kind that signs tokens', async ({ jwk }) => {
  expect(await faultsOf(readJwk(jwk, 'key'))).toEqual(['key: must be an Ed25519 or a P-256 key'])
})

test.each(vectors.refusedTokens)('what $source shows is no access token', async ({ token }) => {
  const keys = await Promise.all(vectors.keys.map(({ jwk }) => importVerificationKey(jwk, 'key')))
  const verifier = createTokenVerifier({
    issuer: 'joe',
    audience: ['joe'],
    algorithms: ['EdDSA', 'ES256'],
    clockToleranceMs: 0,
    now: () => 1_300_000_000_000,
    findKey: () => keys[0],
  })
  expect(await verifier.verify(token)).toMatchObject({ ok: false, code: 'credential_invalid' })
})

describe('a key', () => {
  it('that was generated signs, and is another each time', async () => {
    for (const algorithm of ['EdDSA', 'ES256'] as const) {
      const [one, two] = await Promise.all([generateTokenJwk(algorithm), generateTokenJwk(algorithm)])
      expect(one.kid).not.toBe(two.kid)
      expect(one.kid).toBe(thumbprint(one as never))
      expect((await importSigningKey(one, 'key')).algorithm).toBe(algorithm)
    }
  })

  it('keeps the name it was given, and loses what is of no use', async () => {
    const { publicJwk } = forgeKey('ES256', '2026-11')
    const { jwk } = await importVerificationKey(
      { ...publicJwk, x5c: ['MIIB'], ext: true, key_ops: ['verify'] },
      'key',
    )
    expect(jwk).toEqual(publicJwk)
  })

  it('may be called Ed25519, as RFC 9864 has it', async () => {
    const { publicJwk } = forgeKey('EdDSA')
    expect((await importVerificationKey({ ...publicJwk, alg: 'Ed25519' }, 'key')).algorithm).toBe('EdDSA')
  })

  it('shows its public half only', async () => {
    const { privateJwk, publicJwk } = forgeKey('EdDSA')
    const read = await readJwk(privateJwk, 'key')
    expect(toPublic(read)).toEqual(publicJwk)
    const key = await importSigningKey(privateJwk, 'key')
    expect(inspect(key, { depth: null }) + JSON.stringify(key)).not.toContain(privateJwk['d'])
  })
})

describe('a key is refused', () => {
  const ed = forgeKey('EdDSA')
  const ec = forgeKey('ES256')

  it.each([
    ['a symmetric one in disguise', { ...ed.publicJwk, k: 'AAAA' }, 'key.k: has no place in a key pair'],
    ['of another curve', { ...ec.publicJwk, crv: 'P-384' }, 'key: must be an Ed25519 or a P-256 key'],
    [
      'of a curve that only agrees',
      { ...ed.publicJwk, crv: 'X25519' },
      'key: must be an Ed25519 or a P-256 key',
    ],
    [
      'with the curve of another kind',
      { ...ed.publicJwk, kty: 'EC' },
      'key: must be an Ed25519 or a P-256 key',
    ],
    [
      'with another algorithm',
      { ...ed.publicJwk, alg: 'ES256' },
      'key.alg: must be EdDSA for this kind of key',
    ],
    [
      'with HMAC for an algorithm',
      { ...ec.publicJwk, alg: 'HS256' },
      'key.alg: must be ES256 for this kind of key',
    ],
    ['for encryption', { ...ed.publicJwk, use: 'enc' }, 'key.use: must be "sig"'],
    [
      'that may not verify',
      { ...ed.publicJwk, key_ops: ['encrypt'] },
      'key.key_ops: does not allow what the key is for',
    ],
    ['without a coordinate', { ...ec.publicJwk, y: undefined }, 'key.y: must be 32 bytes in base64url'],
    ['with a short coordinate', { ...ed.publicJwk, x: 'AAAA' }, 'key.x: must be 32 bytes in base64url'],
    ['with padding', { ...ed.publicJwk, x: `${ed.publicJwk['x']}=` }, 'key.x: must be 32 bytes in base64url'],
    ['with an empty name', { ...ed.publicJwk, kid: '' }, 'key.kid: must be 1 to 128 visible characters'],
    [
      'with a name of two lines',
      { ...ed.publicJwk, kid: 'a\nb' },
      'key.kid: must be 1 to 128 visible characters',
    ],
    ['off its curve', { ...ec.publicJwk, y: ec.publicJwk['x'] }, 'key: is no P-256 key'],
  ])('%s', async (_, jwk, fault) => {
    expect(await faultsOf(importVerificationKey(jwk, 'key'))).toEqual([fault])
  })

  it.each([
    ['without its private half', ed.publicJwk, 'keys.0.d: is missing, and this key signs'],
    [
      'with another’s private half',
      { ...ed.privateJwk, d: forgeKey('EdDSA').privateJwk['d'] },
      'keys.0: has halves that do not belong together',
    ],
    [
      'with another’s private half, on P-256',
      { ...ec.privateJwk, d: forgeKey('ES256').privateJwk['d'] },
      'keys.0: has halves that do not belong together',
    ],
    [
      'with a private half of zeros',
      { ...ec.privateJwk, d: 'A'.repeat(43) },
      'keys.0: has halves that do not belong together',
    ],
  ])('for signing: %s, and nothing of it is repeated', async (_, jwk, fault) => {
    const refused = importSigningKey(jwk, 'keys.0')
    expect(await faultsOf(refused)).toEqual([fault])
    const text = inspect(await refused.catch((error: unknown) => error), { depth: null, showHidden: true })
    expect(text).not.toContain('d' in jwk ? jwk.d : ed.publicJwk['x'])
  })

  it('whatever it is, and nothing else is thrown', async () => {
    for (const value of Object.values(hostileValues())) {
      expect(await faultsOf(importVerificationKey(value, 'key'))).toHaveLength(1)
    }
  })
})
