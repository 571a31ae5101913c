import type { ApprovalOutcome, ApprovalRecord } from '../../core/approval.js'
import { demandSealer } from '../approval-settings.js'
import { digestAsked, openRequest } from '../approvals/content.js'
import type { AskedContent } from '../approvals/content.js'
import { recheck } from '../approvals/recheck.js'
import { takeStep } from '../approvals/step.js'
import { keyrungOf, purgeAfter } from '../approvals/upkeep.js'
import type { Caller } from '../authenticate.js'
import type { DefinedOperation } from '../operations/definition.js'
import { hasMoved } from '../operations/precondition.js'
import type { Dispatcher } from '../replay.js'
import { endUnrun } from './unrun.js'
import type { ExecutionNeeds } from './needs.js'
import { mostRuns } from './verdict.js'

/** What runs it on this instance. */
export type Runner =
  | { readonly kind: 'replay'; readonly dispatcher: Dispatcher }
  | { readonly kind: 'named'; readonly operation: DefinedOperation }

/** An approval that this instance may run, until its lease is over. */
export interface Claimed {
  /** As it is after the claim. */
  readonly record: ApprovalRecord
  readonly content: AskedContent
  readonly caller: Caller
  readonly runner: Runner
  /** When the claim was sent, on the monotonic clock: the lease runs from there. */
  readonly sentAt: number
}

/** Says whether an approval waits to be run, and not for a human. */
export function isClaimable({ status, dueAt, effect }: ApprovalRecord, now: number): boolean {
  const isOpen = status === 'approved' || (status === 'executing' && effect !== 'unsafe')
  return isOpen && dueAt !== null && dueAt <= now
}

/** What runs an approval here; undefined where only other instances can. */
export function findRunner(
  needs: ExecutionNeeds,
  { kind, app, operation }: ApprovalRecord,
): Runner | undefined {
  if (kind === 'replay') {
    const dispatcher = needs.dispatchers.named(app)
    return dispatcher && { kind, dispatcher }
  }
  const found = needs.findOperation(operation)
  return found && { kind, operation: found }
}

/**
 * Takes an approval for this instance, after all it hangs on was looked at anew; what stands against it ends it, with
 * nothing run.
 *
 * @returns null where there is nothing to run here: it was ended, another was faster, or it is not its turn
 * @throws KeyrungError where it could not be decided; it then waits as it did
 */
export async function claim(needs: ExecutionNeeds, record: ApprovalRecord): Promise<Claimed | null> {
  const { context } = needs
  const { clock, store, approvalSettings } = context
  const runner = findRunner(needs, record)
  if (!isClaimable(record, await store.now()) || runner === undefined) return null
  if (record.status === 'executing' && record.fence >= mostRuns) return giveUp(needs, record)

  const found = await store.findApprovalContent(record.workspaceId, record.id)
  if (found === undefined) return endUnrun(context, record, 'content_lost')
  const content = await openRequest(demandSealer(context), record, found.request)
  if (digestAsked(record, content) !== record.digest) return endUnrun(context, record, 'digest_mismatch')
  if (!fits(record, content, runner)) return endUnrun(context, record, 'operation_changed')
  const standing = await recheck(context, record)
  if (!standing.ok) return endUnrun(context, record, standing.outcome)
  const moved = await findMove(needs, record, content, runner, standing.caller)
  if (moved !== null) return endUnrun(context, record, moved)

  const sentAt = clock.monotonic()
  const at = await store.now()
  const step = await takeStep(
    context,
    record,
    { edge: 'claim', at, leaseEndsAt: at + approvalSettings.leaseMs },
    { actor: keyrungOf(record), beside: standing.checks },
  )
  // Whoever changed something meanwhile has it looked at again: by then it is due still, or another's.
  return step.ok ? { record: step.record, content, caller: standing.caller, runner, sentAt } : null
}

/** What runs has to be of the kind that was shown, under the permissions and with the effect that it was approved with. */
function fits(record: ApprovalRecord, { request, input }: AskedContent, runner: Runner): boolean {
  if (runner.kind === 'replay') return request !== null
  const { demand, effect } = runner.operation
  return input !== null && effect === record.effect && demand.permissions.join(' ') === record.permissions
}

async function findMove(
  { context }: ExecutionNeeds,
  { id }: ApprovalRecord,
  content: AskedContent,
  runner: Runner,
  { principal }: Caller,
): Promise<ApprovalOutcome | null> {
  if (runner.kind === 'replay' || content.input === null) return null
  const { input, precondition } = content
  const isMoved = await hasMoved(context, runner.operation, {
    input,
    precondition,
    principal,
    approvalId: id,
  })
  return isMoved ? 'precondition_failed' : null
}

/** What has brought down one instance after another is not tried for ever. */
async function giveUp({ context }: ExecutionNeeds, record: ApprovalRecord): Promise<null> {
  const at = await context.store.now()
  const ended = { at, outcome: 'lease_lost', fence: record.fence, resultStatus: null } as const
  // A transaction that was not committed has done nothing.
  const step =
    record.effect === 'transactional'
      ? ({ edge: 'fail', ...ended, purgeAt: purgeAfter(context, at) } as const)
      : ({ edge: 'lose', ...ended } as const)
  await takeStep(context, record, step, { actor: keyrungOf(record) })
  return null
}
