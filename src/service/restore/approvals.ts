import type { Actor } from '../../core/actor.js'
import type { ApprovalStep } from '../../core/approval-edges.js'
import { hasEnded } from '../../core/approval.js'
import type { ApprovalLane, ApprovalOutcome, ApprovalRecord, ApprovalStatus } from '../../core/approval.js'
import { eventRecord } from '../../core/audit.js'
import type { AuditEvent } from '../../core/audit.js'
import { KeyrungError } from '../../core/errors.js'
import { latestInstant } from '../../core/time.js'
import { isLastPage } from '../../ports/unread.js'
import type { Change } from '../../ports/change.js'
import { readApproval } from '../approvals/found.js'
import { takeStep } from '../approvals/step.js'
import { purgeAfter, upkeepBatch } from '../approvals/upkeep.js'
import type { ServiceContext } from '../context.js'

/** An event of an approval. */
export type ApprovalEvent = Extract<AuditEvent, { readonly target: { readonly type: 'approval' } }>

/** What became of an approval: `kept`: it stands where it stood. */
export type ApprovalResult = 'ended' | 'unknown' | 'lost' | 'kept'

/** How often a step is tried again that another writer has spoiled: nobody else should be writing. */
const mostTries = 5

function restorerOf(workspaceId: string): Actor {
  return { type: 'system', name: 'restore', workspaceId }
}

/**
 * Puts an approval where its forgotten events have brought it: to its end where they tell one, else, once it was approved,
 * before a human.
 *
 * @param events those of one approval, oldest first
 * @throws KeyrungError `store_unavailable`; `conflict` where others are writing
 */
export async function redoApproval(
  context: ServiceContext,
  events: readonly ApprovalEvent[],
): Promise<ApprovalResult> {
  const last = events.at(-1)!
  const told = events.map((event): Change => ({ do: 'insert', type: 'event', record: eventRecord(event) }))
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const record = await readApproval(context, last.workspaceId, last.target.id)
    const step = record && planRedo(context, record, last, await context.store.now())
    if (record && step) {
      const taken = await takeStep(context, record, step, {
        actor: restorerOf(record.workspaceId),
        beside: told,
      })
      if (taken.ok) return step.edge === 'recover' ? 'ended' : 'unknown'
    } else if ((await context.store.commit(told)).ok) return record ? 'kept' : 'lost'
  }
  throw new KeyrungError('conflict')
}

function planRedo(
  context: ServiceContext,
  record: ApprovalRecord,
  { at, actor: by, reason, after }: ApprovalEvent,
  now: number,
): ApprovalStep | null {
  const as = after?.status as ApprovalStatus | undefined
  if (as === undefined || as === 'pending' || hasEnded(record.status)) return null
  // What a transaction did is gone with the store's own commits: that it once ended says nothing of now.
  const isUndone = record.effect === 'transactional' && as === 'succeeded'
  if (hasEnded(as) && !isUndone) {
    const outcome = after?.outcome as ApprovalOutcome | null
    return { edge: 'recover', at, as, by, outcome, reason, purgeAt: purgeAfter(context, now) }
  }
  return record.status === 'unknown' ? null : { edge: 'forget', at: now }
}

/**
 * Has a human look at all that was approved or running at the restored moment: nobody knows whether it has run since.
 *
 * @returns how many
 * @throws KeyrungError `store_unavailable`; `conflict` where others are writing
 */
export async function forgetRuns(
  context: ServiceContext,
  apps: Iterable<string>,
  workspaces: Iterable<string>,
): Promise<number> {
  const { store } = context
  let forgotten = 0
  const lanes: readonly ApprovalLane[] = ['named', ...[...apps].map((name) => `app:${name}` as const)]
  for (const lane of lanes) {
    let after: { readonly dueAt: number; readonly id: string } | undefined
    for (;;) {
      const request = { lane, now: latestInstant, limit: upkeepBatch, ...(after && { after }) }
      const page = await store.listDueApprovals(request)
      for (const record of page) if (await forget(context, record)) forgotten++
      const last = page.at(-1)
      if (last === undefined || isLastPage(page, upkeepBatch)) break
      after = { dueAt: last.dueAt!, id: last.id }
    }
  }
  for (const workspaceId of workspaces) {
    for (const status of ['approved', 'executing'] as const) {
      let before: string | undefined
      for (;;) {
        const request = { workspaceId, status, limit: upkeepBatch, ...(before && { before }) }
        const page = await store.listApprovals(request)
        for (const record of page) if (await forget(context, record)) forgotten++
        if (isLastPage(page, upkeepBatch)) break
        before = page.at(-1)!.id
      }
    }
  }
  return forgotten
}

async function forget(context: ServiceContext, found: ApprovalRecord): Promise<boolean> {
  let record: ApprovalRecord | undefined = found
  for (let attempt = 0; attempt < mostTries; attempt++) {
    if (record?.status !== 'approved' && record?.status !== 'executing') return false
    const step = { edge: 'forget', at: await context.store.now() } as const
    const taken = await takeStep(context, record, step, { actor: restorerOf(record.workspaceId) })
    if (taken.ok) return true
    record = await readApproval(context, found.workspaceId, found.id)
  }
  throw new KeyrungError('conflict')
}
