import type { KeyrungError } from '../../core/errors.js'
import type { Answer, Query } from './query.js'

/** A connection of the caller's pool, taken for one piece of work. */
export interface SqlSession {
  /**
   * Sends one statement: rows are arrays in the order of the select's columns and hold numbers, texts, `Uint8Array`s
   * and nulls only, whatever the client's settings are. A unique column that is taken is answered, not thrown.
   */
  execute(query: Query): Promise<Answer>
  /** The same for a statement that writes and is a transaction by itself: it is committed when this answers. */
  executeAlone(query: Query): Promise<Answer>
  /** Begins a transaction at READ COMMITTED. */
  begin(): Promise<void>
  commit(): Promise<void>
  /** One last statement and the commit, for databases that take both in one message; else they are sent one by one. */
  commitAfter?(statement: string): Promise<void>
  rollback(): Promise<void>
  /** What the host works with in its own part of a transaction: its client's connection. */
  readonly hosts: unknown
  /** Marks the transaction for `takeBack`, and lifts the time limits that were meant for the store's own statements. */
  handOver(): Promise<void>
  /** Rejects where the transaction is another by now, or none, as the host has ended it. */
  takeBack(): Promise<void>
  /** Gives it back to the pool; `broken` closes it instead. */
  release(broken: boolean): void
}

/**
 * What an error means: `again`: rolled back for sure, and it may go better in a moment (a deadlock, a conflict, a lock
 * that was held too long); `lost`: the connection is gone and with it the answer; `refused`: anything else.
 */
export interface SqlFailure {
  readonly kind: 'again' | 'lost' | 'refused'
  /** Keeps the code of what was thrown, never its text. */
  readonly error: KeyrungError
}

/** The caller's own pool behind one small face for every client. */
export interface SqlPool {
  /** Takes a connection that has no transaction open; rejects where there is none to be had. */
  session(): Promise<SqlSession>
  failureOf(error: unknown): SqlFailure
}
