import { KeyrungError, isKeyrungError } from '../../core/errors.js'
import { isPromise } from '../../core/maybe-promise.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import { systemEntropy } from '../../crypto/random.js'
import type { Clock } from '../../ports/clock.js'
import type { LimitAnswer, LimitStore } from '../../ports/limit-store.js'
import { systemClock } from '../../ports/system-clock.js'
import type { SqlDialect } from './dialect.js'
import type { SqlDriver } from './driver.js'
import { KnownLimit } from './known-limit.js'
import { idsOf, limitId, takeRequest } from './limit-batch.js'
import type { TakenRequest } from './limit-batch.js'
import { LimitQueue } from './limit-queue.js'
import { limitStatements } from './limit-statements.js'
import { limitSteps } from './limit-steps.js'
import type { Spent } from './limit-steps.js'
import { LimitTime } from './limit-time.js'
import { storeTime } from './store-time.js'
import type { TableNames } from './tables.js'

/** What limits are kept with. */
export interface SqlLimitsOptions {
  /** For messages: `postgres`, `mysql`, `sqlite`. */
  readonly name: string
  readonly dialect: SqlDialect
  readonly names: TableNames
  readonly driver: SqlDriver
  /** What the store's now is; null: the server's. */
  readonly clock: Pick<Clock, 'now'> | null
  /** True where a transaction that writes is alone and answers at once, so that there is nothing to wait together for. */
  readonly alone: boolean
  /** How long one call of the driver may take. */
  readonly timeoutMs: number
}

/** How often spending in a transaction is begun anew, within its time. */
const mostAttempts = 100

/** How many rows are remembered; those that were asked for last. */
const mostKnown = 10_000

/** The most rows that a purge removes in one transaction. */
const purgedAtOnce = 200

/** A random whole number of 47 bits: a row that was removed and is there again is never taken for what it was. */
function firstVersion(): number {
  return systemEntropy(6).reduce((sum, byte) => sum * 256 + byte, 0) % 2 ** 47
}

/** Takes whatever was thrown for what the port allows. */
function unavailable(name: string, thrown: unknown): KeyrungError {
  if (isKeyrungError(thrown) && thrown.code === 'store_unavailable') return thrown
  const reason = isKeyrungError(thrown) ? thrown.code : 'failed'
  return new KeyrungError('store_unavailable', { internal: `${name}: limits: ${reason}` })
}

/** Builds the limits of a database on its driver, in the table that the main store's `migrate` makes. */
export function createSqlLimits(options: SqlLimitsOptions): LimitStore {
  const { name, dialect, names, driver, clock, alone, timeoutMs } = options
  const monotonic = () => systemClock.monotonic()
  const statements = limitStatements(dialect, names, clock)
  const steps = limitSteps({ statements, time: storeTime(dialect, clock), clock, firstVersion, alone })
  const shared = { driver, statements, time: new LimitTime(clock, monotonic), monotonic, firstVersion }

  function tooLate(): KeyrungError {
    return new KeyrungError('store_unavailable', { internal: `${name}: limits: others were always quicker` })
  }

  function inTransaction(requests: readonly TakenRequest[]): MaybePromise<Spent> {
    const looks = requests.every(({ charges }) => charges.every(({ cost }) => cost === 0))
    if (looks) return driver.look(() => steps.spend(requests, true))
    return driver.transact(() => steps.spend(requests, false), {
      keeps: (spent) => spent.done && spent.isChanged,
      repeatable: true,
    })
  }

  async function holdAndSpend(requests: readonly TakenRequest[]): Promise<readonly LimitAnswer[]> {
    const dueBy = monotonic() + timeoutMs
    for (let attempt = 0; attempt < mostAttempts && (attempt === 0 || monotonic() < dueBy); attempt++) {
      const spent = await inTransaction(requests)
      if (spent.done) return spent.answers
      if (spent.why === 'absent') {
        await driver.transact(() => steps.makeRows(idsOf(requests)), { repeatable: true })
      }
    }
    throw tooLate()
  }

  const known = new Map<string, { readonly limit: KnownLimit; readonly queue: LimitQueue }>()

  function makeKnown(id: string) {
    const limit = new KnownLimit(shared, id)
    const serve = async (requests: readonly TakenRequest[]) => {
      const dueBy = monotonic() + timeoutMs
      let failure = tooLate()
      try {
        const answers = await limit.findAnswers(requests, dueBy)
        if (answers) return answers
      } catch (error) {
        // Sessions may be set to what a single statement cannot do with, as to reading only; a transaction says what it is.
        failure = unavailable(name, error)
      }
      if (monotonic() >= dueBy) throw failure
      return holdAndSpend(requests)
    }
    return { limit, queue: new LimitQueue(serve, monotonic, timeoutMs) }
  }

  function knownOf(id: string) {
    const found = known.get(id) ?? makeKnown(id)
    // Taken out and put back, so that the first in the map is the one that was not used for longest.
    known.delete(id)
    known.set(id, found)
    if (known.size > mostKnown) {
      for (const [oldest, { queue }] of known) {
        if (!queue.isBusy) known.delete(oldest)
        break
      }
    }
    return found
  }

  /** Of those with several subjects, as most of a workspace have one in common: all of a workspace's together. */
  const queues = new Map<string, LimitQueue>()

  function queueOf(workspaceId: string): LimitQueue {
    let queue = queues.get(workspaceId)
    if (!queue) {
      const rest = () => void queues.delete(workspaceId)
      queues.set(workspaceId, (queue = new LimitQueue(holdAndSpend, monotonic, timeoutMs, rest)))
    }
    return queue
  }

  function guarded<T>(run: () => MaybePromise<T>): MaybePromise<T> {
    try {
      const answer = run()
      if (!isPromise(answer)) return answer
      return answer.catch((error: unknown) => {
        throw unavailable(name, error)
      })
    } catch (error) {
      throw unavailable(name, error)
    }
  }

  function spendAlone(request: TakenRequest): MaybePromise<LimitAnswer> {
    const answerOf = (spent: Spent): LimitAnswer => {
      if (spent.done) return spent.answers[0]!
      throw new KeyrungError('store_unavailable', { internal: `${name}: limits: ${spent.why}` })
    }
    const spent = inTransaction([request])
    return isPromise(spent) ? spent.then(answerOf) : answerOf(spent)
  }

  function spend(workspaceId: string, request: TakenRequest): MaybePromise<LimitAnswer> {
    const [id, ...others] = idsOf([request])
    if (alone) return spendAlone(request)
    if (id === undefined) return holdAndSpend([request]).then(([answer]) => answer!)
    return (others.length > 0 ? queueOf(workspaceId) : knownOf(id).queue).spend(request)
  }

  function purge(limit: number, before: number): MaybePromise<number> {
    const most = Math.min(limit - before, purgedAtOnce)
    if (!(most > 0)) return before
    const goOn = (removed: number) => (removed < most ? before + removed : purge(limit, before + removed))
    const removed = driver.transact(() => steps.purge(most), { repeatable: true })
    return isPromise(removed) ? removed.then(goOn) : goOn(removed)
  }

  function dropping(id: string, run: () => MaybePromise<unknown>): MaybePromise<void> {
    const drop = () => known.get(id)?.limit.drop()
    const done = guarded(run)
    return isPromise(done) ? done.then(drop) : drop()
  }

  return {
    name,
    // Where a transaction of another is in the way even those that answer at once have to wait.
    synchronous: false,
    shared: true,
    spend: (request) => guarded(() => spend(request.workspaceId, takeRequest(request))),
    refund: (refund) =>
      dropping(limitId(refund.workspaceId, refund.subject), () =>
        driver.transact(() => steps.refund(refund), { keeps: (isChanged) => isChanged, repeatable: true }),
      ),
    forget(workspaceId, subject) {
      const id = limitId(workspaceId, subject)
      return dropping(id, () => driver.transact(() => steps.forget(id), { repeatable: true }))
    },
    purge: (limit) => guarded(() => purge(limit, 0)),
    close: () => driver.close(),
  }
}
