import type { Actor, PrincipalActor } from '../../core/actor.js'
import { KeyrungError } from '../../core/errors.js'
import { covers, scopesBeyond } from '../../core/grant.js'
import type { Grant } from '../../core/grant.js'
import type { CredentialRow, KeyRecord } from '../../core/key.js'
import { findLooserLimits, grantOfKey } from '../../core/key-edit.js'
import type { KeyRights } from '../../core/key-edit.js'
import { coversAddresses } from '../../net/address-cover.js'
import type { Change } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'
import { findInForce } from '../credential-status.js'
import { hasLooserLimits } from './limit-rights.js'

type Needs = Pick<ServiceContext, 'catalog' | 'clock' | 'store' | 'rights' | 'keyFormat' | 'keySettings'>

/** What an actor wants a key to be good for, and where; without `id` the key is still to be made. */
export type WantedRights = KeyRights & {
  readonly environment: string
  readonly limits: string | null
  readonly id?: string
}

/**
 * Lets an actor go on that holds now, by itself, all that a key is to be good for. Neither the key's owner
 * nor the plan count for less here, as both can grow later.
 *
 * The host itself holds everything; a user holds what the directory says or, where there is none, everything,
 * as the host's own rule has admitted it; a principal holds what its key, its owner and the plan let it do,
 * as long, as often, from where, in the environment and in the name of the owner it can itself.
 *
 * @returns what has to hold still when the change is committed
 * @throws KeyrungError `beyond_own_rights`, `forbidden` for who is no member any more; for a principal also
 *   `not_entitled` and what `findInForce` throws
 */
export async function demandRights(
  context: Needs,
  actor: Actor,
  wanted: WantedRights,
): Promise<readonly Change[]> {
  if (actor.type === 'principal') return demandOfPrincipal(context, actor, wanted)
  if (actor.type === 'user' && context.rights.hasDirectory) {
    const standing = await context.rights.ofUser(actor.id, actor.workspaceId)
    if (standing === null) throw new KeyrungError('forbidden')
    demandGrants([standing.grant], grantOfKey(context.catalog, wanted))
  }
  return []
}

async function demandOfPrincipal(
  context: Needs,
  { principal }: PrincipalActor,
  wanted: WantedRights,
): Promise<readonly Change[]> {
  const held = await findInForce(context, principal)
  const { own, plan, owner } = await grantsOf(context, held.key)
  const grant = grantOfKey(context.catalog, wanted)
  demandGrants(owner === null ? [own] : [own, owner], grant)
  if (plan !== null) demandOfPlan(context, plan, grant)
  const isLooser = findLooserLimits(limitsOf(held), wanted, coversAddresses).length > 0
  const isOftener = await hasLooserLimits(context, held.key.workspaceId, held.key, wanted)
  const isElsewhere = wanted.environment !== held.key.environment
  // In another user's name it would speak with another's voice where humans decide.
  const isAnothers = wanted.ownerId !== null && wanted.ownerId !== held.key.ownerId
  if (isLooser || isOftener || isElsewhere || isAnothers) throw new KeyrungError('beyond_own_rights')
  // A change to itself is bound to its version anyway.
  if (wanted.id === held.key.id) return []
  return [{ do: 'check', type: 'key', id: held.key.id, version: held.key.version }]
}

/** All that caps a principal: it holds what every one of them covers. */
interface HeldGrants {
  readonly own: Grant
  /** Null: no ceiling. */
  readonly plan: Grant | null
  /** Null: no owner. */
  readonly owner: Grant | null
}

/**
 * Finds all that caps a principal.
 *
 * @throws KeyrungError `not_entitled` without access, `beyond_own_rights` for an owner who is no member any more
 */
export async function grantsOf(
  { catalog, rights }: Pick<Needs, 'catalog' | 'rights'>,
  key: KeyRecord,
): Promise<HeldGrants> {
  const { access, ceiling } = await rights.ofWorkspace(key.workspaceId)
  if (!access) throw new KeyrungError('not_entitled')
  const own = grantOfKey(catalog, key)
  if (key.ownerId === null) return { own, plan: ceiling, owner: null }
  const owner = rights.hasDirectory ? await rights.ofUser(key.ownerId, key.workspaceId) : null
  if (owner === null) throw new KeyrungError('beyond_own_rights')
  return { own, plan: ceiling, owner: owner.grant }
}

/** The limits a principal acts within: a secret in its grace period ends before its key. */
function limitsOf({ key, secret }: CredentialRow): Omit<KeyRights, 'mode' | 'scopes'> {
  const ends = [key.expiresAt, secret.endsAt].filter((at) => at !== null)
  return {
    expiresAt: ends.length > 0 ? Math.min(...ends) : null,
    // It is in force, so its own beginning is over.
    notBefore: null,
    addressRules: key.addressRules,
    ownerId: key.ownerId,
  }
}

function demandGrants(held: readonly Grant[], wanted: Grant): void {
  if (!held.every((one) => covers(one, wanted))) throw new KeyrungError('beyond_own_rights')
}

const mostNamed = 5

/** Names what the plan lacks: the caller holds it all, so that it knows of it. */
function demandOfPlan({ catalog }: Pick<Needs, 'catalog'>, plan: Grant, wanted: Grant): void {
  if (covers(plan, wanted)) return
  const scopes = scopesBeyond(catalog, plan, wanted)
  const more = scopes.length > mostNamed ? ` and ${scopes.length - mostNamed} more` : ''
  const lacking = wanted.full ? 'Full Access' : scopes.slice(0, mostNamed).join(', ') + more
  throw new KeyrungError('not_entitled', { message: `The workspace's plan does not include ${lacking}.` })
}
