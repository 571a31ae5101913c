import { mostActors, mostAudiences } from '../../core/access-token.js'
import type { AccessTokenClaims } from '../../core/access-token.js'
import { ownElements } from '../../core/own-properties.js'
import type { KeyPrincipal, TokenPrincipal } from '../../core/principal.js'
import { maxScopes } from '../../core/scope.js'
import { isInstant } from '../../core/time.js'

/** What a caller with an access token has beside what its key's callers have. */
export type TokenFields = Omit<TokenPrincipal, Exclude<keyof KeyPrincipal, 'type'>>

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

/** The caller that a key's is with an access token of it. */
export function withToken(principal: KeyPrincipal, fields: TokenFields): TokenPrincipal {
  return Object.freeze({ ...principal, ...fields })
}

/** Reads the fields of a principal that was kept; `undefined` where it cannot have come from here. */
export function readTokenFields(kept: ReadonlyMap<string, unknown>): TokenFields | undefined {
  const [tokenId, expiresAt] = [kept.get('tokenId'), kept.get('expiresAt')]
  const scopes = ownElements(kept.get('scopes'), maxScopes)
  const audience = ownElements(kept.get('audience'), mostAudiences)
  const chain = ownElements(kept.get('chain'), mostActors)
  if (!isText(tokenId) || !isInstant(expiresAt)) return undefined
  if (!scopes?.every(isText) || !audience?.every(isText) || !chain?.every(isText)) return undefined
  return freezeFields({ type: 'token', tokenId, scopes, audience, expiresAt, chain })
}

function freezeFields(fields: TokenFields): TokenFields {
  for (const list of [fields.scopes, fields.audience, fields.chain]) Object.freeze(list)
  return Object.freeze(fields)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
