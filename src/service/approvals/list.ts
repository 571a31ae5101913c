import { workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import type { ApprovalStatus } from '../../core/approval.js'
import { earliestId } from '../../core/id.js'
import { nextIdOf } from '../../ports/unread.js'
import type { ServiceContext } from '../context.js'
import { formatCursor } from '../cursor.js'
import { admitDecider } from './deciders.js'
import { strayRecord } from './found.js'
import { positionOf, readListing } from './input.js'
import { tellUnreadable } from '../unreadable.js'
import { readChain, toApprovalView } from './view.js'
import type { ApprovalView } from './view.js'

/** Which approvals to list, newest first. */
export interface ListApprovalsInput {
  readonly status?: ApprovalStatus | undefined
  readonly keyId?: string | undefined
  readonly resource?: string | undefined
  /** Only those that were queued before this instant, in milliseconds since 1970. */
  readonly createdBefore?: number | undefined
  readonly cursor?: string | undefined
  /** 1 to 200; 50 unless said otherwise. */
  readonly limit?: number | undefined
}

/** A page of approvals. */
export interface ApprovalPage {
  readonly approvals: readonly ApprovalView[]
  /** The cursor of the next page; null: this is the last. */
  readonly next: string | null
}

const usualLimit = 50

/** Lists the approvals of the actor's own workspace, newest first, a page at a time. */
export async function listApprovals(
  context: ServiceContext,
  given: Actor,
  input: unknown,
): Promise<ApprovalPage> {
  const { actor } = await admitDecider(context, given, 'list')
  const { cursor, limit = usualLimit, ...filters } = readListing(input)
  const { status, keyId, resource, createdBefore } = filters
  const workspaceId = workspaceOf(actor)
  // Ids begin with the time, so an instant is a place in the order, and any store finds it as it finds a cursor's.
  const instant = createdBefore === undefined ? undefined : earliestId('apr', createdBefore)
  const [before] = [positionOf(cursor), instant].filter((bound) => bound !== undefined).sort()
  const records = await context.store.listApprovals({
    workspaceId,
    ...(status && { status }),
    ...(keyId && { keyId }),
    ...(resource && { resource }),
    ...(before !== undefined && { before }),
    // One more than is shown tells whether there is another page.
    limit: limit + 1,
  })
  if (records.some((record) => record.workspaceId !== workspaceId)) throw strayRecord()
  const shown = records.slice(0, limit)
  for (const { id, chain } of shown) {
    if (readChain({ chain }) === undefined) tellUnreadable(context.notify, `the chain of ${id}`)
  }
  const next = nextIdOf(records, limit, (i) => records[i]!.id)
  return { approvals: shown.map(toApprovalView), next: next === null ? null : formatCursor([next]) }
}
