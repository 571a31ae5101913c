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
