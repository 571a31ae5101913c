import { isId } from './id.js'
import { isScopeShaped } from './name.js'
import { ownElements, ownProperties } from './own-properties.js'
import { findTextFault } from './plain-text.js'
import { maxScopes } from './scope.js'
import { isInstant } from './time.js'

/** The longest an access token may live, in milliseconds: a day. */
export const longestTokenLifetimeMs = 86_400_000

/** Most actors a token may name, whatever a host allows. */
export const mostActors = 8

/** Most audiences a token may be for. */
export const mostAudiences = 8

/** The audience of a token that is for nobody but the guards of the host that minted it. */
export const ownGuards = 'urn:keyrung:own-guards'

/** Most characters of an issuer, an audience or an actor. */
const longestName = 255

/** What an access token says. */
export interface AccessTokenClaims {
  readonly issuer: string
  /** Whom it is for: at least one. */
  readonly audience: readonly string[]
  readonly tokenId: string
  readonly keyId: string
  /** The secret it was exchanged from, with which it dies. */
  readonly secretId: string
  readonly workspaceId: string
  readonly environment: string
  /** Canonical scope text: sorted, separated by one space; `''`: none. */
  readonly scopes: string
  /** Whole seconds, in milliseconds since 1970, as the expiry: the wire holds no more (RFC 7519, 2). */
  readonly issuedAt: number
  /** The first instant at which it is no longer valid. */
  readonly expiresAt: number
  /** Who acts, newest first; empty: who holds the key. */
  readonly chain: readonly string[]
}

/** Who acts, and for whom that one acts (RFC 8693, 4.1). */
interface WireActor {
  readonly sub: string
  readonly act?: WireActor
}

/** The claims as they are signed (RFC 9068, 2.2; RFC 8693, 4.1). */
export interface WireClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly client_id: string
  readonly scope?: string
  readonly workspace_id: string
  readonly environment: string
  readonly key_id: string
  readonly secret_id: string
  readonly act?: WireActor
}

/** Writes claims as they are signed: {@link readClaims} gives the same back. */
export function formatClaims(claims: AccessTokenClaims): WireClaims {
  const { audience, chain, scopes } = claims
  const act = chain.reduceRight<WireActor | undefined>(
    (inner, sub) => (inner === undefined ? { sub } : { sub, act: inner }),
    undefined,
  )
  return {
    iss: claims.issuer,
    sub: claims.keyId,
    aud: audience.length === 1 ? audience[0]! : audience,
    exp: claims.expiresAt / 1000,
    iat: claims.issuedAt / 1000,
    jti: claims.tokenId,
    client_id: claims.keyId,
    ...(scopes === '' ? {} : { scope: scopes }),
    workspace_id: claims.workspaceId,
    environment: claims.environment,
    key_id: claims.keyId,
    secret_id: claims.secretId,
    ...(act === undefined ? {} : { act }),
  }
}

/**
 * Reads claims, whoever wrote them: `undefined` unless each is there in exactly its form.
 *
 * Claims that are not known are passed over (RFC 7519, 4), but for `cnf`: a token bound to a proof (RFC 7800) that
 * nobody asks for would be worth more here than where it came from.
 */
export function readClaims(value: unknown): AccessTokenClaims | undefined {
  const claims = ownMembers(value)
  if (claims === undefined || 'cnf' in claims) return undefined
  const { iss: issuer, sub: keyId, jti: tokenId, secret_id: secretId } = claims
  const { workspace_id: workspaceId, environment } = claims
  const scopes = 'scope' in claims ? claims['scope'] : ''
  const issuedAt = instantOf(claims['iat'])
  const expiresAt = instantOf(claims['exp'])
  const audience = audienceOf(claims['aud'])
  const chain = 'act' in claims ? chainOf(claims['act']) : []
  if (
    !isTokenName(issuer) ||
    !isId('key', keyId) ||
    claims['client_id'] !== keyId ||
    claims['key_id'] !== keyId ||
    !isId('tok', tokenId) ||
    !isId('sec', secretId) ||
    !isForeignId(workspaceId) ||
    !isTokenName(environment) ||
    !isScopeText(scopes) ||
    issuedAt === undefined ||
    expiresAt === undefined ||
    expiresAt <= issuedAt ||
    expiresAt - issuedAt > longestTokenLifetimeMs ||
    audience === undefined ||
    chain === undefined
  )
    return undefined
  return {
    issuer,
    audience,
    tokenId,
    keyId,
    secretId,
    workspaceId,
    environment,
    scopes,
    issuedAt,
    expiresAt,
    chain,
  }
}

/** What an object says of itself, nothing inherited; several times as fast as a map, and a token is read with each request. */
function ownMembers(value: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return { __proto__: null, ...value }
  } catch {
    return undefined
  }
}

/** What nearly every name is, found without counting characters one by one. */
const plainName = /^[ -~]{1,255}$/

/** Says whether a value can name an issuer, an audience or an actor: 1 to 255 characters on one line. */
export function isTokenName(value: unknown): value is string {
  if (typeof value !== 'string' || value === '') return false
  return plainName.test(value) || findTextFault(value, longestName) === null
}

/** An id the host made up, as far as a store keeps it. */
function isForeignId(value: unknown): value is string {
  return (
    typeof value === 'string' && value !== '' && value.length <= longestName && !/\p{Surrogate}/u.test(value)
  )
}

function instantOf(seconds: unknown): number | undefined {
  const at = Number.isSafeInteger(seconds) ? (seconds as number) * 1000 : undefined
  return isInstant(at) ? at : undefined
}

function audienceOf(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return isTokenName(value) ? [value] : undefined
  const names = ownElements(value, mostAudiences)
  if (names === undefined || names.length === 0 || !names.every(isTokenName)) return undefined
  return new Set(names).size === names.length ? names : undefined
}

/** Canonical means one text for one set: sorted, each once. */
function isScopeText(value: unknown): value is string {
  if (typeof value !== 'string') return false
  if (value === '') return true
  const scopes = value.split(' ', maxScopes + 1)
  return (
    scopes.length <= maxScopes &&
    scopes.every((scope, i) => isScopeShaped(scope) && (i === 0 || scopes[i - 1]! < scope))
  )
}

/** An actor that is told by more than its name would be another one if only the name were read. */
function chainOf(value: unknown): readonly string[] | undefined {
  const chain: string[] = []
  let next = value
  for (;;) {
    const actor = ownProperties(next)
    const name = actor?.get('sub')
    const isLast = actor?.has('act') === false
    if (actor?.size !== (isLast ? 1 : 2) || !isTokenName(name) || chain.length === mostActors)
      return undefined
    chain.push(name)
    if (isLast) return chain
    next = actor.get('act')
  }
}
