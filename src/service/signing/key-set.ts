import { ownElements, ownProperties } from '../../core/own-properties.js'
import { isInstant } from '../../core/time.js'
import { mostTokenKeys } from '../../crypto/jwks.js'

/** A generated key as the store keeps it, with the times of its life in milliseconds since 1970. */
export interface KeptKey {
  /** Private, as a JWK; it is read anew with every import. */
  readonly jwk: object
  /** When it was first among the published keys. */
  readonly publishedAt: number
  /** From when on it signs, until the next one does. */
  readonly activeAt: number
  /** From when on nothing that it signed can still be valid; null while it has no successor. */
  readonly retiresAt: number | null
}

/** All generated keys, oldest first; the last may not sign yet. There is one at least. */
export type KeySet = readonly KeptKey[]

/** Writes a set as text. */
export function formatKeySet(set: KeySet): string {
  return JSON.stringify({ keys: set })
}

/**
 * Reads a set; `undefined` for any other text. An entry that is not understood is left out, and the set is then not
 * whole. The keys themselves are read when they are imported.
 */
export function readKeySet(text: string): { readonly set: KeySet; readonly isWhole: boolean } | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const keys = ownElements(ownProperties(value)?.get('keys'), mostTokenKeys)
  if (keys === undefined || keys.length === 0) return undefined
  const set = keys.map(readKey).filter((key) => key !== undefined)
  return set.length === 0 ? undefined : { set, isWhole: set.length === keys.length }
}

function readKey(value: unknown): KeptKey | undefined {
  const fields = ownProperties(value)
  const jwk = fields?.get('jwk')
  const publishedAt = fields?.get('publishedAt')
  const activeAt = fields?.get('activeAt')
  const retiresAt = fields?.get('retiresAt')
  if (typeof jwk !== 'object' || jwk === null || !isInstant(publishedAt) || !isInstant(activeAt))
    return undefined
  return retiresAt === null || isInstant(retiresAt) ? { jwk, publishedAt, activeAt, retiresAt } : undefined
}

/** The key that signs at an instant: of those that may, the newest. */
export function signerAt<K extends Pick<KeptKey, 'activeAt'>>(set: readonly K[], now: number): K {
  // A clock that went back to before the first key still has that one.
  return set.filter(({ activeAt }) => activeAt <= now).at(-1) ?? set[0]!
}
