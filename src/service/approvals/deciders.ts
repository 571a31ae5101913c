import { formatActor, workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import type { ApprovalRecord } from '../../core/approval.js'
import { KeyrungError } from '../../core/errors.js'
import { evaluate } from '../../core/evaluate.js'
import type { KeyRecord } from '../../core/key.js'
import type { Change } from '../../ports/change.js'
import type { ApprovalVerb } from '../approval-settings.js'
import { createAuthorizer } from '../authorize.js'
import type { ServiceContext } from '../context.js'
import { admitBy, parseActor } from '../management.js'
import { callerOf, demandOfApproval } from './caller.js'
import { readApproval } from './found.js'
import { askersHand, isAkin, handOf } from './kinship.js'
import type { Hand } from './kinship.js'
import { toApprovalView } from './view.js'

/** Somebody who may decide. */
export interface Decider {
  /** With the directory's role. */
  readonly actor: Actor
  /** Who stands behind it: several credentials of one hand have one voice. */
  readonly hand: Hand
  /** What has to hold still in the commit of the decision. */
  readonly checks: readonly Change[]
}

/** An approval, and who was admitted to decide about it. */
export interface FoundApproval {
  readonly decider: Decider
  readonly record: ApprovalRecord
}

/**
 * Looks up an approval of the actor's own workspace and admits the actor to it.
 *
 * Another workspace's approval, an unknown id and a malformed one are one and the same.
 *
 * @throws KeyrungError `not_found`, and what {@link admitDecider} throws
 */
export async function findForDecider(
  context: ServiceContext,
  given: Actor,
  verb: ApprovalVerb,
  id: unknown,
): Promise<FoundApproval> {
  const actor = parseActor(given)
  const record = await readApproval(context, workspaceOf(actor), id)
  const decider = await admitDecider(context, actor, verb, record)
  if (!record) throw new KeyrungError('not_found')
  return { decider, record }
}

/**
 * Admits an actor to what humans do about approvals; only `true` itself from `canDecide` admits. Of keys only those with
 * Full Access are, and to an approval only where they, their owner and the plan could do what it is about.
 *
 * @throws KeyrungError `actor_missing`, `input_invalid`, `forbidden`, `hook_failed`, `store_unavailable`, and why a
 *   principal's credential is not accepted
 */
export async function admitDecider(
  context: ServiceContext,
  given: Actor,
  verb: ApprovalVerb,
  record?: ApprovalRecord,
): Promise<Decider> {
  const { canDecide } = context.approvalSettings
  const view = record && Object.freeze(toApprovalView(record))
  const { actor, credential } = await admitBy(context, given, 'canDecide', (known) =>
    canDecide(known, verb, view),
  )
  const hand = await handOf(context, workspaceOf(actor), formatActor(actor))
  if (credential === null) return { actor, hand, checks: [] }
  const { key, secret } = credential
  await demandReach(context, key, secret.id, record)
  const { id, version } = key
  return { actor, hand, checks: [{ do: 'check', type: 'key', id, version }] }
}

/** Refuses a key that could not do the operation itself: by its mode, environment, owner, or plan. */
export async function demandReach(
  context: ServiceContext,
  key: KeyRecord,
  secretId: string,
  record: ApprovalRecord | undefined,
): Promise<void> {
  if (key.mode !== 'full') throw new KeyrungError('forbidden')
  if (record && record.environment !== key.environment) throw new KeyrungError('forbidden')
  const caller = callerOf(context, key, { secretId, address: null })
  const layers = await createAuthorizer(context.rights).layersOf(caller)
  const decision = evaluate(demandOfApproval(context, record?.permissions ?? ''), layers)
  if (decision.effect === 'deny') throw new KeyrungError('forbidden')
}

/**
 * Refuses the asking side: a key of the same hand and, where four eyes are wanted, every user who stands behind that hand.
 *
 * @throws KeyrungError `own_request`
 */
export async function demandOther(
  context: ServiceContext,
  { actor, hand }: Decider,
  record: ApprovalRecord,
): Promise<void> {
  if (!(await isOther(context, formatActor(actor), hand, record))) throw new KeyrungError('own_request')
}

/**
 * Says whether somebody counts as another than the asking side, by who stands behind both.
 *
 * @param actor as `type:id`
 */
export async function isOther(
  context: ServiceContext,
  actor: string,
  hand: Hand,
  record: ApprovalRecord,
): Promise<boolean> {
  if (actor.startsWith('system:')) return true
  if (actor.startsWith('user:') && !context.approvalSettings.fourEyes) return true
  return !isAkin(hand, await askersHand(context, record))
}
