import { composeStep } from '../approvals/step.js'
import { keyrungOf, purgeAfter } from '../approvals/upkeep.js'
import type { DefinedOperation } from '../operations/definition.js'
import { readInput } from '../operations/precondition.js'
import type { Claimed } from './claim.js'
import { keepResult } from './conclude.js'
import type { ExecutionNeeds } from './needs.js'
import { judgeThrown, keepJson, toJson } from './perform.js'
import { inTransaction } from './transaction.js'
import type { Verdict } from './verdict.js'

/**
 * Runs a named operation in the store's own transaction together with its end, so that neither is there without the
 * other. Its result is kept by a commit of its own: a crash in between costs only that.
 *
 * @returns null where it is over: its end is written, or it was another's
 * @throws KeyrungError `store_unavailable` where nobody knows whether it was committed: the approval itself says so
 */
export async function performTransaction(
  { context }: ExecutionNeeds,
  { record, caller, content }: Claimed,
  { run }: DefinedOperation,
  { signal, abandon }: { readonly signal: AbortSignal; abandon(): void },
): Promise<Verdict | null> {
  const { store } = context
  const { runMs, maxResultBytes } = context.approvalSettings
  const at = await store.now()
  const end = (await composeStep(
    context,
    record,
    {
      ...{ edge: 'succeed', at, outcome: 'done', fence: record.fence, resultStatus: null },
      purgeAt: purgeAfter(context, at),
    },
    { actor: keyrungOf(record) },
  ))!
  const changes = [...end.parts.approval, ...end.parts.rest]
  const call = { principal: caller.principal, approvalId: record.id, signal }
  const made = await inTransaction(context, changes, runMs, (transaction) =>
    run(readInput(content.input!), { ...call, transaction }),
  )
  if (made.ok) {
    const kept = await keepResult(context, record, keepJson(toJson(made.value), maxResultBytes))
    await store.commit(kept)
    context.moves.moved(record.id)
    return null
  }
  if (made.why === 'lost') return null
  abandon()
  if (made.why === 'thrown') return judgeThrown(made.error, 'transactional', maxResultBytes)
  const outcome = made.why === 'late' ? 'no_answer' : 'handler_failed'
  return { end: made.why === 'late' ? 'again' : 'lose', outcome, resultStatus: null, result: null }
}
