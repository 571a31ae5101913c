import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Clock } from '../../ports/clock.js'
import type { Ask } from '../sql/query.js'
import { Connection } from './connection.js'
import type { SqliteConstructor } from './database.js'
import { failureOf, needsRecovery, unavailable } from './failure.js'

/** How long SQLite itself may wait for a lock, and so hold the event loop up. */
const lockWaitMs = 3

/** The first and the longest pause between two attempts. */
const firstPauseMs = 1
const longestPauseMs = 20

/**
 * Reads what has been committed.
 *
 * A file is read through a read-only connection of the store's own: an iterator or a transaction that the host has
 * left open on its handle would show the state of when it began. A database in memory, or one that its handle has
 * locked for itself, is read through the handle, as nobody else can write to it.
 */
export class Reader {
  readonly connection: Connection
  /** True where a reader never has to wait: no file, or a write-ahead log. */
  readonly synchronous: boolean
  /** True where there is a file. */
  readonly durable: boolean
  readonly #shared: Connection
  readonly #own: boolean
  readonly #clock: Clock
  readonly #waitMs: number
  #closed = false

  constructor(shared: Connection, clock: Clock, waitMs: number) {
    this.#shared = shared
    this.#clock = clock
    this.#waitMs = waitMs
    const find = (pragma: string, column: number) => (shared.prepareAnew(pragma).get() as unknown[])[column]
    // The handle's own name may be relative to a folder that is no longer the current one.
    const file = find('pragma database_list', 2)
    const exclusive = find('pragma locking_mode', 0) === 'exclusive'
    this.durable = typeof file === 'string' && file !== ''
    this.#own = this.durable && !exclusive
    if (this.#own) {
      const open = shared.database.constructor as SqliteConstructor
      const options = { readonly: true, fileMustExist: true, timeout: lockWaitMs } as const
      this.connection = new Connection(new open(file as string, options))
    } else {
      this.connection = shared
    }
    this.synchronous = !this.#own || find('pragma journal_mode', 0) === 'wal'
  }

  /** Answers at once unless the file is locked, which a reader waits out for a bounded time. */
  ask<T>(ask: Ask<T>): MaybePromise<T> {
    return this.read(() => this.connection.ask(ask))
  }

  /** @param read may be called more than once */
  read<T>(read: () => T): MaybePromise<T> {
    if (this.#closed) throw unavailable('closed')
    try {
      return read()
    } catch (thrown) {
      const { passing, error } = failureOf(thrown)
      if (needsRecovery(thrown)) return this.#recovered(read)
      if (!passing || this.synchronous) throw error
      return this.#again(read)
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#own) this.connection.database.close()
  }

  /** What a process that died in a commit left behind can be put right only by a connection that may write. */
  #recovered<T>(read: () => T): MaybePromise<T> {
    try {
      this.#shared.prepareAnew('select 1 from sqlite_master limit 1').get()
      return read()
    } catch (thrown) {
      const { passing, error } = failureOf(thrown)
      if (!passing || this.synchronous) throw error
      return this.#again(read)
    }
  }

  async #again<T>(read: () => T): Promise<T> {
    const deadline = this.#clock.monotonic() + this.#waitMs
    let pauseMs = firstPauseMs
    for (;;) {
      await this.#clock.sleep(pauseMs)
      if (this.#closed) throw unavailable('closed')
      try {
        return read()
      } catch (thrown) {
        if (needsRecovery(thrown)) return this.#recovered(read)
        const { passing, error } = failureOf(thrown)
        if (!passing || this.#clock.monotonic() >= deadline) throw error
      }
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }
}
