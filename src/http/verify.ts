import { isTokenName, mostAudiences, ownGuards } from '../core/access-token.js'
import type { AccessTokenClaims } from '../core/access-token.js'
import type { AnyCatalog, PermissionOf } from '../core/catalog.js'
import { createReport, type Report } from '../core/definition-report.js'
import { invalid } from '../core/errors.js'
import { compileGrant, type Grant } from '../core/grant.js'
import { ownElements } from '../core/own-properties.js'
import { effectAt } from '../core/permission.js'
import { isDuration } from '../core/time.js'
import { createTokenVerifier } from '../crypto/access-token.js'
import type { TokenFault } from '../crypto/access-token.js'
import type { Jwks } from '../crypto/jwks.js'
import { isTokenAlgorithm, tokenAlgorithms, type TokenAlgorithm } from '../crypto/token-algorithm.js'
import { importKeySet, keysOfSet, mostSetKeys } from './key-set.js'
import { createRemoteKeys, type FindKey } from './remote-keys.js'

export type { TokenFault } from '../crypto/access-token.js'

/** Whose tokens a service accepts, and by which keys it knows them. */
export interface VerifierOptions<C extends AnyCatalog = AnyCatalog> {
  /** The `issuer` of the host that mints them, letter for letter. */
  readonly issuer: string
  /** The names this service goes by: it accepts tokens for any of them. */
  readonly audience: string | readonly string[]
  /** The environments whose keys' tokens it accepts: `live`, say. */
  readonly environments: string | readonly string[]
  /** Where the issuer publishes its keys: https, or http on the same machine. One of `jwksUri` and `jwks` has to be there. */
  readonly jwksUri?: string | URL
  /** The issuer's keys themselves. */
  readonly jwks?: Jwks
  /** The issuer's catalogue. Without one, `can` knows no ladders: only a scope of the very name of a permission grants it. */
  readonly catalog?: C
  /** @defaultValue both there are */
  readonly algorithms?: readonly TokenAlgorithm[]
  /** How far the clocks may be apart, in milliseconds, up to a minute. @defaultValue `5000` */
  readonly clockToleranceMs?: number
  /**
   * How long keys that were fetched serve on while the issuer cannot be asked, in milliseconds from when they were, up to 30
   * days. @defaultValue 24 hours
   */
  readonly staleIfErrorMs?: number
  readonly clock?: { now(): number }
  /** @defaultValue the global one */
  readonly fetch?: typeof fetch
}

/** What an accepted token says. */
export interface VerifiedToken<Permission extends string = string> extends Omit<AccessTokenClaims, 'scopes'> {
  readonly ok: true
  readonly scopes: readonly string[]
  /** Whether it allows an operation outright; what would need an approval is not for services that cannot ask for one. */
  can(permission: Permission): boolean
}

/** A token that is not accepted: the code for its bearer, and the fault for this service's own log. */
export interface RefusedToken {
  readonly ok: false
  readonly code: 'credential_invalid'
  readonly fault: TokenFault
}

/** Verifies access tokens without a store. */
export interface Verifier<Permission extends string = string> {
  /**
   * Answers for whatever it is given.
   *
   * @throws KeyrungError `issuer_unavailable` where the keys cannot be had; `config_invalid` for keys that are none
   */
  verify(token: unknown): Promise<VerifiedToken<Permission> | RefusedToken>
}

const known = [
  'issuer',
  'audience',
  'environments',
  'jwksUri',
  'jwks',
  'catalog',
  'algorithms',
  'clockToleranceMs',
  'staleIfErrorMs',
  'clock',
  'fetch',
]
const allAlgorithms = Object.keys(tokenAlgorithms) as TokenAlgorithm[]

/**
 * Makes the verifier for a service that holds no store: it accepts a token until its end, whatever became of the key it
 * was exchanged from. A guard beside the store sees a revoked key at once.
 *
 * @throws KeyrungError `config_invalid` with every fault
 *
 * @example
 * ```ts
 * const { verify } = createVerifier({
 *   issuer: 'https://api.acme.example',
 *   audience: 'https://reports.acme.example',
 *   environments: ['live'],
 *   jwksUri: 'https://api.acme.example/.well-known/jwks.json',
 *   catalog,
 * })
 * const token = await verify(bearer)
 * if (!token.ok) console.log('401', token.code)
 * else if (!token.can('contacts:read')) console.log('403', token.keyId, token.chain)
 * ```
 */
export function createVerifier<C extends AnyCatalog = AnyCatalog>(
  options: VerifierOptions<C>,
): Verifier<PermissionOf<C>> {
  const { catalog, findKey, ...settings } = readOptions(options)
  const verifier = createTokenVerifier({ ...settings, findKey })
  return {
    async verify(token) {
      const result = await verifier.verify(token)
      return result.ok ? toVerified(result.claims, catalog) : result
    },
  }
}

function toVerified(claims: AccessTokenClaims, catalog: AnyCatalog | undefined): VerifiedToken {
  const scopes = Object.freeze(claims.scopes === '' ? [] : claims.scopes.split(' '))
  let grant: Grant | undefined
  return Object.freeze({
    ...claims,
    ok: true as const,
    scopes,
    can(permission: string) {
      if (catalog === undefined) return scopes.includes(permission)
      const bound = catalog.find(permission)
      if (bound === undefined) return false
      grant ??= compileGrant(catalog, claims.scopes)
      return effectAt(bound, grant.levels[bound.slot]!) === 'allow'
    },
  })
}

function readOptions(options: unknown) {
  const report = createReport()
  const given = report.properties('', options, known) ?? new Map<string, unknown>()
  const issuer = given.get('issuer')
  const names = namesOf(given.get('audience'), mostAudiences)
  const environments = namesOf(given.get('environments'), mostEnvironments)
  const algorithms = given.has('algorithms') ? ownElements(given.get('algorithms'), 8) : allAlgorithms
  const clockToleranceMs = given.get('clockToleranceMs') ?? 5_000
  const staleIfErrorMs = given.get('staleIfErrorMs') ?? dayMs
  const catalog = given.get('catalog')
  const clock = given.get('clock') ?? { now: () => Date.now() }
  const fetchKeys = given.get('fetch') ?? fetch
  if (!isTokenName(issuer)) report.add('issuer', 'must be the issuer of the tokens')
  if (!names?.length || !names.every(isTokenName))
    report.add('audience', 'must name this service, or be a list of its names')
  else if (names.includes(ownGuards)) report.add('audience', "is for the issuer's own guards alone")
  if (!environments?.length || !environments.every(isTokenName))
    report.add('environments', "must list the environments whose tokens it accepts, such as ['live']")
  if (!algorithms?.length || !algorithms.every(isTokenAlgorithm)) {
    report.add('algorithms', `must be a list of ${allAlgorithms.join(', ')}`)
  }
  if (!isDuration(clockToleranceMs, 60_000))
    report.add('clockToleranceMs', 'must be whole milliseconds, up to a minute')
  if (!isDuration(staleIfErrorMs, 30 * dayMs))
    report.add('staleIfErrorMs', 'must be whole milliseconds, up to 30 days')
  if (catalog !== undefined && !has(catalog, 'find')) report.add('catalog', 'must be what defineCatalog made')
  if (!has(clock, 'now')) report.add('clock', 'must have a function now')
  if (typeof fetchKeys !== 'function') report.add('fetch', 'must be a function')
  const url = readUri(given.get('jwksUri'), report)
  const keys = readJwks(given.get('jwks'), report)
  if ((url === undefined) === (keys === undefined) && report.faults.length === 0) {
    report.add('jwksUri', 'or jwks has to be there, and not both')
  }
  if (report.faults.length > 0) throw invalid('config_invalid', report.faults)
  const now = () => (clock as { now(): number }).now()
  return {
    issuer: issuer as string,
    audience: names as readonly string[],
    environments: environments as readonly string[],
    algorithms: algorithms as readonly TokenAlgorithm[],
    clockToleranceMs: clockToleranceMs as number,
    catalog: catalog as AnyCatalog | undefined,
    now,
    findKey: url
      ? createRemoteKeys({
          ...{ url, now, staleIfErrorMs: staleIfErrorMs as number, fetch: fetchKeys as typeof fetch },
        })
      : findAmong(keys ?? []),
  }
}

const mostEnvironments = 64
const dayMs = 86_400_000

function namesOf(value: unknown, most: number): readonly unknown[] | undefined {
  return typeof value === 'string' ? [value] : ownElements(value, most)
}

function has(value: unknown, method: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function'
}

/** Unencrypted, keys could be anybody's on the way; on the same machine there is no way. */
function readUri(uri: unknown, report: Report): URL | undefined {
  if (uri === undefined) return undefined
  const text = uri instanceof URL ? uri.href : uri
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  const isLocal = url?.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (url && (url.protocol === 'https:' || isLocal) && url.username + url.password === '') return url
  report.add('jwksUri', 'must be an https URL without a user')
  return undefined
}

function readJwks(jwks: unknown, report: Report): readonly unknown[] | undefined {
  if (jwks === undefined) return undefined
  const keys = keysOfSet(jwks)
  if (keys?.length) return keys
  report.add('jwks', `must be { keys } with 1 to ${mostSetKeys} keys`)
  return undefined
}

function findAmong(jwks: readonly unknown[]): FindKey {
  let loading: ReturnType<typeof importAll> | undefined
  const importAll = async () => {
    const keys = await importKeySet(jwks)
    if (keys.size > 0) return keys
    throw invalid('config_invalid', [{ path: 'jwks', message: 'has no key that tokens are signed with' }])
  }
  return async (kid) => (await (loading ??= importAll())).get(kid)
}
