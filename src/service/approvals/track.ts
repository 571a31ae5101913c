import { formatActor } from '../../core/actor.js'
import type { PrincipalActor } from '../../core/actor.js'
import { hasEnded } from '../../core/approval.js'
import type { ApprovalRecord } from '../../core/approval.js'
import { KeyrungError } from '../../core/errors.js'
import { evaluate } from '../../core/evaluate.js'
import { compileGrant } from '../../core/grant.js'
import type { Principal } from '../../core/principal.js'
import type { ServiceContext } from '../context.js'
import { findInForce } from '../credential-status.js'
import { mostAttempts, neverCommitted } from '../keys/commit.js'
import { parseActor } from '../management.js'
import { demandOfApproval } from './caller.js'
import { toDetail } from './detail.js'
import { awaitApproval, readApproval } from './found.js'
import { readChangeOptions, readTracking } from './input.js'
import { takeStep } from './step.js'
import { purgeAfter } from './upkeep.js'
import { readChain, toApprovalView } from './view.js'
import type { ApprovalDetail, ApprovalView } from './view.js'

/**
 * Shows a caller what became of its own approval, or waits until it moves on. Nothing is masked: it sent the request, and
 * the answer is meant for it.
 */
export async function trackApproval(
  context: ServiceContext,
  given: Principal,
  id: unknown,
  options: unknown,
): Promise<ApprovalDetail> {
  const found = await findOwn(context, given, id)
  const patience = readTracking(options)
  const { status } = found.record
  const hasMoved = (record: ApprovalRecord): boolean => record.status !== status || hasEnded(status)
  const record = await awaitApproval(context, found.record, hasMoved, patience, found.record.keyId)
  return toDetail(context, record, 'caller')
}

/** Takes back what a caller has asked for, until it runs. */
export async function cancelApproval(
  context: ServiceContext,
  given: Principal,
  id: unknown,
  options: unknown,
): Promise<ApprovalView> {
  const { actor, record: first } = await findOwn(context, given, id)
  const { origin } = readChangeOptions(context, options)
  let record = first
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const at = await context.store.now()
    const step = await takeStep(
      context,
      record,
      {
        ...{ edge: 'cancel', at, by: formatActor(actor), outcome: 'cancelled_by_caller', reason: null },
        purgeAt: purgeAfter(context, at),
      },
      { actor, origin },
    )
    if (step.ok) return toApprovalView(step.record)
    if (step.why === 'closed') throw new KeyrungError('not_pending')
    const next = await readApproval(context, record.workspaceId, record.id)
    if (!next) throw new KeyrungError('not_found')
    record = next
  }
  throw neverCommitted()
}

/** A key sees all that was asked with it and its tokens; a token what it, or one that was exchanged for it, could have. */
function couldHaveAsked(context: ServiceContext, principal: Principal, record: ApprovalRecord): boolean {
  if (principal.type !== 'token') return true
  const actors = readChain(record)
  if (actors === undefined) return false
  const since = actors.length - principal.chain.length
  if (since < 0 || principal.chain.some((name, i) => name !== actors[since + i])) return false
  const { levels } = compileGrant(context.catalog, principal.scopes.join(' '))
  return evaluate(demandOfApproval(context, record.permissions), { key: levels }).effect !== 'deny'
}

/** An approval that a key has asked for itself; anybody else's does not exist for it. */
async function findOwn(
  context: ServiceContext,
  given: Principal,
  id: unknown,
): Promise<{ readonly actor: PrincipalActor; readonly record: ApprovalRecord }> {
  const actor = parseActor({ type: 'principal', principal: given }) as PrincipalActor
  const { principal } = actor
  await findInForce(context, principal)
  const record = await readApproval(context, principal.workspaceId, id)
  if (record?.keyId !== principal.keyId || !couldHaveAsked(context, principal, record)) {
    throw new KeyrungError('not_found')
  }
  return { actor, record: record! }
}
