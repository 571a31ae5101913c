import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'

/** Counts calls in progress, so that closing can wait for them. */
export interface InFlight {
  /** Counts an answer until it settles, and returns it. */
  track<T>(answer: MaybePromise<T>): MaybePromise<T>
  /** Resolves when no call is in progress, or after `limitMs`. */
  drain(limitMs: number): Promise<void>
}

/** Creates a counter of calls in progress. */
export function createInFlight(clock: Clock): InFlight {
  let count = 0
  let onIdle: () => void = () => undefined

  function end(): void {
    if (--count === 0) onIdle()
  }

  return {
    track(answer) {
      if (isPromise(answer)) {
        count++
        answer.then(end, end)
      }
      return answer
    },
    async drain(limitMs) {
      const deadline = clock.monotonic() + limitMs
      for (;;) {
        if (count > 0) {
          const limit = new AbortController()
          const idle = new Promise<void>((resolve) => (onIdle = resolve))
          await Promise.race([idle, clock.sleep(Math.max(0, deadline - clock.monotonic()), limit.signal)])
          limit.abort()
        }
        // A call that has one answer may be about to ask the next question.
        await clock.sleep(0)
        if (count === 0 || clock.monotonic() >= deadline) return
      }
    },
  }
}
