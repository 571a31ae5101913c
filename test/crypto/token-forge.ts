import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import type { AccessTokenClaims } from '../../src/core/access-token.js'
import { formatClaims } from '../../src/core/access-token.js'
import type { TokenAlgorithm } from '../../src/crypto/token-algorithm.js'

/** A key pair made by Node itself, as JWKs. */
export interface ForgedKey {
  readonly kid: string
  readonly algorithm: TokenAlgorithm
  readonly privateJwk: Readonly<Record<string, string>>
  readonly publicJwk: Readonly<Record<string, string>>
}

/** Makes a key pair without the code under test. */
export function forgeKey(algorithm: TokenAlgorithm, kid?: string): ForgedKey {
  const pair =
    algorithm === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const publicJwk = pair.publicKey.export({ format: 'jwk' }) as Record<string, string>
  const name = kid ?? thumbprint(publicJwk)
  const named = { kid: name, alg: algorithm, use: 'sig' }
  const privateJwk = { ...(pair.privateKey.export({ format: 'jwk' }) as Record<string, string>), ...named }
  return { kid: name, algorithm, privateJwk, publicJwk: { ...publicJwk, ...named } }
}

/** RFC 7638, 3: SHA-256 over the members that are the key, in order, without blanks. */
export function thumbprint({ crv, kty, x, y }: Readonly<Record<string, string>>): string {
  const text = JSON.stringify(y === undefined ? { crv, kty, x } : { crv, kty, x, y })
  return createHash('sha256').update(text).digest('base64url')
}

/** A text or a value in base64url. */
export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** The signature of a key over a header and a payload that are encoded already, by Node itself. */
export function signWith(key: ForgedKey, input: string): string {
  const privateKey = createPrivateKey({ key: key.privateJwk, format: 'jwk' })
  const data = Buffer.from(input)
  return key.algorithm === 'EdDSA'
    ? sign(null, data, privateKey).toString('base64url')
    : sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

/** A token of any header and payload, signed truly; texts are taken as they are. */
export function forge(key: ForgedKey, header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${signWith(key, input)}`
}

/** The header that a key's tokens have. */
export function headerOf(key: ForgedKey): Readonly<Record<string, unknown>> {
  return { alg: key.algorithm, typ: 'at+jwt', kid: key.kid }
}

/** What an attacker may know, and what holds the keys besides. */
export interface AttackWorld {
  /** A key whose tokens are accepted. */
  readonly key: ForgedKey
  /** Another accepted key, of the other algorithm. */
  readonly other: ForgedKey
  /** A key of the attacker's own. */
  readonly own: ForgedKey
  /** Claims that would be accepted. */
  readonly claims: AccessTokenClaims
}

/** The payload of the claims that would be accepted, changed. */
export function payloadOf(world: AttackWorld, change: Readonly<Record<string, unknown>> = {}): object {
  return { ...formatClaims(world.claims), ...change }
}
