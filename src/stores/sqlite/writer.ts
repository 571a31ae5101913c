import type { KeyrungError } from '../../core/errors.js'
import { isPromise } from '../../core/maybe-promise.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Clock } from '../../ports/clock.js'
import type { Shared } from '../sql/driver.js'
import type { Steps } from '../sql/query.js'
import type { Connection } from './connection.js'
import { failureOf, promiseAnswered, transactionOpen, unavailable } from './failure.js'

/** How long SQLite itself may wait for a lock, and so hold the event loop up: enough for a reader that is just finishing. */
const lockWaitMs = 2

/** The first and the longest pause between two attempts. */
const firstPauseMs = 1
const longestPauseMs = 20

/** One piece of work that waits for the handle or the file. */
interface Waiting {
  readonly deadline: number
  /** Answers false where the way is still blocked. */
  attempt(): boolean
  fail(error: KeyrungError): void
}

type Attempt<T> =
  { readonly done: true; readonly value: T } | { readonly done: false; readonly error: KeyrungError }

/**
 * Runs transactions on the host's handle, each in one go.
 *
 * What is blocked (by the host's own transaction or iterator, or by another process) waits in one queue that tries
 * again with pauses, so that a crowd of writers costs the event loop no more than one.
 */
export class Writer {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #waitMs: number
  readonly #queue: Waiting[] = []
  /** Only one may walk the queue: two would attempt the same head twice. */
  #draining = false
  #closed = false
  #error = transactionOpen()

  constructor(connection: Connection, clock: Clock, waitMs: number) {
    this.#connection = connection
    this.#clock = clock
    this.#waitMs = waitMs
  }

  /**
   * @param work the steps of the transaction, made anew for each attempt
   * @param keeps says whether a result is to be committed; the other changes nothing
   */
  run<T>(work: () => Steps<T>, keeps: (result: T) => boolean = () => true): MaybePromise<T> {
    return this.#queued(() => this.#hurried(() => this.#transaction(work, keeps)))
  }

  /**
   * The same with a part of the host's own, which has to be done when it returns, as whatever is written on the handle
   * after that belongs to nobody's transaction.
   *
   * @param host begun at most once, with the handle
   */
  share<R, T>(
    work: () => Steps<R>,
    keeps: (result: R) => boolean,
    host: (database: unknown) => MaybePromise<T>,
  ): MaybePromise<Shared<R, T>> {
    return this.#queued(() => this.#shared(work, keeps, host))
  }

  close(): void {
    this.#closed = true
  }

  #queued<T>(transaction: () => T): MaybePromise<T> {
    if (!this.#draining) {
      const first = this.#attempt(transaction)
      if (first.done) return first.value
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({
        deadline: this.#clock.monotonic() + this.#waitMs,
        attempt: () => {
          try {
            const next = this.#attempt(transaction)
            if (next.done) resolve(next.value)
            return next.done
          } catch (error) {
            reject(error as KeyrungError)
            return true
          }
        },
        fail: reject,
      })
      if (!this.#draining) void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    this.#draining = true
    let pauseMs = firstPauseMs
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      if (pauseMs > 0) await this.#clock.sleep(pauseMs)
      if (head.attempt()) {
        this.#queue.shift()
        // The way is free: on with the next, once others have had their turn.
        pauseMs = 0
        await new Promise((resolve) => setImmediate(resolve))
        continue
      }
      pauseMs = Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs)
      const now = this.#clock.monotonic()
      while (this.#queue[0] && this.#queue[0].deadline <= now) this.#queue.shift()!.fail(this.#error)
    }
    this.#draining = false
  }

  #attempt<T>(transaction: () => T): Attempt<T> {
    if (this.#closed) throw unavailable('closed')
    const { database } = this.#connection
    if (database.open && database.inTransaction) {
      return { done: false, error: (this.#error = transactionOpen()) }
    }
    try {
      return { done: true, value: transaction() }
    } catch (thrown) {
      if (thrown instanceof Thrown) throw thrown.cause
      const { passing, error } = failureOf(thrown)
      if (!passing) throw error
      return { done: false, error: (this.#error = error) }
    }
  }

  #transaction<T>(work: () => Steps<T>, keeps: (result: T) => boolean): T {
    const { database } = this.#connection
    this.#connection.prepare('begin immediate').run()
    try {
      const result = this.#connection.take(work())
      this.#connection.prepare(keeps(result) ? 'commit' : 'rollback').run()
      return result
    } finally {
      // After an error; some (a full disk) have SQLite roll back by itself.
      if (database.open && database.inTransaction) this.#connection.prepare('rollback').run()
    }
  }

  #shared<R, T>(
    work: () => Steps<R>,
    keeps: (result: R) => boolean,
    host: (database: unknown) => MaybePromise<T>,
  ): Shared<R, T> {
    const { database } = this.#connection
    try {
      const result = this.#hurried(() => {
        this.#connection.prepare('begin immediate').run()
        return this.#connection.take(work())
      })
      if (!keeps(result)) return { kept: false, result }
      return { kept: true, value: this.#hosted(host) }
    } finally {
      if (database.open && database.inTransaction) this.#connection.prepare('rollback').run()
    }
  }

  /** From here on nothing is tried again: the host's part may have done more than write to the database. */
  #hosted<T>(host: (database: unknown) => MaybePromise<T>): T {
    const { database } = this.#connection
    let value: MaybePromise<T>
    try {
      value = host(database)
    } catch (error) {
      throw new Thrown(error)
    }
    if (isPromise(value)) {
      value.then(undefined, () => undefined)
      throw promiseAnswered()
    }
    if (!database.open || !database.inTransaction)
      throw unavailable('the host ended the transaction it shared')
    try {
      this.#connection.prepare('commit').run()
    } catch (thrown) {
      throw failureOf(thrown).error
    }
    return value
  }

  /**
   * Keeps SQLite from holding the event loop up for as long as the host's `busy_timeout` says (5 seconds unless it
   * was changed). The host's own value is back before any of its code can run.
   */
  #hurried<T>(run: () => T): T {
    const { database } = this.#connection
    const [hostsMs] = this.#connection.prepareAnew('pragma busy_timeout').get() as [number]
    if (hostsMs <= lockWaitMs) return run()
    database.prepare(`pragma busy_timeout = ${lockWaitMs}`).get()
    try {
      return run()
    } finally {
      database.prepare(`pragma busy_timeout = ${hostsMs}`).get()
    }
  }
}

/** What the host's part of a transaction threw. */
class Thrown {
  readonly cause: unknown

  constructor(cause: unknown) {
    this.cause = cause
  }
}
