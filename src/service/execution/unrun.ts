import type { ApprovalStep } from '../../core/approval-edges.js'
import type { ApprovalOutcome, ApprovalRecord } from '../../core/approval.js'
import { takeStep } from '../approvals/step.js'
import { keyrungOf, purgeAfter } from '../approvals/upkeep.js'
import type { ServiceContext } from '../context.js'

/** Outcomes that tell of what was to run, or of what it was to run on; all others tell of somebody's rights. */
const outdated: ReadonlySet<ApprovalOutcome> = new Set([
  'precondition_failed',
  'route_changed',
  'operation_changed',
  'digest_mismatch',
  'content_lost',
])

/**
 * Ends an approval that may not run, or not again; where it was changed meanwhile, it comes up again as it is then.
 *
 * @throws KeyrungError `store_unavailable`
 */
export async function endUnrun(
  context: ServiceContext,
  record: ApprovalRecord,
  outcome: ApprovalOutcome,
): Promise<null> {
  const at = await context.store.now()
  await takeStep(context, record, stepOf(record, outcome, at, purgeAfter(context, at)), {
    actor: keyrungOf(record),
  })
  return null
}

function stepOf(record: ApprovalRecord, outcome: ApprovalOutcome, at: number, purgeAt: number): ApprovalStep {
  const { status, effect, fence } = record
  if (status === 'executing') {
    // A run that was begun may have done what it was to do; only a transaction that was not committed has not.
    return effect === 'transactional'
      ? { edge: 'outdate', at, outcome, fence, purgeAt }
      : { edge: 'lose', at, outcome: 'lease_lost', fence, resultStatus: null }
  }
  return outdated.has(outcome)
    ? { edge: 'outdate', at, outcome, fence, purgeAt }
    : { edge: 'cancel', at, by: null, outcome, reason: null, purgeAt }
}
