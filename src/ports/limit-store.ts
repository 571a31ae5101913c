import type { LimitRule } from '../core/limit.js'
import type { LimitMeter } from '../core/limit-window.js'
import type { MaybePromise } from '../core/maybe-promise.js'

/** What one request costs one subject: a key, a workspace, an owner, an operation. */
export interface LimitCharge {
  /** Unique within its workspace: `key:key_…`, `workspace`, `owner:…`, `operation:…:key_…`, `source:…`. */
  readonly subject: string
  /** The limits that hold for it now. What was counted under a rule stays counted when the rule's limit changes. */
  readonly rules: readonly LimitRule[]
  /** Whole units; 0 only looks. */
  readonly cost: number
}

/** Everything that one request costs, all of it or nothing. */
export interface LimitRequest {
  /** All charges belong to one workspace; `''` to none. A store may keep what is of one workspace in one place. */
  readonly workspaceId: string
  /** Each subject at most once. */
  readonly charges: readonly LimitCharge[]
  /** Spends what does not fit too: to make up for what was spent while the store was away. */
  readonly force?: boolean
}

/** What came of a spending. */
export interface LimitAnswer {
  readonly ok: boolean
  /** The store's own time, by which it was judged; in milliseconds since 1970. */
  readonly now: number
  /** In the order of the charges, and of the rules in each. */
  readonly meters: readonly LimitMeter[]
}

/** Units that were spent ahead and not used. */
export interface LimitRefund {
  readonly workspaceId: string
  readonly subject: string
  readonly rules: readonly LimitRule[]
  readonly units: number
  /** The store's now of the spending, as it was answered. */
  readonly spentAt: number
}

/**
 * Where units are counted: on one time, the store's own, for all instances that share it.
 *
 * A store answers a value, or a promise of it. It throws `store_unavailable` when it cannot answer, never another
 * error; it then may have spent, but has never admitted beyond a limit.
 */
export interface LimitStore {
  /** For messages: `memory`, `redis`, … */
  readonly name: string
  /** True where it answers at once, never by a promise. */
  readonly synchronous: boolean
  /** True where several instances count together. */
  readonly shared: boolean
  /** Spends all charges, or none. */
  spend(request: LimitRequest): MaybePromise<LimitAnswer>
  /** Takes back what was not used, out of the bucket that it was spent in, as far as that still counts. */
  refund(refund: LimitRefund): MaybePromise<void>
  /** Forgets a subject: what it has spent, and that it was there. */
  forget(workspaceId: string, subject: string): MaybePromise<void>
  /** Removes what says no more than nothing at all, at most so many; answers how many. Left out where they go by themselves. */
  purge?(limit: number): MaybePromise<number>
  /** Lets go of what the store itself opened, never of what the host handed in. */
  close(): MaybePromise<void>
}
