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

/** How long a call may wait. */
export interface Patience {
  /** In milliseconds. */
  readonly waitMs: number
  /** Ends the wait when it is aborted: nobody is there any more for whom it would be worth it. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Waits until an approval is as it is wanted, as long as there is patience, and answers it as it is last known. Where too
 * many wait already, it is answered at once.
 *
 * It is woken by what this process does, and asks the store for what others did, once for all who wait for the same.
 *
 * @param keyId the key whose call it is; null: it is no key's
 */
export async function awaitApproval(
  context: Pick<ServiceContext, 'store' | 'clock' | 'moves'>,
  record: ApprovalRecord,
  isWanted: (record: ApprovalRecord) => boolean,
  { waitMs, signal }: Patience,
  keyId: string | null,
): Promise<ApprovalRecord> {
  if (isWanted(record) || waitMs <= 0 || signal?.aborted) return record
  const seat = context.moves.join(record.id, keyId, () => lookAgain(context, record))
  if (seat === null) return record
  let giveUp!: () => void
  const over = new Promise<null>((resolve) => (giveUp = () => resolve(null)))
  const stop = context.clock.after(waitMs, giveUp)
  signal?.addEventListener('abort', giveUp)
  try {
    let known = record
    while (!isWanted(known)) {
      const next = await Promise.race([seat.next(), over])
      if (next === null) break
      known = next
    }
    return known
  } finally {
    seat.leave()
    stop()
    signal?.removeEventListener('abort', giveUp)
  }
}

async function lookAgain(
  context: Pick<ServiceContext, 'store'>,
  { workspaceId, id }: ApprovalRecord,
): Promise<ApprovalRecord> {
  const next = await readApproval(context, workspaceId, id)
  if (!next) throw new KeyrungError('not_found')
  return next
}
