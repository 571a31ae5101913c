import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Ask, Steps } from './query.js'

/** How statements reach a database; it throws `store_unavailable` or `transaction_open`, without the driver's text. */
export interface SqlDriver {
  /** Puts one question to what has been committed. */
  ask<T>(ask: Ask<T>): MaybePromise<T>
  /** Puts questions that hang on each other's answers, in no transaction. */
  look<T>(work: () => Steps<T>): MaybePromise<T>
  /**
   * Takes steps in a transaction that is as if it were alone.
   *
   * @param work the steps, made anew for each attempt
   * @param keeps says whether a result is to be committed; without it, always
   */
  transact<T>(work: () => Steps<T>, keeps?: (result: T) => boolean): MaybePromise<T>
  close(): MaybePromise<void>
}
