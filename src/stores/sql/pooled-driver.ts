import { KeyrungError, isKeyrungError } from '../../core/errors.js'
import { toHex } from '../../crypto/encoding.js'
import { systemEntropy } from '../../crypto/random.js'
import type { Entropy } from '../../crypto/random.js'
import type { Clock } from '../../ports/clock.js'
import { systemClock } from '../../ports/system-clock.js'
import { askableMs, commitMarkers } from './commit-markers.js'
import type { SqlDialect } from './dialect.js'
import type { SqlDriver, TransactOptions } from './driver.js'
import type { Steps } from './query.js'
import type { SqlFailure, SqlPool, SqlSession } from './session.js'
import type { TableNames } from './tables.js'
import { createSharing } from './shared-transaction.js'
import { TimeBound, late } from './time-bound.js'

/** What a pooled driver is made of. */
export interface PooledDriverOptions {
  /** For messages: `postgres`, `mysql`. */
  readonly name: string
  readonly dialect: SqlDialect
  readonly names: TableNames
  /** How long a call may take with all its attempts. */
  readonly timeoutMs: number
  /** How long bringing the schema up to date may take, others that do the same included. */
  readonly migrateTimeoutMs: number
  /** Runs a migration while no other instance can, in one transaction where the database has them for tables. */
  migrate(session: SqlSession, run: () => Promise<void>): Promise<void>
  /** What waits are timed by; never the store's now. */
  readonly clock?: Clock
  readonly entropy?: Entropy
}

/** The most attempts at a transaction, and at a question. */
const mostAttempts = 12
const mostQuestions = 3

/** The most batches of old markers that are removed at a time: there is one for every commit. */
const mostBatches = 20

/** The longest first pause between two attempts, and the longest of all. */
const firstPauseMs = 4
const longestPauseMs = 250

/** How one attempt went. */
type Attempt<T> =
  | { readonly done: true; readonly value: T }
  | { readonly done: false; readonly again: boolean; readonly error: KeyrungError }

/** Takes all steps of a transaction, one after the other. */
async function take<T>(session: SqlSession, steps: Steps<T>): Promise<T> {
  let next = steps.next()
  while (!next.done) next = steps.next(await session.execute(next.value))
  return next.value
}

/**
 * Makes a driver on a pool whose client answers by promises.
 *
 * What is rolled back for sure (a deadlock, a lost connection before the commit was sent) is tried again, with
 * pauses, for a bounded time. When the answer to a commit is lost, its outcome is found out by its marker: it is never
 * guessed, and the work is done again only where it is certain that it was not and cannot be done any more.
 */
export function createPooledDriver(pool: SqlPool, options: PooledDriverOptions): SqlDriver {
  const { name, dialect, names, timeoutMs, clock = systemClock, entropy = systemEntropy } = options
  const markers = commitMarkers(dialect, names)
  let closed = false

  function unavailable(reason: string): KeyrungError {
    return new KeyrungError('store_unavailable', { internal: `${name}: ${reason}` })
  }

  function failureOf(thrown: unknown): SqlFailure {
    if (isKeyrungError(thrown)) return { kind: 'refused', error: thrown }
    if (thrown === late) return { kind: 'lost', error: unavailable('no answer in time') }
    return pool.failureOf(thrown)
  }

  /** Full jitter: those who have met once do not meet again. */
  function pause(attempt: number): Promise<void> {
    const share = (entropy(1)[0]! + 1) / 256
    return clock.sleep(Math.min(firstPauseMs * 2 ** attempt, longestPauseMs) * share)
  }

  async function timed<T>(ms: number, call: (bound: TimeBound) => Promise<T>): Promise<T> {
    if (closed) throw unavailable('closed')
    const bound = new TimeBound(clock, ms)
    try {
      return await call(bound)
    } finally {
      bound.end()
    }
  }

  async function takeSession(bound: TimeBound): Promise<SqlSession> {
    const asked = pool.session()
    try {
      return await bound.race(asked)
    } catch (thrown) {
      // It may come yet, and nobody will want it.
      if (thrown === late) asked.then((session) => session.release(false)).catch(() => undefined)
      const { error } = failureOf(thrown)
      throw thrown === late ? unavailable('no connection in time') : error
    }
  }

  /** Uses a session; it is closed if nobody can know what state it is in. */
  async function inSession<T>(bound: TimeBound, use: (session: SqlSession) => Promise<T>): Promise<T> {
    const session = await takeSession(bound)
    let broken = true
    try {
      const value = await bound.race(use(session))
      broken = false
      return value
    } catch (thrown) {
      broken = failureOf(thrown).kind === 'lost' || thrown instanceof Unsettled
      throw thrown instanceof Unsettled ? thrown.cause : thrown
    } finally {
      session.release(broken)
    }
  }

  /** Within a transaction; whatever is thrown in it, it is over afterwards. */
  async function undoing<T>(session: SqlSession, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (thrown) {
      if (failureOf(thrown).kind === 'lost') throw thrown
      await session.rollback().catch(() => {
        throw new Unsettled(thrown)
      })
      throw thrown
    }
  }

  async function read<T>(use: (session: SqlSession) => Promise<T>): Promise<T> {
    return timed(timeoutMs, async (bound) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await inSession(bound, use)
        } catch (thrown) {
          const { kind, error } = failureOf(thrown)
          if (kind === 'refused' || bound.over || attempt >= mostQuestions) throw error
          // A connection that died while it lay idle: the next one is asked at once.
          if (kind === 'again') await pause(attempt)
        }
      }
    })
  }

  async function attempt<T>(
    bound: TimeBound,
    work: () => Steps<T>,
    { keeps = () => true, repeatable = false }: TransactOptions<T>,
  ): Promise<Attempt<T>> {
    const id = toHex(entropy(16))
    const age = startAge(clock)
    let committing = false
    let value!: T
    try {
      await inSession(bound, (session) =>
        undoing(session, async () => {
          await session.begin()
          value = await take(session, work())
          if (!keeps(value)) return session.rollback()
          committing = true
          return repeatable ? session.commit() : commitMarked(session, id)
        }),
      )
      return { done: true, value }
    } catch (thrown) {
      const { kind, error } = failureOf(thrown)
      if (kind === 'again') return { done: false, again: true, error }
      if (!committing) return { done: false, again: kind === 'lost', error }
      if (repeatable) return { done: false, again: true, error }
      if (await findOutcome(id, age)) return { done: true, value }
      return { done: false, again: true, error }
    }
  }

  async function commitMarked(session: SqlSession, id: string): Promise<void> {
    const marker = markers.leave(id)
    if (session.commitAfter) return session.commitAfter(marker.text)
    await session.execute(marker)
    return session.commit()
  }

  /** Whether a commit happened whose answer was lost; afterwards it cannot happen any more if it has not. */
  async function findOutcome(id: string, age: () => number): Promise<boolean> {
    const unknown = unavailable('a commit was lost, and its outcome could not be found out')
    const bound = new TimeBound(clock, timeoutMs)
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          const committed = await inSession(bound, (session) =>
            undoing(session, async () => {
              await session.begin()
              await session.execute(markers.deny(id))
              const { rows } = await session.execute(markers.find(id))
              await session.commit()
              return markers.isCommitted(rows)
            }),
          )
          // After a long sleep of this process the marker may have been there, and be gone.
          if (age() > askableMs) throw unknown
          return committed
        } catch (thrown) {
          if (bound.over || thrown === unknown) throw unknown
          await bound.race(pause(attempt)).catch(() => undefined)
        }
      }
    } finally {
      bound.end()
    }
  }

  return {
    ask: (ask) => read(async (session) => ask.decode((await session.execute(ask)).rows)),
    write: (query) => read((session) => session.executeAlone(query)),
    look: (work) => read((session) => take(session, work())),

    transact: (work, how = {}) =>
      timed(timeoutMs, async (bound) => {
        for (let number = 1; ; number++) {
          const outcome = await attempt(bound, work, how)
          if (outcome.done) return outcome.value
          if (!outcome.again || bound.over || number >= mostAttempts) throw outcome.error
          await pause(number)
        }
      }),

    share: createSharing({
      ...{ takeSession, take, failureOf, pause, mostAttempts },
      timed: (call) => timed(timeoutMs, call),
      markCommit() {
        const id = toHex(entropy(16))
        const age = startAge(clock)
        return { commit: (session) => commitMarked(session, id), findOutcome: () => findOutcome(id, age) }
      },
    }),

    migrate: (work) =>
      timed(options.migrateTimeoutMs, async (bound) => {
        for (let number = 1; ; number++) {
          try {
            return await inSession(bound, (session) =>
              undoing(session, () => options.migrate(session, () => take(session, work()))),
            )
          } catch (thrown) {
            const { kind, error } = failureOf(thrown)
            if (kind === 'refused' || bound.over || number >= mostAttempts) throw error
            await pause(number)
          }
        }
      }),

    async tidy(limit) {
      for (let batch = 0; batch < mostBatches; batch++) {
        const removed = await read((session) => take(session, markers.sweep(limit)))
        if (removed < limit) return
      }
    },
    close: () => void (closed = true),
  }
}

/** A failure after which not even a rollback went through. */
class Unsettled {
  readonly cause: unknown

  constructor(cause: unknown) {
    this.cause = cause
  }
}

/** How long ago something was, by the clock that has gone further. */
function startAge(clock: Clock): () => number {
  const [wall, monotonic] = [clock.now(), clock.monotonic()]
  return () => Math.max(clock.now() - wall, clock.monotonic() - monotonic)
}
