import type { AuditQueries } from './audit-store.js'
import type { Change, CommitResult, SettingRecord } from './change.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { KeyQueries } from './key-store.js'
import type { LimitStore } from './limit-store.js'
import type { OutboxQueries } from './outbox-store.js'
import type { UsageQueries } from './usage-store.js'

/**
 * How a store's answers may be kept between requests: `exclusive`: the store lives in this process and is the
 * truth itself; `strict`: it is asked with every request; `cached`: answers are leased for a short time, which
 * every change waits out.
 */
export type Freshness = 'exclusive' | 'strict' | 'cached'

/** What a purge may take away. */
export interface PurgeRequest {
  /** The store's time of the purge, in milliseconds since 1970. */
  readonly now: number
  /** At most so many records of each kind. */
  readonly limit: number
  /** Usage of days before this one, counted from 1970-01-01, goes too; left out: none. */
  readonly usageBefore?: number
}

/**
 * Where keyrung keeps everything: one way to write, a few named ways to read.
 *
 * A store answers a value, or a promise of it. It throws `store_unavailable` (or `transaction_open`) when it
 * cannot answer, and `input_invalid` for a record that it could not give back exactly as it is (lone surrogates,
 * NUL, over-long ids); never another error, and no driver's text with data in it.
 */
export interface Store extends KeyQueries, AuditQueries, OutboxQueries, UsageQueries {
  /** For messages: `memory`, `sqlite`, … */
  readonly name: string
  readonly freshness: Freshness
  /** True where reads answer at once, never by a promise. */
  readonly synchronous: boolean
  /** True where records outlive the process. */
  readonly durable: boolean
  /** Where it counts limits itself, if the host configures no other limit store. */
  readonly limits?: LimitStore
  /** Makes all changes, or none; raises the version of what it updates. Deadlocks are retried inside. */
  commit(changes: readonly Change[]): MaybePromise<CommitResult>
  findSettings(prefix: string): MaybePromise<readonly SettingRecord[]>
  /** Removes what time has ended: secrets after their grace, idempotency rows, what hung on deleted keys. Answers how many. */
  purge(request: PurgeRequest): MaybePromise<number>
  /**
   * Says whether this library can run on the tables: `current` also where they are newer, but a library of this version
   * can live with what was added, so that two versions run side by side during a deploy; else `newer`.
   */
  findSchema(): MaybePromise<'current' | 'outdated' | 'missing' | 'newer'>
  /** Brings the tables up to date; safe to call on every start, of several instances at once and of several versions. */
  migrate(): MaybePromise<void>
  /** Lets go of what the store itself opened, never of what the host handed in. */
  close(): MaybePromise<void>
}
