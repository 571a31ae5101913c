import type { MaybePromise } from '../core/maybe-promise.js'
import type { UsageOutcome } from '../core/usage.js'

/** Calls of one day that demanded one permission and came to one outcome. */
export interface UsageRow {
  /** Days since 1970-01-01, in UTC. */
  readonly day: number
  /** By its canonical name on that day; `''`: all calls, whatever they demanded. */
  readonly permission: string
  readonly outcome: UsageOutcome
  readonly calls: number
}

/** The same of one key, to be added to what is there. */
export interface UsageEntry extends UsageRow {
  readonly keyId: string
}

/** Whose usage is asked for, and of which days. */
export interface UsageRequest {
  readonly workspaceId: string
  /** Left out: the sums over all keys of the workspace. */
  readonly keyId?: string
  readonly fromDay: number
  /** The last day, included. */
  readonly toDay: number
  readonly limit: number
}

/** How often keys were used, and what for. */
export interface UsageQueries {
  /**
   * Adds to what was counted: up to `maxUsageEntries` entries all or none, more of them in parts. An entry of a key that
   * is not there is passed over, no other record is touched. What is
   * thrown for a store that cannot be reached says that nothing was added, unless it could not be found out.
   */
  recordUsage(entries: readonly UsageEntry[]): MaybePromise<void>
  /** One row for each day, permission and outcome, in any order; of keys that are there. */
  findUsage(request: UsageRequest): MaybePromise<readonly UsageRow[]>
}
