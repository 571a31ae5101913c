import { createBounded } from '../core/bounded.js'
import { Credential } from '../core/credential.js'
import { KeyrungError } from '../core/errors.js'
import type { CredentialRow, KeyRecord, KeySecretRecord } from '../core/key.js'
import type { Principal } from '../core/principal.js'
import type { KeyFormat } from '../crypto/key-format.js'
import { createAddressList } from '../net/address-rule.js'
import type { AddressMatcher } from '../net/address-rule.js'
import type { ServiceContext } from './context.js'

/** Why a credential that exists is not accepted here and now. */
export type StatusCode =
  | 'credential_invalid'
  | 'key_revoked'
  | 'key_expired'
  | 'secret_rotated'
  | 'key_not_yet_valid'
  | 'address_denied'

/** Stands for the address where it does not matter, because the caller is not there any more. */
export const anyAddress = Symbol('any address')

/** A credential to judge. */
export interface JudgedCredential {
  readonly key: KeyRecord
  /** Null if only the key counts, because the secret was used in the past. */
  readonly secret: Pick<KeySecretRecord, 'endsAt'> | null
}

/** The environments of one deployment. */
export type Environments = Pick<KeyFormat, 'isEnvironment'>

// Address lists depend on nothing but their text, so all instances share the compiled ones.
const matcherOf = createBounded<AddressMatcher>(1_000, (rules) => createAddressList(rules.split(' ')))

/**
 * Judges a credential by environment, status, time and address. Returns `undefined` if it is accepted.
 *
 * This is the only rule of acceptance: every call that begins with a credential asks it. An instant that ends something
 * ends it at that very millisecond.
 *
 * @param now milliseconds since 1970
 * @param address where the call comes from; if it is not known, a key with an allow-list is not accepted
 */
export function judgeCredential(
  { key, secret }: JudgedCredential,
  now: number,
  address: string | null | undefined | typeof anyAddress,
  environments: Environments,
): StatusCode | undefined {
  // A key of another environment was made for another deployment, which is to look like no key at all.
  if (!environments.isEnvironment(key.environment)) return 'credential_invalid'
  if (key.status !== 'active') return 'key_revoked'
  if (key.expiresAt !== null && !(now < key.expiresAt)) return 'key_expired'
  if (secret !== null && secret.endsAt !== null && !(now < secret.endsAt)) return 'secret_rotated'
  if (key.notBefore !== null && !(now >= key.notBefore)) return 'key_not_yet_valid'
  if (key.addressRules === '' || address === anyAddress) return undefined
  return matcherOf(key.addressRules)(address ?? undefined) ? undefined : 'address_denied'
}

/** What a credential is found by that is not presented itself: a kept principal, or the claims of a token. */
export type HeldCredential = Pick<Principal, 'secretId' | 'keyId' | 'workspaceId' | 'environment'>

/**
 * Judges what a store answered for a held credential. Returns the credential if it is accepted, else the reason.
 *
 * @throws KeyrungError `store_unavailable` for a record that is malformed or not the one that was asked for
 */
export function judgeHeld(
  row: CredentialRow | undefined,
  held: HeldCredential,
  now: number,
  address: string | null | undefined,
  environments: Environments,
): Credential | StatusCode {
  if (row === undefined) return 'credential_invalid'
  const credential = Credential.from(row)
  if (credential?.secret.id !== held.secretId) throw malformedRecord()
  const { id, workspaceId, environment } = credential.key
  if (id !== held.keyId || workspaceId !== held.workspaceId || environment !== held.environment) {
    return 'credential_invalid'
  }
  return judgeCredential(credential, now, address, environments) ?? credential
}

/**
 * Loads the credential of a principal as it is now, straight from the store.
 *
 * @throws KeyrungError the reason if it is no longer accepted: `token_expired`, `credential_invalid`, `key_revoked`,
 *   `key_expired`, `secret_rotated`, `key_not_yet_valid`, `address_denied`; `store_unavailable`
 */
export async function findInForce(
  { store, clock, keyFormat }: Pick<ServiceContext, 'store' | 'clock' | 'keyFormat'>,
  principal: Principal,
): Promise<Credential> {
  if (principal.type === 'token' && !(clock.now() < principal.expiresAt))
    throw new KeyrungError('token_expired')
  const row = await store.findCredentialById(principal.secretId)
  const found = judgeHeld(row, principal, clock.now(), principal.address, keyFormat)
  if (typeof found === 'string') throw new KeyrungError(found)
  return found
}

/** The error for a store that answers with a record that cannot be decided on. */
export function malformedRecord(): KeyrungError {
  return new KeyrungError('store_unavailable', {
    internal: 'the store answered a record that is not the one asked for',
  })
}
