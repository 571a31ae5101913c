import type { Actor } from '../../core/actor.js'
import type { ApprovalRecord } from '../../core/approval.js'
import { earliestId } from '../../core/id.js'
import type { KeyRecord } from '../../core/key.js'
import type { ServiceContext } from '../context.js'
import type { Job } from '../job.js'
import { takeStep } from './step.js'
import type { StepResult } from './step.js'

const dayMs = 86_400_000

/** The most approvals that one step of a job looks at. */
export const upkeepBatch = 100

/** The library itself, where it does what nobody asked for in that moment. */
export function keyrungOf({ workspaceId }: Pick<ApprovalRecord, 'workspaceId'>): Actor {
  return { type: 'system', name: 'keyrung', workspaceId }
}

/** When what is kept of an approval that ends now is to be purged, in milliseconds since 1970. */
export function purgeAfter(
  { approvalSettings }: Pick<ServiceContext, 'approvalSettings'>,
  at: number,
): number {
  return at + approvalSettings.retentionDays * dayMs
}

/** The job that ends what nobody has decided in time. Until it comes by, nobody can approve what is over either. */
export function expiryJob(context: ServiceContext): Job {
  return {
    name: 'expiry of approvals',
    idleMs: 5_000,
    async step() {
      const { store } = context
      const at = await store.now()
      const due = await store.listDueApprovals({ lane: 'pending', now: at, limit: upkeepBatch })
      let expired = 0
      // Where it is not made, somebody else was quicker, or it is not for this instance to understand.
      for (const record of due) if ((await expire(context, record, at)).ok) expired++
      return { expired, left: expired > 0 && due.length === upkeepBatch ? 'more' : 'nothing' }
    },
  }
}

/** How many overdue approvals of a key make room at once. */
const mostForRoom = 10

/**
 * Ends what a key has waiting that nobody has decided in time, so that it makes room without the job; says whether any of
 * it did. Ids begin with the time, so that it is one short look, however much waits.
 */
export async function expireOf(
  context: ServiceContext,
  { id: keyId, workspaceId }: Pick<KeyRecord, 'id' | 'workspaceId'>,
): Promise<boolean> {
  const { store, approvalSettings } = context
  const at = await store.now()
  const queuedUntil = at - approvalSettings.expiresMs
  if (queuedUntil < 0) return false
  const old = await store.listApprovals({
    ...{ workspaceId, keyId, status: 'pending', limit: mostForRoom },
    before: earliestId('apr', queuedUntil + 1),
  })
  let hasRoom = false
  for (const record of old) {
    if (record.keyId !== keyId || at < record.expiresAt) continue
    const taken = await expire(context, record, at)
    // Whoever was quicker has made room too.
    hasRoom ||= taken.ok || taken.why === 'lost'
  }
  return hasRoom
}

function expire(context: ServiceContext, record: ApprovalRecord, at: number): Promise<StepResult> {
  const step = { edge: 'expire', at, purgeAt: purgeAfter(context, at) } as const
  return takeStep(context, record, step, { actor: keyrungOf(record) })
}
