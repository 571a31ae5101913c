import { invalid } from '../core/errors.js'
import { earliestInstant } from '../core/time.js'
import type { Clock } from '../ports/clock.js'

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /**
   * Lets time pass on both clocks: whoever sleeps is woken at its instant, in order, and what it does next is done
   * before the next one wakes.
   */
  advance(ms: number): Promise<void>
  /**
   * Lets time pass from one sleeper to the next until some work is done, and answers what came of it: a change on a `cached`
   * store, which waits until no instance uses an older answer.
   */
  during<T>(work: Promise<T>): Promise<T>
  /** Sets the wall clock on or back, as an administrator or a time server would; no time passes. */
  step(ms: number): void
  /** How many sleep, and how many timers run. */
  readonly sleepers: number
}

interface Sleeper {
  readonly due: number
  wake(): void
}

/** Where a manual clock starts if it is not told: 2026-01-01. */
const defaultStart = 1_767_225_600_000

/** Taken before anybody replaces the timers. */
const { setImmediate } = globalThis

function checkMs(ms: unknown, least: number): void {
  if (Number.isSafeInteger(ms) && (ms as number) >= least) return
  throw invalid('input_invalid', [{ path: 'ms', message: 'must be whole milliseconds' }])
}

function checkDuration(ms: number): void {
  if (!(ms >= 0)) throw invalid('input_invalid', [{ path: 'ms', message: 'must be a duration' }])
}

/** Lets everything that is ready to go on do so, and what becomes ready through it. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

/**
 * Makes a clock for tests.
 *
 * @param start what the wall clock shows, in milliseconds since 1970
 * @throws KeyrungError `input_invalid` for what is no whole number of milliseconds
 * @example
 * ```ts
 * const clock = manualClock()
 * const keyrung = createKeyrung({ catalog, store: memoryStore({ clock }), clock, secret, keys })
 * await clock.advance(60_000)
 * ```
 */
export function manualClock(start: number = defaultStart): ManualClock {
  checkMs(start, earliestInstant)
  let wall = start
  // Not zero, and not the wall's time: who mixes the two up is found out.
  let passed = 5_000
  const sleepers = new Set<Sleeper>()

  function moveTo(instant: number): void {
    wall += instant - passed
    passed = instant
  }

  function nextDue(end: number): Sleeper | undefined {
    let next: Sleeper | undefined
    for (const sleeper of sleepers) {
      if (sleeper.due <= end && (!next || sleeper.due < next.due)) next = sleeper
    }
    return next
  }

  function startTimer(ms: number, ring: () => void): () => void {
    const sleeper: Sleeper = {
      due: passed + Math.ceil(ms),
      wake() {
        sleepers.delete(sleeper)
        ring()
      },
    }
    sleepers.add(sleeper)
    return () => void sleepers.delete(sleeper)
  }

  return {
    now: () => wall,
    monotonic: () => passed,
    get sleepers() {
      return sleepers.size
    },
    sleep(ms, signal) {
      checkDuration(ms)
      if (ms === 0 || signal?.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const stop = startTimer(ms, end)
        signal?.addEventListener('abort', end, { once: true })
        function end(): void {
          stop()
          signal?.removeEventListener('abort', end)
          resolve()
        }
      })
    },
    after(ms, ring) {
      checkDuration(ms)
      return startTimer(ms, ring)
    },
    async advance(ms) {
      checkMs(ms, 0)
      const end = passed + ms
      await settle()
      for (let next = nextDue(end); next; next = nextDue(end)) {
        moveTo(Math.max(passed, next.due))
        next.wake()
        await settle()
      }
      moveTo(Math.max(passed, end))
    },
    async during(work) {
      const state = { isDone: false }
      const note = async (): Promise<void> => {
        await Promise.allSettled([work])
        state.isDone = true
      }
      void note()
      await settle()
      while (!state.isDone) {
        const next = nextDue(Infinity)
        if (next) {
          moveTo(Math.max(passed, next.due))
          next.wake()
        }
        await settle()
      }
      return work
    },
    step(ms) {
      checkMs(ms, -Number.MAX_SAFE_INTEGER)
      wall += ms
    },
  }
}
