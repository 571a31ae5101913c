import type { ApprovalRecord } from '../../core/approval.js'
import type { DefinedOperation } from '../operations/definition.js'
import type { StoredRequest } from '../replay.js'
import { claim } from './claim.js'
import type { Claimed } from './claim.js'
import { conclude } from './conclude.js'
import { holdLease } from './hold.js'
import type { Hold } from './hold.js'
import type { ExecutionNeeds } from './needs.js'
import { performNamed, performReplay } from './perform.js'
import { performTransaction } from './perform-transaction.js'
import type { Verdict } from './verdict.js'

/** Runs that can be given up from outside, as their instance ends. */
export type Abandonable = Pick<Hold, 'abandon'>

/**
 * Runs an approved operation: claim → perform → conclude. Whatever happens in between, the lease ends and the approval
 * is found again.
 *
 * @param underWay the runs that were begun and have not ended
 * @throws KeyrungError where it could not be decided whether it may run, or its end could not be written
 */
export async function runOnce(
  needs: ExecutionNeeds,
  record: ApprovalRecord,
  underWay: Set<Abandonable>,
): Promise<void> {
  const claimed = await claim(needs, record)
  if (claimed === null) return
  const { context } = needs
  const { runner } = claimed
  if (claimed.record.effect === 'transactional' && runner.kind === 'named') {
    return runTransaction(needs, claimed, runner.operation, underWay)
  }
  const hold = holdLease(context, claimed.record, claimed.sentAt)
  underWay.add(hold)
  try {
    // A claim that took long to be answered leaves too little of its lease to begin under.
    const isFresh = context.clock.monotonic() - claimed.sentAt < context.approvalSettings.leaseMs / 2
    if (!isFresh && !(await hold.extend())) return
    const verdict = await perform(needs, claimed, hold)
    await hold.stop()
    await conclude(context, hold.record, verdict)
  } finally {
    await hold.stop()
    underWay.delete(hold)
  }
}

function perform(needs: ExecutionNeeds, claimed: Claimed, hold: Hold): Promise<Verdict> {
  const { runner, content, record } = claimed
  return runner.kind === 'named'
    ? performNamed(needs, claimed, content.input!, runner.operation, hold)
    : performReplay(needs, claimed, withRunKey(content.request!, record), runner.dispatcher, hold)
}

/** What may be repeated is repeated under one key, the approval's id, so that a handler can tell. */
function withRunKey(request: StoredRequest, { effect, id }: ApprovalRecord): StoredRequest {
  if (effect !== 'idempotent') return request
  const headers = request.headers.filter(([name]) => name !== 'idempotency-key')
  return { ...request, headers: [...headers, ['idempotency-key', id]] }
}

async function runTransaction(
  needs: ExecutionNeeds,
  claimed: Claimed,
  operation: DefinedOperation,
  underWay: Set<Abandonable>,
): Promise<void> {
  // The transaction itself keeps everybody else away: there is nothing to renew.
  const run = new AbortController()
  const handle = { signal: run.signal, abandon: () => run.abort() }
  underWay.add(handle)
  try {
    const verdict = await performTransaction(needs, claimed, operation, handle)
    if (verdict !== null) await conclude(needs.context, claimed.record, verdict)
  } finally {
    underWay.delete(handle)
  }
}
