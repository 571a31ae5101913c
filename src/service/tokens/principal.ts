import type { AccessTokenClaims } from '../../core/access-token.js'
import type { KeyPrincipal, TokenPrincipal } from '../../core/principal.js'

/** What a caller with an access token has beside what its key's callers have. */
export type TokenFields = Omit<TokenPrincipal, Exclude<keyof KeyPrincipal, 'type' | 'scopes'>>

/** The fields of a caller with this token. */
export function tokenFields(claims: AccessTokenClaims): TokenFields {
  const { tokenId, scopes, audience, expiresAt, chain } = claims
  return freezeFields({
    type: 'token',
    tokenId,
    scopes: scopes === '' ? [] : scopes.split(' '),
    audience: [...audience],
    expiresAt,
    chain: [...chain],
  })
}

/** Returns the caller that a key's caller is with an access token of it. */
export function withToken(principal: KeyPrincipal, fields: TokenFields): TokenPrincipal {
  // What the key's record says comes last: of a kept principal only the token's own members count.
  return Object.freeze({ ...fields, ...principal, type: 'token', scopes: fields.scopes })
}

function freezeFields(fields: TokenFields): TokenFields {
  for (const list of [fields.scopes, fields.audience, fields.chain]) Object.freeze(list)
  return Object.freeze(fields)
}
