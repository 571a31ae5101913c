import type { ErrorCode } from '../core/errors.js'
import { problemKinds } from './problem.js'

/** The error codes of RFC 6750, 3.1. */
type BearerError = 'invalid_request' | 'invalid_token' | 'insufficient_scope'

/** Longer lists of scopes stay in the body: proxies give up on headers of a few thousand characters. */
const longestScopeList = 2000

/**
 * What the challenge says of each code. A request without any credential is told no error (RFC 6750, 3.1);
 * `not_entitled` and the like are not about the credential, and another one would not help.
 */
const bearerErrors: Partial<Record<ErrorCode, BearerError>> = {
  credential_repeated: 'invalid_request',
  credential_invalid: 'invalid_token',
  key_revoked: 'invalid_token',
  key_expired: 'invalid_token',
  secret_rotated: 'invalid_token',
  key_not_yet_valid: 'invalid_token',
  token_expired: 'invalid_token',
  hidden: 'insufficient_scope',
  owner_insufficient: 'insufficient_scope',
  insufficient: 'insufficient_scope',
}

/**
 * The value of `WWW-Authenticate` for a refusal (RFC 6750, 3); `undefined` where there is to be none.
 *
 * Each 401 has one, as RFC 9110, 11.6.1 demands.
 *
 * @param scopes all the scopes that would do, where they may be named
 * @param credentialHeader the host's own header for keys, told as `credential_header`; null: it has none
 */
export function formatChallenge(
  code: ErrorCode,
  realm: string,
  scopes: readonly string[] = [],
  credentialHeader: string | null = null,
): string | undefined {
  const error = bearerErrors[code]
  if (error === undefined && problemKinds[code].status !== 401) return undefined
  let challenge = `Bearer realm=${quote(realm)}`
  if (error !== undefined) challenge += `, error=${quote(error)}`
  const list = code === 'insufficient' ? scopes.filter(isScopeToken).join(' ') : ''
  if (list !== '' && list.length <= longestScopeList) challenge += `, scope=${quote(list)}`
  if (credentialHeader !== null) challenge += `, credential_header=${quote(credentialHeader)}`
  return challenge
}

/** A quoted string (RFC 9110, 5.6.4); what must not stand in a header at all is left out. */
function quote(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`
}

/** `scope-token` of RFC 6749, 3.3. */
function isScopeToken(scope: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)
}
