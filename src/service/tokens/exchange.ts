import { narrow } from '../../core/exchange.js'
import type { ExchangeWish, TokenParent } from '../../core/exchange.js'
import { compileGrant, cutGrant } from '../../core/grant.js'
import { formatId, idEntropyBytes } from '../../core/id.js'
import type { CredentialRow } from '../../core/key.js'
import { grantOfKey } from '../../core/key-edit.js'
import type { Principal } from '../../core/principal.js'
import type { Scope } from '../../core/resource.js'
import type { TokenMinter } from '../../crypto/access-token.js'
import type { ServiceContext } from '../context.js'
import { findInForce } from '../credential-status.js'
import { parseActor } from '../management.js'
import type { TokenSettings } from '../token-settings.js'

/** A token that was made, which is shown once and kept nowhere. */
export interface ExchangedToken {
  readonly token: string
  readonly tokenId: string
  /** A whole second, in milliseconds since 1970. */
  readonly issuedAt: number
  /** The first instant at which it is no longer accepted, in milliseconds since 1970: a whole second. */
  readonly expiresAt: number
  readonly scopes: readonly Scope[]
  readonly audience: readonly string[]
  /** Who acts with it, newest first. */
  readonly chain: readonly string[]
}

type Needs = Pick<ServiceContext, 'catalog' | 'clock' | 'entropy' | 'store' | 'keyFormat'>

/**
 * Makes a token that is worth no more than what it is made from (RFC 8693): fewer scopes or as many, an audience of the
 * host's, an end no later than its parent's, and one more in the chain of who acts.
 *
 * @throws KeyrungError `input_invalid`, `beyond_own_rights`, why the parent is no longer accepted, `store_unavailable`
 */
export async function exchange(
  context: Needs,
  settings: TokenSettings,
  minter: TokenMinter,
  given: Principal,
  wish: ExchangeWish,
): Promise<ExchangedToken> {
  const { catalog, clock, entropy } = context
  const actor = parseActor({ type: 'principal', principal: given })
  const { principal } = actor as Extract<typeof actor, { type: 'principal' }>
  const row = await findInForce(context, principal)
  const now = clock.now()
  const parent = parentOf(context, settings, principal, row)
  const { lifetimeMs, maxChain } = settings
  const narrowed = narrow(catalog, parent, wish, { now, lifetimeMs, maxChain })
  const tokenId = formatId('tok', now, entropy(idEntropyBytes))
  const { key, secret } = row
  const { scopes, ...rest } = narrowed
  const token = await minter.mint({
    ...narrowed,
    issuer: settings.issuer,
    ...{ tokenId, keyId: key.id, secretId: secret.id },
    ...{ workspaceId: key.workspaceId, environment: key.environment },
  })
  return { token, tokenId, scopes: scopes === '' ? [] : (scopes.split(' ') as Scope[]), ...rest }
}

function parentOf(
  { catalog }: Needs,
  { audience }: TokenSettings,
  principal: Principal,
  { key, secret }: CredentialRow,
): TokenParent {
  const grant = grantOfKey(catalog, key)
  const isToken = principal.type === 'token'
  const ends = [key.expiresAt, secret.endsAt, isToken ? principal.expiresAt : null].filter(
    (at) => at !== null,
  )
  return {
    grant: isToken ? cutGrant(catalog, grant, compileGrant(catalog, principal.scopes.join(' '))) : grant,
    audience: isToken ? principal.audience : audience,
    expiresAt: ends.length > 0 ? Math.min(...ends) : null,
    chain: isToken ? principal.chain : [],
  }
}
