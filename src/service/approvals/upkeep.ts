import type { Actor } from '../../core/actor.js'
import type { ApprovalRecord } from '../../core/approval.js'
import type { ServiceContext } from '../context.js'
import type { Job } from '../job.js'
import { takeStep } from './step.js'

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
      const { store, clock } = context
      const at = clock.now()
      const due = await store.listDueApprovals({ lane: 'pending', now: at, limit: upkeepBatch })
      let expired = 0
      for (const record of due) {
        const step = { edge: 'expire', at, purgeAt: purgeAfter(context, at) } as const
        const taken = await takeStep(context, record, step, { actor: keyrungOf(record) })
        // Somebody else was quicker, or it is not for this instance to understand.
        if (taken.ok) expired++
      }
      return { expired, left: expired > 0 && due.length === upkeepBatch ? 'more' : 'nothing' }
    },
  }
}
