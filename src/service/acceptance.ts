import type { CredentialRefusal } from '../core/decision.js'
import type { CredentialRow } from '../core/key.js'
import { judgeCredential } from '../core/key-standing.js'
import type { KeyFormat } from '../crypto/key-format.js'
import { createAddressList } from '../net/address-rule.js'
import type { AddressMatcher } from '../net/address-rule.js'

/** The moment and place at which a credential is used. */
export interface Use {
  readonly now: number
  /** Undefined if it is not known: an allow-list then refuses. */
  readonly address: string | undefined
  readonly keyFormat: Pick<KeyFormat, 'isEnvironment'>
}

/** Compiles the allow-list of a key; entries that are used often keep what it returns. */
export function compileAddressRules(rules: string): AddressMatcher {
  return createAddressList(rules.split(' '))
}

/**
 * Returns why a stored credential is not accepted here and now, or undefined if it is.
 *
 * Every entry uses this one rule: environment of this instance, status, time, address.
 */
export function refuseUse(
  row: CredentialRow,
  { now, address, keyFormat }: Use,
  matcherFor: (rules: string) => AddressMatcher = compileAddressRules,
): CredentialRefusal | undefined {
  const { addressRules, environment } = row.key
  // A key of another environment was made for another deployment.
  if (!keyFormat.isEnvironment(environment)) return 'credential_invalid'
  const refused = judgeCredential(row, now)
  if (refused !== undefined) return refused
  return addressRules === '' || matcherFor(addressRules)(address) ? undefined : 'address_denied'
}
