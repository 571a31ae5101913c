import type { CredentialRow } from './key.js'

/** Why a credential that exists is not accepted at some moment. */
export type StandingCode = 'credential_invalid' | 'key_revoked' | 'key_expired' | 'key_not_yet_valid'

/**
 * Judges a credential by its status and the time; `undefined` accepts it.
 *
 * An instant that ends something ends it at that very millisecond.
 */
export function judgeCredential({ key, secret }: CredentialRow, now: number): StandingCode | undefined {
  if (key.status !== 'active') return 'key_revoked'
  if (secret.endsAt !== null && !(now < secret.endsAt)) return 'key_expired'
  if (key.expiresAt !== null && !(now < key.expiresAt)) return 'key_expired'
  if (key.notBefore !== null && !(now >= key.notBefore)) return 'key_not_yet_valid'
  return undefined
}

const isInstantOrNull = (value: unknown): boolean => value === null || Number.isSafeInteger(value)

/**
 * Says whether what a store answered can be decided on: every field that decides is there, of its kind, and secret
 * and key belong together.
 */
export function isCredentialRow(row: CredentialRow): boolean {
  const { key, secret } = row
  return (
    typeof key === 'object' &&
    typeof secret === 'object' &&
    key !== null &&
    secret !== null &&
    typeof key.id === 'string' &&
    secret.keyId === key.id &&
    typeof key.workspaceId === 'string' &&
    key.workspaceId !== '' &&
    secret.workspaceId === key.workspaceId &&
    typeof secret.id === 'string' &&
    (key.status === 'active' || key.status === 'revoked') &&
    (key.mode === 'custom' || key.mode === 'full') &&
    typeof key.scopes === 'string' &&
    typeof key.environment === 'string' &&
    typeof key.addressRules === 'string' &&
    (key.ownerId === null || typeof key.ownerId === 'string') &&
    isInstantOrNull(key.expiresAt) &&
    isInstantOrNull(key.notBefore) &&
    isInstantOrNull(secret.endsAt)
  )
}
