import {
  calculateJwkThumbprint,
  CompactSign,
  compactVerify,
  exportJWK,
  generateKeyPair,
  importJWK,
} from 'jose'
import type { CryptoKey } from 'jose'
import { invalid } from '../core/errors.js'
import { ownElements, ownProperties } from '../core/own-properties.js'
import { fromBase64url, toUtf8 } from './encoding.js'
import { coordinateBytes, tokenAlgorithms } from './token-algorithm.js'
import type { TokenAlgorithm } from './token-algorithm.js'

/** A public key as it is published (RFC 7517, 4). */
export interface PublicJwk {
  readonly kty: 'OKP' | 'EC'
  readonly crv: 'Ed25519' | 'P-256'
  readonly x: string
  readonly y?: string
  readonly kid: string
  readonly alg: TokenAlgorithm
  readonly use: 'sig'
}

/** A key with its private half, as it is kept sealed. */
export interface PrivateJwk extends PublicJwk {
  readonly d: string
}

/** Public keys, as they are published (RFC 7517, 5). */
export interface Jwks {
  readonly keys: readonly PublicJwk[]
}

/** A key that tokens are verified with. */
export interface VerificationKey {
  readonly kid: string
  readonly algorithm: TokenAlgorithm
  readonly publicKey: CryptoKey
  readonly jwk: PublicJwk
}

/** A key that tokens are signed with. */
export interface SigningKey extends VerificationKey {
  readonly privateKey: CryptoKey
}

/** Most keys that are in use at the same time. */
export const mostTokenKeys = 16

const longestKid = 128

/** Says whether a value can name a key: 1 to 128 visible characters of ASCII. */
export function isKid(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestKid && /^[!-~]+$/.test(value)
}

/** Makes a new key; its kid is its thumbprint (RFC 7638). */
export async function generateTokenJwk(algorithm: TokenAlgorithm): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  return (await readJwk(await exportJWK(privateKey), 'key')) as PrivateJwk
}

/**
 * Reads a key that somebody hands over as a JWK: Ed25519 or P-256, never symmetric, canonical in all that is encoded.
 * A key without a kid gets its thumbprint (RFC 7638) for one; members that are of no use here are left out.
 *
 * @param path where it stands in the input, for the fault
 * @throws KeyrungError `config_invalid` that never repeats a value
 */
export async function readJwk(input: unknown, path: string): Promise<PublicJwk | PrivateJwk> {
  const members = ownProperties(input)
  const refuse = (name: string, message: string) =>
    invalid('config_invalid', [{ path: name === '' ? path : `${path}.${name}`, message }])
  if (members === undefined) throw refuse('', 'must be a JWK')

  const kind = Object.entries(tokenAlgorithms).find(
    ([, { kty, crv }]) => members.get('kty') === kty && members.get('crv') === crv,
  )
  if (kind === undefined) throw refuse('', 'must be an Ed25519 or a P-256 key')
  const [algorithm, form] = kind as [TokenAlgorithm, (typeof kind)[1]]
  const { kty, crv } = form
  if (members.has('k')) throw refuse('k', 'has no place in a key pair')
  for (const name of [...form.coordinates, ...(members.has('d') ? ['d'] : [])]) {
    const value = members.get(name)
    if (typeof value !== 'string' || fromBase64url(value)?.length !== coordinateBytes)
      throw refuse(name, `must be ${coordinateBytes} bytes in base64url`)
  }
  const alg = members.get('alg') ?? algorithm
  if (alg !== algorithm && alg !== form.alias)
    throw refuse('alg', `must be ${algorithm} for this kind of key`)
  if ((members.get('use') ?? 'sig') !== 'sig') throw refuse('use', 'must be "sig"')
  const uses = members.has('key_ops')
    ? ownElements(members.get('key_ops'), 8)
    : [members.has('d') ? 'sign' : 'verify']
  if (!uses?.includes(members.has('d') ? 'sign' : 'verify'))
    throw refuse('key_ops', 'does not allow what the key is for')

  const x = members.get('x') as string
  const point = form.coordinates.includes('y') ? { x, y: members.get('y') as string } : { x }
  const kid = members.get('kid') ?? (await calculateJwkThumbprint({ kty, crv, ...point }))
  if (!isKid(kid)) throw refuse('kid', `must be 1 to ${longestKid} visible characters`)
  const jwk: PublicJwk = { kty, crv, ...point, kid, alg: algorithm, use: 'sig' }
  return members.has('d') ? { ...jwk, d: members.get('d') as string } : jwk
}

/**
 * Makes a key ready to verify with.
 *
 * @throws KeyrungError `config_invalid` if it is no JWK of a kind that tokens are signed with, or no point of its curve
 */
export async function importVerificationKey(input: unknown, path: string): Promise<VerificationKey> {
  const jwk = toPublic(await readJwk(input, path))
  try {
    const publicKey = (await importJWK({ ...jwk }, jwk.alg)) as CryptoKey
    return Object.freeze({ kid: jwk.kid, algorithm: jwk.alg, publicKey, jwk: Object.freeze(jwk) })
  } catch {
    throw invalid('config_invalid', [{ path, message: `is no ${jwk.crv} key` }])
  }
}

/**
 * Makes a key ready to sign with, and tries it: what its private half signs, its public half has to verify.
 *
 * @throws KeyrungError `config_invalid` as {@link importVerificationKey} does, and if the halves are missing or no pair
 */
export async function importSigningKey(input: unknown, path: string): Promise<SigningKey> {
  const given = await readJwk(input, path)
  if (!('d' in given))
    throw invalid('config_invalid', [{ path: `${path}.d`, message: 'is missing, and this key signs' }])
  const key = await importVerificationKey(given, path)
  try {
    const privateKey = (await importJWK({ ...given }, given.alg)) as CryptoKey
    if (await isPair(privateKey, key.publicKey, given.alg)) return Object.freeze({ ...key, privateKey })
  } catch {
    // The runtime's own words may hold the key: the fault below says all that may be said.
  }
  throw invalid('config_invalid', [{ path, message: 'has halves that do not belong together' }])
}

/** The public half of a key. */
export function toPublic(jwk: PublicJwk | PrivateJwk): PublicJwk {
  const { kty, crv, x, y, kid, alg, use } = jwk
  return { kty, crv, x, ...(y === undefined ? {} : { y }), kid, alg, use }
}

async function isPair(privateKey: CryptoKey, publicKey: CryptoKey, alg: TokenAlgorithm): Promise<boolean> {
  const signed = await new CompactSign(toUtf8('pair')).setProtectedHeader({ alg }).sign(privateKey)
  return compactVerify(signed, publicKey).then(
    () => true,
    () => false,
  )
}
