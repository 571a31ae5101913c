import type { ApprovalQueries } from './approval-store.js'
import type { AuditQueries } from './audit-store.js'
import type { Change, CommitResult, SettingRecord } from './change.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { DeliveryQueries } from './delivery-store.js'
import type { KeyQueries } from './key-store.js'
import type { LimitStore } from './limit-store.js'
import type { OutboxQueries } from './outbox-store.js'
import type { SealedQueries } from './sealed-store.js'
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
export interface Store
  extends
    KeyQueries,
    AuditQueries,
    OutboxQueries,
    UsageQueries,
    ApprovalQueries,
    DeliveryQueries,
    SealedQueries {
  /** For messages: `memory`, `sqlite`, … */
  readonly name: string
  readonly freshness: Freshness
  /** True where reads answer at once, never by a promise. */
  readonly synchronous: boolean
  /** True where records outlive the process. */
  readonly durable: boolean
  /** Where it counts limits itself, if the host configures no other limit store. */
  readonly limits?: LimitStore
  /**
   * Answers the store's now, in milliseconds since 1970, by which work is due: one clock for all instances. Where that is
   * a machine's own, setting it back holds up nothing: until it has caught up, this now goes on with the time that passes.
   */
  now(): MaybePromise<number>
  /** Makes all changes, or none; raises the version of what it updates. Deadlocks are retried inside. */
  commit(changes: readonly Change[]): MaybePromise<CommitResult>
  /**
   * Makes all changes together with what the host writes itself, or none of both; left out where the store has no
   * transactions to share.
   *
   * `run` is called once the changes were made and before they are committed, so whoever lost never runs, and at most
   * once: what it throws undoes all and is thrown on as it is. It gets what the host's client works with (a `pg` client,
   * a `mysql2` connection of the promise flavour, a `better-sqlite3` database), in the transaction, which it must not
   * end; on SQLite it has to be done when it returns. A change's `before` is looked at ahead of it.
   *
   * @throws KeyrungError `store_unavailable` where it was undone after all, `config_invalid` for a promise on SQLite
   */
  commitWith?<T>(
    changes: readonly Change[],
    run: (transaction: unknown) => MaybePromise<T>,
  ): MaybePromise<{ readonly ok: true; readonly value: T } | Extract<CommitResult, { ok: false }>>
  findSettings(prefix: string): MaybePromise<readonly SettingRecord[]>
  /**
   * Removes what time has ended, and answers how many: secrets after their grace, idempotency rows, what was sealed with
   * ended approvals (lane `ended`; the approval stays, with no `dueAt`), ended deliveries, and what hung on deleted keys,
   * their counters of pending approvals included.
   *
   * An approval of a deleted key that has not ended stays with all that belongs to it, as it is still to be decided or
   * found out about; it goes altogether once it has ended and is due.
   */
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
