import type { Clock } from '../../ports/clock.js'

/** What a race is lost with when its time is over. */
export const late = Symbol('late')

/** The time that one call has for all that it does. */
export class TimeBound {
  readonly #stop: () => void
  readonly #losers = new Set<(reason: typeof late) => void>()
  #over = false

  /** Starts it; in milliseconds. */
  constructor(clock: Clock, ms: number) {
    this.#stop = clock.after(ms, () => {
      this.#over = true
      for (const lose of this.#losers) lose(late)
    })
  }

  get over(): boolean {
    return this.#over
  }

  /** Settles as the promise does, or rejects with `late` when time is over; what comes afterwards is dropped. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#over) reject(late)
      this.#losers.add(reject)
      promise.then(
        (value) => {
          this.#losers.delete(reject)
          resolve(value)
        },
        (error: unknown) => {
          this.#losers.delete(reject)
          reject(error as Error)
        },
      )
    })
  }

  /** Has to be called at the end, as a timer runs. */
  end(): void {
    this.#stop()
  }
}
