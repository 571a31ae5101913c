import { ownElements, ownProperties } from '../core/own-properties.js'
import { importVerificationKey } from '../crypto/jwks.js'
import type { VerificationKey } from '../crypto/jwks.js'

/** Keys by their names. */
export type KeySet = ReadonlyMap<string, VerificationKey>

/** Most keys of a set that are looked at. */
export const mostSetKeys = 1_000

/** Finds the keys in a set (RFC 7517, 5); `undefined` when the value is not a set. */
export function keysOfSet(set: unknown): readonly unknown[] | undefined {
  return ownElements(ownProperties(set)?.get('keys'), mostSetKeys)
}

/**
 * Makes the keys of a set ready to verify with. What is malformed or of a kind that signs no tokens here is skipped, as other
 * services may use the same set (RFC 7517, 5); of two keys with one name neither can be believed.
 */
export async function importKeySet(jwks: readonly unknown[]): Promise<KeySet> {
  const keys = new Map<string, VerificationKey>()
  const twice = new Set<string>()
  const skip = (): null => null
  for (const key of await Promise.all(jwks.map((jwk) => importVerificationKey(jwk, 'keys').catch(skip)))) {
    if (key === null) continue
    if (keys.has(key.kid)) twice.add(key.kid)
    keys.set(key.kid, key)
  }
  for (const kid of twice) keys.delete(kid)
  return keys
}
