import { invalid } from '../core/errors.js'
import { isDuration } from '../core/time.js'
import { dayAt } from '../core/usage.js'
import type { Clock } from '../ports/clock.js'
import type { Store } from '../ports/store.js'
import type { Job, StepReport } from './job.js'
import { quietly } from './notice.js'
import type { Notify } from './notice.js'
import { errorWord } from './time-limit.js'

/** The most records of each kind that one step of a purge removes. */
const purgeBatch = 500

/** What the steps of a tick are summed up in. */
const counts = ['delivered', 'failed', 'flushed', 'purged', 'expired', 'executed'] as const

/** The longest budget of a tick, in milliseconds. */
const longestBudgetMs = 3_600_000

/** What a round of background work came to. */
export interface TickReport {
  /** Audit events that reached a sink. */
  readonly delivered: number
  /** Audit events that a sink did not take; they are kept and tried again. */
  readonly failed: number
  /** Last-used times, counts of usage and counted refusals that were written. */
  readonly flushed: number
  /** Records that were removed, as their time was over. */
  readonly purged: number
  /** Approvals that ended as nobody had decided in time. */
  readonly expired: number
  /** Approved operations that were run. */
  readonly executed: number
  /** False where something was left over: the budget ended, a sink did not take its events, or the store failed. */
  readonly done: boolean
}

/** Background work that goes on until it is stopped. */
export interface Worker {
  /** Begins nothing new and waits for what is under way, for a bounded time. */
  stop(): Promise<void>
}

/** What background work is made of. */
export interface WorkerOptions {
  readonly clock: Clock
  readonly jobs: readonly Job[]
  readonly notify: Notify
  /** Called whenever work begins. */
  readonly begin?: () => void
  /** How long `stop` waits for what is under way, in milliseconds; 10 s by default. */
  readonly stopLimitMs?: number
}

/** Does background work: in one go, or continuously. */
export interface BackgroundWork {
  /**
   * Does what there is to do now, for at most about `budgetMs` (5 s by default); what hangs is left behind and
   * goes on unseen.
   *
   * @throws `input_invalid` for a budget that is not whole milliseconds, up to an hour
   */
  tick(options?: { readonly budgetMs?: number }): Promise<TickReport>
  /** Works until stopped, on any number of instances at once; called again meanwhile it answers the same worker. */
  run(): Worker
}

/**
 * Makes the background work: each job on its own, so that one that hangs or fails delays no other. There are no
 * timers but those of `run` and of a tick's budget.
 */
export function createWorker(options: WorkerOptions): BackgroundWork {
  const { clock, begin = () => undefined, stopLimitMs = 10_000 } = options
  const jobs = options.jobs.map((job) => withoutThrows(job, quietly(options.notify)))
  let current: Worker | undefined

  async function goOn(job: Job, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { left } = await job.step()
      // The shortest sleep lets the process answer requests between two steps.
      await clock.sleep(left === 'more' ? 0 : job.idleMs, signal)
    }
    await job.finish?.()
  }

  return {
    async tick({ budgetMs = 5_000 } = {}) {
      if (!isDuration(budgetMs, longestBudgetMs)) {
        throw invalid('input_invalid', [
          { path: 'budgetMs', message: 'must be whole milliseconds, at most an hour' },
        ])
      }
      begin()
      const deadline = clock.monotonic() + budgetMs
      const sum = { delivered: 0, failed: 0, flushed: 0, purged: 0, expired: 0, executed: 0 }
      let finished = 0
      const work = async (job: Job): Promise<void> => {
        while (clock.monotonic() < deadline) {
          const report = await job.step()
          for (const count of counts) {
            sum[count] += report[count] ?? 0
          }
          if (report.left === 'nothing') finished++
          if (report.left !== 'more') return
          await clock.sleep(0)
        }
      }
      const budget = new AbortController()
      await Promise.race([Promise.all(jobs.map(work)), clock.sleep(budgetMs, budget.signal)])
      budget.abort()
      return { ...sum, done: finished === jobs.length && sum.failed === 0 }
    },
    run() {
      if (current !== undefined) return current
      begin()
      // One for each job: Node takes more than ten listeners of one signal for a leak, and warns.
      const endings = jobs.map(() => new AbortController())
      const loops = Promise.all(jobs.map((job, i) => goOn(job, endings[i]!.signal)))
      let stopped: Promise<void> | undefined
      const stop = async (): Promise<void> => {
        for (const ending of endings) ending.abort()
        const limit = new AbortController()
        await Promise.race([loops, clock.sleep(stopLimitMs, limit.signal)])
        limit.abort()
        current = undefined
      }
      current = { stop: () => (stopped ??= stop()) }
      return current
    },
  }
}

/** A job's failure is told once, until it works again; then it is simply tried again after its rest. */
function withoutThrows(job: Job, notify: Notify): Job {
  let failing = false
  return {
    ...job,
    async step(): Promise<StepReport> {
      try {
        const report = await job.step()
        failing = false
        return report
      } catch (error) {
        const cause = errorWord(error)
        if (!failing) {
          failing = true
          const message = `Background work cannot go on: ${job.name} (${cause}); it is tried again.`
          notify({ code: 'store_failing', message })
        }
        return { left: 'stuck' }
      }
    },
  }
}

/**
 * The job that removes what time has ended, in bounded steps.
 *
 * @param options.usageDays how many days usage is kept, beside the present one; infinite unless said otherwise
 */
export function purgeJob(options: {
  readonly store: Pick<Store, 'now' | 'purge'>
  readonly usageDays?: number
}): Job {
  const { store, usageDays = Infinity } = options
  return {
    name: 'purge',
    idleMs: 60_000,
    async step() {
      const now = await store.now()
      const usage = usageDays < Infinity ? { usageBefore: dayAt(now) - usageDays } : {}
      const purged = await store.purge({ now, limit: purgeBatch, ...usage })
      return { purged, left: purged > 0 ? 'more' : 'nothing' }
    },
  }
}
