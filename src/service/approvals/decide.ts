import { formatActor } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import type { ApprovalOutcome, ApprovalRecord } from '../../core/approval.js'
import { KeyrungError } from '../../core/errors.js'
import type { Change } from '../../ports/change.js'
import type { ApprovalVerb } from '../approval-settings.js'
import type { ServiceContext } from '../context.js'
import { mostAttempts, neverCommitted } from '../keys/commit.js'
import { digestAsked } from './content.js'
import type { AskedContent } from './content.js'
import { admitDecider, demandOther, findForDecider } from './deciders.js'
import type { Decider, FoundApproval } from './deciders.js'
import { openContent, toDetail } from './detail.js'
import { awaitApproval, readApproval } from './found.js'
import type { Patience } from './found.js'
import * as inputs from './input.js'
import { keyrungOf, purgeAfter } from './upkeep.js'
import { recheckAsker } from './recheck.js'
import type { Runner } from './runner.js'
import { takeStep } from './step.js'
import type { StepResult } from './step.js'
import { toApprovalView } from './view.js'
import type { ApprovalDetail, ApprovalView } from './view.js'
import { demandVoice, voteChange } from './voters.js'

/**
 * Approves what was shown, by its digest, after a look at all that it hangs on; where it was the last vote that was
 * missing, it is run, and its end is waited for.
 */
export async function approve(
  context: ServiceContext,
  runner: Runner,
  given: Actor,
  id: unknown,
  input: unknown,
  options: unknown,
): Promise<ApprovalDetail> {
  const found = await findForDecider(context, given, 'approve', id)
  const { digest, reason } = inputs.readApproval(context, input)
  const { origin, ...patience } = inputs.readWaitOptions(context, options)
  const record = await untilTaken(context, given, 'approve', found, async ({ record, decider }) => {
    await demandPending(context, record)
    await demandOther(context, decider, record)
    await demandVoice(context, decider, record)
    const asked = await openConfirmed(context, record, digest)
    const checks = await demandStanding(context, runner, record, asked)
    const at = await context.store.now()
    const edge = record.votes + 1 >= record.quorum ? 'approve' : 'vote'
    const by = formatActor(decider.actor)
    const vote = voteChange(record, decider, { at, reason })
    return takeStep(
      context,
      record,
      { edge, at, by, reason },
      { actor: decider.actor, origin, beside: [vote, ...decider.checks, ...checks] },
    )
  })
  return finish(context, runner, record, patience, found.decider)
}

/** Rejects, with a reason that whoever asked is told. */
export async function reject(
  context: ServiceContext,
  given: Actor,
  id: unknown,
  input: unknown,
  options: unknown,
): Promise<ApprovalView> {
  const found = await findForDecider(context, given, 'reject', id)
  const { reason } = inputs.readRejection(context, input)
  const { origin } = inputs.readChangeOptions(context, options)
  const record = await untilTaken(context, given, 'reject', found, async ({ record, decider }) => {
    await demandPending(context, record)
    await demandOther(context, decider, record)
    const at = await context.store.now()
    const by = formatActor(decider.actor)
    return takeStep(
      context,
      record,
      { edge: 'reject', at, by, reason, purgeAt: purgeAfter(context, at) },
      { actor: decider.actor, origin, beside: decider.checks },
    )
  })
  return toApprovalView(record)
}

/**
 * Settles a run of which nobody knows how it ended. To have it run again takes as many as to approve it; where it is run,
 * its end is waited for.
 */
export async function resolve(
  context: ServiceContext,
  runner: Runner,
  given: Actor,
  id: unknown,
  input: unknown,
  options: unknown,
): Promise<ApprovalDetail> {
  const found = await findForDecider(context, given, 'resolve', id)
  const { as, reason } = inputs.readResolution(context, input)
  const { origin, ...patience } = inputs.readWaitOptions(context, options)
  const record = await untilTaken(context, given, 'resolve', found, async ({ record, decider }) => {
    if (record.status !== 'unknown') throw new KeyrungError('not_unknown')
    await demandOther(context, decider, record)
    const at = await context.store.now()
    const by = formatActor(decider.actor)
    const beside = [...decider.checks]
    let isAgreed = true
    if (as === 'again') {
      isAgreed = (await demandVoice(context, decider, record)) + 1 >= record.quorum
      beside.push(voteChange(record, decider, { at, reason }))
    }
    const decided = { at, by, reason }
    return takeStep(
      context,
      record,
      isAgreed
        ? { edge: 'resolve', ...decided, as, purgeAt: purgeAfter(context, at) }
        : { edge: 'vote-again', ...decided },
      { actor: decider.actor, origin, beside },
    )
  })
  return finish(context, runner, record, patience, found.decider)
}

/** Takes a step, looking at the approval and at who decides anew each time that another was faster. */
async function untilTaken(
  context: ServiceContext,
  given: Actor,
  verb: ApprovalVerb,
  found: FoundApproval,
  take: (now: FoundApproval) => Promise<StepResult>,
): Promise<ApprovalRecord> {
  let now = found
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const step = await take(now)
    if (step.ok) return step.record
    const record = await readAgain(context, now.record)
    now = { record, decider: await admitDecider(context, given, verb, record) }
  }
  throw neverCommitted()
}

async function demandPending({ store }: ServiceContext, record: ApprovalRecord): Promise<void> {
  const isOpen = record.status === 'pending' && (await store.now()) < record.expiresAt
  if (!isOpen) throw new KeyrungError('not_pending')
}

/** What was asked for, which has to be what was looked at, and what its record says it is. */
async function openConfirmed(
  context: ServiceContext,
  record: ApprovalRecord,
  digest: string,
): Promise<AskedContent> {
  const { asked } = await openContent(context, record)
  const isShown = asked !== null && digest === record.digest && digestAsked(record, asked) === digest
  if (!isShown) throw new KeyrungError('digest_mismatch')
  return asked
}

/** Why an approval cannot be given for the moment, which the host or the plan may change again. */
const passing = { not_entitled: 'not_entitled', owner_insufficient: 'owner_insufficient' } as const

/**
 * Looks at all that the run will hang on, and ends what can never run; answers what has to hold still in the commit.
 *
 * @throws KeyrungError `not_entitled`, `owner_insufficient`, `not_pending`
 */
async function demandStanding(
  context: ServiceContext,
  runner: Runner,
  record: ApprovalRecord,
  asked: AskedContent,
): Promise<readonly Change[]> {
  const asker = await recheckAsker(context, record)
  if (asker.ok) {
    const hasMoved = await runner.hasMoved(record, asked, asker.caller.principal)
    if (!hasMoved) return asker.checks
  }
  const outcome = asker.ok ? 'precondition_failed' : asker.outcome
  if (outcome in passing) throw new KeyrungError(passing[outcome as keyof typeof passing])
  await endLost(context, record, outcome)
  throw new KeyrungError('not_pending', {
    message: `This approval is no longer waiting for a decision: ${lostTexts[outcome] ?? lostTexts.key_changed}.`,
  })
}

const lostTexts: Partial<Record<ApprovalOutcome, string>> & { readonly key_changed: string } = {
  key_revoked: 'the key that asked was revoked',
  key_deleted: 'the key that asked was deleted',
  key_expired: 'the key that asked has expired',
  secret_rotated: 'the secret that it was asked with has ended',
  key_changed: 'the key that asked was changed',
  insufficient: 'the key that asked may no longer do this',
  precondition_failed: 'what it is about has changed since',
}

/** Whoever moves it first, it is not approved. */
async function endLost(
  context: ServiceContext,
  record: ApprovalRecord,
  outcome: ApprovalOutcome,
): Promise<void> {
  const at = await context.store.now()
  const ended = { at, outcome, purgeAt: purgeAfter(context, at) }
  // Here the target has changed, else whoever asked.
  const step =
    outcome === 'precondition_failed'
      ? ({ edge: 'outdate', ...ended, fence: record.fence } as const)
      : ({ edge: 'cancel', ...ended, by: null, reason: null } as const)
  await takeStep(context, record, step, { actor: keyrungOf(record) })
}

/** Has it run where it is to run, and waits for that as long as it is wanted. */
async function finish(
  context: ServiceContext,
  runner: Runner,
  record: ApprovalRecord,
  patience: Patience,
  { actor }: Decider,
): Promise<ApprovalDetail> {
  const keyId = actor.type === 'principal' ? actor.principal.keyId : null
  let known = record
  if (record.status === 'approved') {
    // What cannot be run here and now is run by whoever finds it due.
    const running = runner.wake(record.id, record.workspaceId).catch(() => undefined)
    const isOver = ({ status }: ApprovalRecord): boolean => status !== 'approved' && status !== 'executing'
    void running
    known = await awaitApproval(context, record, isOver, patience, keyId)
  }
  return toDetail(context, known, 'decider')
}

async function readAgain(context: ServiceContext, record: ApprovalRecord): Promise<ApprovalRecord> {
  const next = await readApproval(context, record.workspaceId, record.id)
  if (!next) throw new KeyrungError('not_found')
  return next
}
