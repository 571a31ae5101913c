import type { ApprovalRecord } from '../../core/approval.js'
import { KeyrungError } from '../../core/errors.js'
import { isId } from '../../core/id.js'
import type { ServiceContext } from '../context.js'

/**
 * Reads an approval of a workspace; `undefined` for any id that is none of its own.
 *
 * @throws KeyrungError `store_unavailable`, also for an answer that was not asked for
 */
export async function readApproval(
  { store }: Pick<ServiceContext, 'store'>,
  workspaceId: string,
  id: unknown,
): Promise<ApprovalRecord | undefined> {
  if (!isId('apr', id)) return undefined
  const record = await store.findApproval(workspaceId, id)
  if (record && (record.id !== id || record.workspaceId !== workspaceId)) throw strayRecord()
  return record
}

/** The error for a store that answers with what was not asked for. */
export function strayRecord(): KeyrungError {
  return new KeyrungError('store_unavailable', {
    internal: 'the store answered with an approval that was not asked for',
  })
}

/** How far a first pause between two looks goes, and the longest, in milliseconds. */
const firstPauseMs = 25
const longestPauseMs = 1_000

/** How long a call may wait. */
export interface Patience {
  /** In milliseconds. */
  readonly waitMs: number
  /** Ends the wait when it is aborted: nobody is there any more for whom it would be worth it. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Waits until an approval is as it is wanted, as long as there is patience, and answers it as it is last known.
 *
 * It is woken by what this process does, and asks the store for what others did.
 */
export async function awaitApproval(
  context: Pick<ServiceContext, 'store' | 'clock' | 'moves'>,
  record: ApprovalRecord,
  isWanted: (record: ApprovalRecord) => boolean,
  { waitMs, signal }: Patience,
): Promise<ApprovalRecord> {
  const { clock, moves } = context
  const deadline = clock.monotonic() + waitMs
  let known = record
  for (let pause = firstPauseMs; !isWanted(known); pause = Math.min(2 * pause, longestPauseMs)) {
    const left = deadline - clock.monotonic()
    if (left <= 0 || signal?.aborted) break
    await moves.wait(known.id, Math.min(pause, left), signal)
    if (signal?.aborted) break
    const next = await readApproval(context, known.workspaceId, known.id)
    if (!next) throw new KeyrungError('not_found')
    known = next
  }
  return known
}
