import { isTokenName, longestTokenLifetimeMs, mostActors, mostAudiences } from './access-token.js'
import type { AnyCatalog } from './catalog.js'
import { createReport, type Report } from './definition-report.js'
import { invalid, isKeyrungError, KeyrungError, type Fault } from './errors.js'
import { compileGrant, covers, type Grant } from './grant.js'
import { ownElements } from './own-properties.js'
import { parseScopes } from './scope.js'

/** What a token is made from: a key, or another token, as it stands now. */
export interface TokenParent {
  readonly grant: Grant
  /** Whom a token of it may be for. */
  readonly audience: readonly string[]
  /** Whom a token of it is for where nothing is wished; left out: all of the same. */
  readonly usual?: readonly string[]
  /** Its own end, in milliseconds since 1970; null: none. */
  readonly expiresAt: number | null
  /** Who acts through it, newest first. */
  readonly chain: readonly string[]
}

/** What somebody wants a token to be; of scopes and time, what is left out is as much as there is; `S` are the catalog's. */
export interface ExchangeWish<S extends string = string> {
  readonly scopes?: readonly S[] | undefined
  /** Left out: that of the token it is made from, or of a key's token the host's own guards alone. */
  readonly audience?: string | readonly string[] | undefined
  /** In milliseconds, at least a second; it ends no later than its parent in any case. */
  readonly lifetimeMs?: number | undefined
  /** Who will act with it: 1 to 255 characters on one line. */
  readonly actor?: string | undefined
}

/** What a host allows, and when it is asked. */
export interface ExchangeBounds {
  /** Milliseconds since 1970. */
  readonly now: number
  /** The longest a token may live, and how long one does where nothing is wished. */
  readonly lifetimeMs: number
  /** Most actors in a chain. */
  readonly maxChain: number
}

/** What the token will say, none of it more than its parent has. */
export interface Narrowed {
  /** Canonical. */
  readonly scopes: string
  readonly audience: readonly string[]
  /** Whole seconds, in milliseconds since 1970. */
  readonly issuedAt: number
  /** Whole seconds, in milliseconds since 1970; never after the parent's. */
  readonly expiresAt: number
  readonly chain: readonly string[]
}

const known = ['scopes', 'audience', 'lifetimeMs', 'actor']
const second = 1000

/**
 * The rule of exchange (RFC 8693): scopes, audience and lifetime can only be lost, the chain only grows, up to its bound.
 *
 * Scopes that this catalogue does not know are not handed on, as what they are worth cannot be told here.
 *
 * @throws KeyrungError `input_invalid` for a wish that is malformed or asks for a longer life or chain than the host allows,
 * `beyond_own_rights` for scopes or an audience that the parent has not, `credential_invalid` for a parent with no
 * whole second left
 */
export function narrow(
  catalog: AnyCatalog,
  parent: TokenParent,
  wish: ExchangeWish,
  bounds: ExchangeBounds,
): Narrowed {
  const report = createReport()
  const fields = report.properties('', wish, known) ?? new Map<string, unknown>()
  const scopes = readScopes(catalog, fields.get('scopes'), report)
  const audience = readAudience(fields.get('audience'), report)
  const lifetimeMs = readLifetime(fields.get('lifetimeMs'), bounds.lifetimeMs, report)
  const chain = readChain(fields.get('actor'), parent.chain, bounds.maxChain, report)
  if (report.faults.length > 0) throw invalid('input_invalid', report.faults)

  const beyond = [
    ...scopesBeyond(catalog, parent.grant, scopes),
    ...audienceBeyond(parent.audience, audience),
  ]
  if (beyond.length > 0) throw new KeyrungError('beyond_own_rights', { faults: beyond })

  const end = bounds.now + Math.min(lifetimeMs, longestTokenLifetimeMs)
  const expiresAt = wholeSeconds(Math.min(end, parent.expiresAt ?? end))
  const issuedAt = wholeSeconds(bounds.now)
  if (expiresAt <= bounds.now) {
    throw new KeyrungError('credential_invalid', { internal: 'what a token was wanted of is at its end' })
  }
  return {
    scopes: (scopes ?? parent.grant.scopes).join(' '),
    audience: audience ?? parent.usual ?? parent.audience,
    issuedAt,
    expiresAt,
    chain,
  }
}

const wholeSeconds = (at: number): number => Math.floor(at / second) * second

function readScopes(catalog: AnyCatalog, wished: unknown, report: Report): readonly string[] | undefined {
  if (wished === undefined) return undefined
  try {
    return parseScopes(catalog, wished).scopes
  } catch (error) {
    if (!isKeyrungError(error)) throw error
    for (const { path, message } of error.faults) report.add(path, message)
    return undefined
  }
}

function readAudience(wished: unknown, report: Report): readonly string[] | undefined {
  if (wished === undefined) return undefined
  const names = typeof wished === 'string' ? [wished] : ownElements(wished, mostAudiences)
  if (names === undefined || names.length === 0 || !names.every(isTokenName)) {
    report.add('audience', `must be the name of an audience, or an array of 1 to ${mostAudiences}`)
    return undefined
  }
  return [...new Set(names)]
}

function readLifetime(wished: unknown, longest: number, report: Report): number {
  if (wished === undefined) return longest
  const isAllowed =
    Number.isSafeInteger(wished) && (wished as number) >= second && (wished as number) <= longest
  if (isAllowed) return wished as number
  report.add('lifetimeMs', `must be from 1 to ${Math.floor(longest / second)} seconds`)
  return longest
}

function readChain(
  actor: unknown,
  chain: readonly string[],
  maxChain: number,
  report: Report,
): readonly string[] {
  if (actor === undefined) return chain
  const most = Math.min(maxChain, mostActors)
  if (!isTokenName(actor)) report.add('actor', 'must be 1 to 255 characters on one line')
  else if (chain.length >= most)
    report.add('actor', `would be one more than the ${most} that may act in a row`)
  else return [actor, ...chain]
  return chain
}

function scopesBeyond(
  catalog: AnyCatalog,
  grant: Grant,
  scopes: readonly string[] | undefined,
): readonly Fault[] {
  return (scopes ?? [])
    .filter((scope) => !covers(grant, compileGrant(catalog, scope)))
    .map((scope) => ({ path: 'scopes', message: `${scope} is more than there is to hand on` }))
}

function audienceBeyond(
  allowed: readonly string[],
  audience: readonly string[] | undefined,
): readonly Fault[] {
  return (audience ?? []).flatMap((name, i) =>
    allowed.includes(name)
      ? []
      : [{ path: `audience[${i}]`, message: 'is not one that tokens of it are for' }],
  )
}
