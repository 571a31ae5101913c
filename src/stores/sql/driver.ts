import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Answer, Ask, Query, Steps } from './query.js'

/** How a transaction is taken. */
export interface TransactOptions<T> {
  /** Says whether a result is to be committed; without it, always. */
  readonly keeps?: (result: T) => boolean
  /** True where the work may be done twice with no harm, so that nobody has to know how a lost commit ended. */
  readonly repeatable?: boolean
}

/** What came of a transaction that the host was to share. */
export type Shared<R, T> =
  { readonly kept: true; readonly value: T } | { readonly kept: false; readonly result: R }

/** How statements reach a database; it throws `store_unavailable` or `transaction_open`, without the driver's text. */
export interface SqlDriver {
  /** Puts one question to what has been committed. */
  ask<T>(ask: Ask<T>): MaybePromise<T>
  /** Puts questions that hang on each other's answers, in no transaction. */
  look<T>(work: () => Steps<T>): MaybePromise<T>
  /**
   * Takes one statement that is a transaction by itself. Where its answer is lost it is sent again, so it has to be one
   * that may be done twice.
   */
  write(query: Query): MaybePromise<Answer>
  /**
   * Takes steps in a transaction: all of them, or none. Where others write at the same time, what a decision hangs on
   * is to be a condition of the write or a row that is held.
   *
   * @param work the steps, made anew for each attempt
   */
  transact<T>(work: () => Steps<T>, options?: TransactOptions<T>): MaybePromise<T>
  /**
   * The same, with a part of the host's own in the end, where the result is to be kept; `run` is never begun twice, and
   * what it throws undoes all and is thrown on as it is.
   *
   * @throws KeyrungError `store_unavailable` where it was undone for another reason
   */
  share?<R, T>(
    work: () => Steps<R>,
    keeps: (result: R) => boolean,
    run: (transaction: unknown) => MaybePromise<T>,
  ): MaybePromise<Shared<R, T>>
  /** Takes the steps of a migration, which no other instance takes at the same time. */
  migrate(work: () => Steps<void>): MaybePromise<void>
  /** Removes what the driver itself noted and needs no more, in batches of at most so many rows. */
  tidy?(limit: number): MaybePromise<void>
  close(): MaybePromise<void>
}
