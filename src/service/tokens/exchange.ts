import { ownGuards } from '../../core/access-token.js'
import type { PrincipalActor } from '../../core/actor.js'
import { demandOf } from '../../core/demand.js'
import type { Demand } from '../../core/demand.js'
import { KeyrungError } from '../../core/errors.js'
import { narrow } from '../../core/exchange.js'
import type { ExchangeWish, TokenParent } from '../../core/exchange.js'
import { compileGrant, cutGrant } from '../../core/grant.js'
import type { Grant } from '../../core/grant.js'
import { formatId, idEntropyBytes } from '../../core/id.js'
import type { CredentialRow, KeyRecord } from '../../core/key.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Principal } from '../../core/principal.js'
import type { Scope } from '../../core/resource.js'
import type { TokenMinter } from '../../crypto/access-token.js'
import type { Change } from '../../ports/change.js'
import type { Admission } from '../admission.js'
import type { ServiceContext } from '../context.js'
import { findInForce } from '../credential-status.js'
import { commitParts } from '../keys/commit.js'
import { grantsOf } from '../keys/coverage.js'
import { LimitedError } from '../limited-error.js'
import { parseActor } from '../management.js'
import { changeEvent } from '../outbox.js'
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

/** What an exchange works with. */
export interface ExchangeParts {
  readonly context: Pick<
    ServiceContext,
    'catalog' | 'clock' | 'entropy' | 'store' | 'keyFormat' | 'rights' | 'sinkNames'
  >
  readonly settings: TokenSettings
  readonly minter: TokenMinter
  /** Charges a call to the limits of its key. */
  readonly admit: (principal: Principal, demand: Demand) => MaybePromise<Admission>
}

/** How often an exchange is tried again because its key was changed meanwhile. */
const mostTries = 10

/**
 * Makes a token that is worth no more than what it is made from (RFC 8693): no more scopes than key, owner and plan have
 * in common, an audience of the host's, an end no later than its parent's, and one more in the chain of who acts.
 *
 * The audit event is committed while the key is as it was judged, before the token is handed out.
 *
 * @throws KeyrungError `input_invalid`, `beyond_own_rights`, `not_entitled`, why the parent is no longer accepted,
 *   `limited` as a {@link LimitedError}, `hook_failed`, `conflict`, `store_unavailable`
 */
export async function exchange(
  parts: ExchangeParts,
  given: Principal,
  wish: ExchangeWish,
): Promise<ExchangedToken> {
  const { context } = parts
  const actor = parseActor({ type: 'principal', principal: given }) as PrincipalActor
  const admission = await parts.admit(actor.principal, demandOf(context.catalog, []))
  if (!admission.ok) {
    throw admission.code === 'limited' ? new LimitedError(admission.limits) : new KeyrungError(admission.code)
  }
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const row = await findInForce(context, actor.principal)
    const { token, event } = await mintFor(parts, actor, row, wish)
    const { id, version } = row.key
    const loss = await commitParts(context.store, { key: { do: 'check', type: 'key', id, version }, event })
    if (loss === null) return token
  }
  throw new KeyrungError('conflict')
}

async function mintFor(
  parts: ExchangeParts,
  actor: PrincipalActor,
  row: CredentialRow,
  wish: ExchangeWish,
): Promise<{ readonly token: ExchangedToken; readonly event: readonly Change[] }> {
  const { context, settings, minter } = parts
  const { catalog, clock, entropy } = context
  const { principal } = actor
  const parent = await parentOf(parts, principal, row)
  const now = clock.now()
  const { lifetimeMs, maxChain } = settings
  const narrowed = narrow(catalog, parent, wish, { now, lifetimeMs, maxChain })
  const tokenId = formatId('tok', now, entropy(idEntropyBytes))
  const { key, secret } = row
  const { scopes: text, ...rest } = narrowed
  const scopes = text === '' ? [] : (text.split(' ') as Scope[])
  const token = await minter.mint({
    ...narrowed,
    issuer: settings.issuer,
    ...{ tokenId, keyId: key.id, secretId: secret.id },
    ...{ workspaceId: key.workspaceId, environment: key.environment },
  })
  const { audience, expiresAt, chain } = rest
  const event = changeEvent(
    context,
    {
      ...{ actor, action: 'token.exchanged', target: { id: tokenId, name: key.name }, before: null },
      after: {
        ...{ keyId: key.id, secretId: secret.id, scopes, audience, expiresAt, chain },
        parentId: principal.type === 'token' ? principal.tokenId : null,
      },
    },
    now,
  )
  return { token: { token, tokenId, scopes, ...rest }, event }
}

async function parentOf(
  { context, settings }: ExchangeParts,
  principal: Principal,
  { key, secret }: CredentialRow,
): Promise<TokenParent> {
  const isToken = principal.type === 'token'
  const ends = [key.expiresAt, secret.endsAt, isToken ? principal.expiresAt : null].filter(
    (at) => at !== null,
  )
  return {
    grant: await grantLeft(context, key, isToken ? principal.scopes : null),
    ...(isToken ? { audience: principal.audience } : { audience: settings.audience, usual: [ownGuards] }),
    expiresAt: ends.length > 0 ? Math.min(...ends) : null,
    chain: isToken ? principal.chain : [],
  }
}

/** What a verifier without a store could be told by a token is what every ceiling allows at this moment. */
async function grantLeft(
  context: ExchangeParts['context'],
  key: KeyRecord,
  part: readonly string[] | null,
): Promise<Grant> {
  const { catalog } = context
  const { own, plan, owner } = await grantsOf(context, key)
  const planned = plan === null ? own : cutGrant(catalog, own, plan)
  if (planned.scopes.length === 0 && own.scopes.length > 0) throw new KeyrungError('not_entitled')
  const left = owner === null ? planned : cutGrant(catalog, planned, owner)
  if (left.scopes.length === 0 && own.scopes.length > 0) throw new KeyrungError('beyond_own_rights')
  return part === null ? left : cutGrant(catalog, left, compileGrant(catalog, part.join(' ')))
}
