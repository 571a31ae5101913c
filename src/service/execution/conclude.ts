import type { ApprovalStep } from '../../core/approval-edges.js'
import type { ApprovalRecord } from '../../core/approval.js'
import type { Change } from '../../ports/change.js'
import { demandSealer } from '../approval-settings.js'
import { sealResult } from '../approvals/content.js'
import { takeStep } from '../approvals/step.js'
import { keyrungOf, purgeAfter } from '../approvals/upkeep.js'
import { backOff } from '../back-off.js'
import type { ServiceContext } from '../context.js'
import { isHeld } from './hold.js'
import { mostRuns } from './verdict.js'
import type { RunResult, Verdict } from './verdict.js'

/** How often an end is written over what changes meanwhile; each time something else has to have won. */
const mostTries = 20

/** The first wait before an end is tried again that the store did not take, in milliseconds; it doubles. */
const firstWaitMs = 100

/**
 * Writes how a run ended, under its fence: who has lost it by now writes nothing. A store that does not take it is asked
 * again for as long as a lease lasts; after that the run counts as crashed.
 *
 * @throws KeyrungError `store_unavailable`
 */
export async function conclude(
  context: ServiceContext,
  held: ApprovalRecord,
  verdict: Verdict,
): Promise<void> {
  const { clock, approvalSettings } = context
  const deadline = clock.monotonic() + approvalSettings.leaseMs
  for (let waitMs = firstWaitMs; ; waitMs *= 2) {
    try {
      return await writeEnd(context, held, verdict)
    } catch (error) {
      if (clock.monotonic() + waitMs >= deadline) throw error
      await clock.sleep(waitMs)
    }
  }
}

async function writeEnd(context: ServiceContext, held: ApprovalRecord, verdict: Verdict): Promise<void> {
  let record: ApprovalRecord | undefined = held
  for (let tries = 0; tries < mostTries; tries++) {
    if (record === undefined || !isHeld(record, held.fence)) return
    const beside =
      'result' in verdict && verdict.result ? await keepResult(context, record, verdict.result) : []
    const end = stepOf(context, record, verdict, await context.store.now())
    const taken = await takeStep(context, record, end, { actor: keyrungOf(record), beside })
    if (taken.ok) return
    // It was written already, is another's by now, or was purged: the store says which.
    record = await context.store.findApproval(held.workspaceId, held.id)
  }
}

function stepOf(context: ServiceContext, record: ApprovalRecord, verdict: Verdict, at: number): ApprovalStep {
  const { fence, effect } = record
  const purgeAt = purgeAfter(context, at)
  if (verdict.end === 'outdate') return { edge: 'outdate', at, outcome: verdict.outcome, fence, purgeAt }
  const { outcome, resultStatus } = verdict
  const ended = { at, outcome, fence, resultStatus }
  if (verdict.end === 'succeed' || verdict.end === 'fail') return { edge: verdict.end, ...ended, purgeAt }
  if (verdict.end === 'again') {
    // The lease becomes the wait: at its end the approval is claimed anew, here or elsewhere.
    if (fence < mostRuns) return { edge: 'renew', fence, leaseEndsAt: at + backOff(fence, context.entropy) }
    // A transaction that was undone has done nothing.
    if (effect === 'transactional') return { edge: 'fail', ...ended, purgeAt }
  }
  return { edge: 'lose', ...ended }
}

/** The change that keeps what a run answered; none where the content is gone. */
export async function keepResult(
  context: ServiceContext,
  { workspaceId, id }: ApprovalRecord,
  result: RunResult,
): Promise<readonly Change[]> {
  const content = await context.store.findApprovalContent(workspaceId, id)
  if (content === undefined) return []
  const sealed = await sealResult(demandSealer(context), { id, workspaceId }, result)
  return [
    {
      do: 'update',
      type: 'approvalContent',
      id,
      expectVersion: content.version,
      set: { result: sealed },
    },
  ]
}
