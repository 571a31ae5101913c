import type { ApprovalRecord } from '../../core/approval.js'
import { takeStep } from '../approvals/step.js'
import { keyrungOf } from '../approvals/upkeep.js'
import type { ServiceContext } from '../context.js'

/** A lease on an approval, kept up while it runs. */
export interface Hold {
  /** Aborted as the lease is lost, or the run is given up. */
  readonly signal: AbortSignal
  /** The approval as it was last written. */
  readonly record: ApprovalRecord
  /** Renews the lease at once, and says whether it is held. */
  extend(): Promise<boolean>
  /** Gives the run up, and the lease with it. */
  abandon(): void
  /** Ends the renewals; resolves when none is under way. */
  stop(): Promise<void>
}

/** Says whether whoever claimed an approval under a fence still holds it. */
export function isHeld({ status, fence }: ApprovalRecord, held: number): boolean {
  return status === 'executing' && fence === held
}

/**
 * Keeps up the lease on an approval that was claimed: it is renewed after each third of it, and lost when it could not
 * be for all of it, or was another's meanwhile.
 *
 * @param sentAt when the claim was sent, on the monotonic clock
 */
export function holdLease(context: ServiceContext, claimed: ApprovalRecord, sentAt: number): Hold {
  const { clock, store } = context
  const { leaseMs } = context.approvalSettings
  const { fence, workspaceId, id } = claimed
  const run = new AbortController()
  const renewals = new AbortController()
  let record = claimed
  let stopWatch = watch(sentAt)

  function watch(from: number): () => void {
    return clock.after(Math.max(0, leaseMs - (clock.monotonic() - from)), abandon)
  }

  function abandon(): void {
    renewals.abort()
    run.abort()
  }

  async function renew(isAgain = false): Promise<void> {
    const sent = clock.monotonic()
    const step = { edge: 'renew', fence, leaseEndsAt: (await store.now()) + leaseMs } as const
    const renewed = await takeStep(context, record, step, { actor: keyrungOf(record) })
    if (renewed.ok) {
      record = renewed.record
      stopWatch()
      if (!renewals.signal.aborted) stopWatch = watch(sent)
      return
    }
    const found = await store.findApproval(workspaceId, id)
    if (found === undefined || !isHeld(found, fence)) return abandon()
    // The answer to an earlier renewal was lost, though it was made; how long it holds is known only of the next.
    record = found
    if (!isAgain && !renewals.signal.aborted) await renew(true)
  }

  async function keep(): Promise<void> {
    while (!renewals.signal.aborted) {
      await clock.sleep(leaseMs / 3, renewals.signal)
      if (renewals.signal.aborted) return
      // A store that does not answer costs the lease only when it is over.
      await renew().catch(() => undefined)
    }
  }

  const kept = keep()
  return {
    signal: run.signal,
    get record() {
      return record
    },
    async extend() {
      await renew().catch(() => abandon())
      return !run.signal.aborted
    },
    abandon,
    async stop() {
      renewals.abort()
      await kept
      stopWatch()
    },
  }
}
