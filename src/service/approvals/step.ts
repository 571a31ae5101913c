import type { Actor } from '../../core/actor.js'
import { snapshotApproval } from '../../core/audit.js'
import type { ApprovalAction } from '../../core/audit.js'
import { planStep } from '../../core/approval-edges.js'
import type { ApprovalStep } from '../../core/approval-edges.js'
import { pendingCounter } from '../../core/approval.js'
import type { ApprovalRecord } from '../../core/approval.js'
import type { Change } from '../../ports/change.js'
import type { ChangeOrigin } from '../change-origin.js'
import type { ServiceContext } from '../context.js'
import { commitParts } from '../keys/commit.js'
import type { Loss } from '../keys/commit.js'
import { changeEvent } from '../outbox.js'
import { announce } from '../webhooks/announce.js'
import { openContent, showAsked } from './detail.js'
import type { RequestView } from './view.js'

/** Who takes a step, and what goes into the same commit. */
export interface StepNote {
  readonly actor: Actor
  readonly origin?: ChangeOrigin
  /** What has to hold, and is written, beside the approval itself, its event and its messages. */
  readonly beside?: readonly Change[]
}

/** What came of a step: the approval as it is now, or why it was not taken. */
export type StepResult =
  | { readonly ok: true; readonly record: ApprovalRecord }
  /** There is no such way from where the approval stands. */
  | { readonly ok: false; readonly why: 'closed' }
  | { readonly ok: false; readonly why: 'lost'; readonly loss: Loss<'beside' | 'approval' | 'rest'> }

/** What each step is told as; null: it is bookkeeping, and told to nobody. */
const actions: Readonly<Record<ApprovalStep['edge'], ApprovalAction | null>> = {
  vote: 'approval.voted',
  'vote-again': 'approval.voted',
  approve: 'approval.approved',
  reject: 'approval.rejected',
  expire: 'approval.expired',
  cancel: 'approval.cancelled',
  outdate: 'approval.stale',
  claim: 'approval.started',
  renew: null,
  succeed: 'approval.succeeded',
  fail: 'approval.failed',
  lose: 'approval.unknown',
  forget: 'approval.unknown',
  // The trail that tells it has its event.
  recover: null,
  resolve: 'approval.resolved',
}

export { pendingCounter }

/** A step as the parts of a commit, and the approval as it is once they are made. */
export interface ComposedStep {
  readonly record: ApprovalRecord
  readonly parts: Readonly<Record<'beside' | 'approval' | 'rest', readonly Change[]>>
}

/** Puts together what a step writes: over the version that was read, its audit event, its messages and what is counted. */
export async function composeStep(
  context: ServiceContext,
  record: ApprovalRecord,
  step: ApprovalStep,
  { actor, origin, beside = [] }: StepNote,
): Promise<ComposedStep | null> {
  const plan = planStep(record, step)
  if (plan === null) return null
  const after: ApprovalRecord = { ...record, ...plan.set, version: record.version + 1 }
  const approval: Change = {
    do: 'update',
    type: 'approval',
    id: record.id,
    expectVersion: record.version,
    set: plan.set,
    ...(plan.before !== undefined && { before: plan.before }),
  }
  const rest: Change[] = []
  if (record.status === 'pending' && after.status !== 'pending') {
    rest.push({ do: 'counter', name: pendingCounter(record.keyId), delta: -1, max: null })
  }
  const action = actions[step.edge]
  if (action !== null) {
    const at = 'at' in step ? step.at : await context.store.now()
    const made = {
      actor,
      action,
      target: { id: record.id, name: record.operation },
      ...(origin && { origin }),
    } as const
    const snapshots = { before: snapshotApproval(record), after: snapshotApproval(after) }
    rest.push(...changeEvent(context, { ...made, ...snapshots, reason: reasonOf(step) }, at))
    rest.push(...(await announce(context, after, action, at, () => tellAsked(context, after))))
  }
  return { record: after, parts: { beside, approval: [approval], rest } }
}

/** What was asked for, as a webhook may tell it; null where it is gone or was tampered with: the step is taken all the same. */
async function tellAsked(context: ServiceContext, record: ApprovalRecord): Promise<RequestView | null> {
  try {
    const { asked } = await openContent(context, record)
    return asked && showAsked(context, asked)
  } catch {
    return null
  }
}

/**
 * Takes a step: the write over the version that was read, its audit event, its messages and what is counted, in one
 * commit.
 *
 * @throws KeyrungError `store_unavailable`
 */
export async function takeStep(
  context: ServiceContext,
  record: ApprovalRecord,
  step: ApprovalStep,
  note: StepNote,
): Promise<StepResult> {
  const composed = await composeStep(context, record, step, note)
  if (composed === null) return { ok: false, why: 'closed' }
  const loss = await commitParts(context.store, composed.parts)
  if (loss !== null) return { ok: false, why: 'lost', loss }
  context.moves.moved(record.id)
  return { ok: true, record: composed.record }
}

function reasonOf(step: ApprovalStep): string | null {
  return 'reason' in step ? step.reason : null
}
