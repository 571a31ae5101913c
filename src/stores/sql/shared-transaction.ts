import type { SqlDriver } from './driver.js'
import type { Steps } from './query.js'
import type { SqlFailure, SqlSession } from './session.js'
import type { TimeBound } from './time-bound.js'

/** What a driver on a pool has for transactions that the host shares. */
export interface SharingTools {
  /** Gives a call so much time as one of the store's own has. */
  timed<T>(call: (bound: TimeBound) => Promise<T>): Promise<T>
  takeSession(bound: TimeBound): Promise<SqlSession>
  take<T>(session: SqlSession, steps: Steps<T>): Promise<T>
  failureOf(thrown: unknown): SqlFailure
  pause(attempt: number): Promise<void>
  readonly mostAttempts: number
  /** Begins to keep a commit's outcome findable. */
  markCommit(): {
    commit(session: SqlSession): Promise<void>
    /** Whether it happened, where its answer was lost; afterwards it cannot happen any more if it has not. */
    findOutcome(): Promise<boolean>
  }
}

/**
 * Makes transactions that the host shares: first the store's changes, then the host's part, then the commit. Before
 * the host's part has begun all is tried again as usual, from then on nothing: it may have done more than write to the
 * database. It has as long as the host lets it.
 */
export function createSharing(tools: SharingTools): NonNullable<SqlDriver['share']> {
  const { timed, failureOf } = tools

  async function open<R>(bound: TimeBound, work: () => Steps<R>, keeps: (result: R) => boolean) {
    for (let attempt = 1; ; attempt++) {
      const session = await tools.takeSession(bound)
      try {
        await bound.race(session.begin())
        const result = await bound.race(tools.take(session, work()))
        if (keeps(result)) {
          await bound.race(session.handOver())
          return { session, result }
        }
        await bound.race(session.rollback())
        session.release(false)
        return { session: null, result }
      } catch (thrown) {
        const { kind, error } = failureOf(thrown)
        await undo(session, kind)
        if (kind === 'refused' || bound.over || attempt >= tools.mostAttempts) throw error
        await tools.pause(attempt)
      }
    }
  }

  /** Gives a session back with nothing of its transaction left; it is closed where that is not certain. */
  async function undo(session: SqlSession, kind: SqlFailure['kind'] = 'refused'): Promise<void> {
    const isUndone =
      kind !== 'lost' &&
      (await timed((bound) => bound.race(session.rollback())).then(
        () => true,
        () => false,
      ))
    session.release(!isUndone)
  }

  async function settle(session: SqlSession): Promise<void> {
    const marked = tools.markCommit()
    let committing = false
    try {
      await timed(async (bound) => {
        await bound.race(session.takeBack())
        committing = true
        await bound.race(marked.commit(session))
      })
    } catch (thrown) {
      const { kind, error } = failureOf(thrown)
      await undo(session, kind)
      if (!committing || kind === 'again' || !(await marked.findOutcome())) throw error
      return
    }
    session.release(false)
  }

  return async (work, keeps, run) => {
    const { session, result } = await timed((bound) => open(bound, work, keeps))
    if (!session) return { kept: false, result }
    let value
    try {
      value = await run(session.hosts)
    } catch (thrown) {
      await undo(session)
      throw thrown
    }
    await settle(session)
    return { kept: true, value }
  }
}
