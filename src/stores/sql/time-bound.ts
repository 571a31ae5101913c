import type { Clock } from '../../ports/clock.js'

/** What a race is lost with when its time is over. */
export const late = Symbol('late')

/** The time that one call has for all that it does. */
export interface TimeBound {
  readonly over: boolean
  /** Settles as the promise does, or rejects with `late` when time is over; what comes afterwards is dropped. */
  race<T>(promise: Promise<T>): Promise<T>
  /** Has to be called at the end, as a timer runs. */
  end(): void
}

/** Starts the time of a call, in milliseconds. */
export function startTimeBound(clock: Clock, ms: number): TimeBound {
  const stop = new AbortController()
  let over = false
  let lose: (reason: typeof late) => void
  const lost = new Promise<never>((_, reject) => (lose = reject))
  // Nobody may be racing when time is over.
  lost.catch(() => undefined)
  void clock.sleep(ms, stop.signal).then(() => {
    if (stop.signal.aborted) return
    over = true
    lose(late)
  })
  return {
    get over() {
      return over
    },
    race(promise) {
      promise.catch(() => undefined)
      return Promise.race([promise, lost])
    },
    end: () => stop.abort(),
  }
}
