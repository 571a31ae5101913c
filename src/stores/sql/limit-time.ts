import type { Clock } from '../../ports/clock.js'
import { readNumber } from './rows.js'

/** What the store's now is taken to be between two answers; what it decides is always asked of the store. */
export class LimitTime {
  readonly #clock: Pick<Clock, 'now'> | null
  readonly #monotonic: () => number
  /** The difference between the store's now and the monotonic clock: at least, and at most. */
  #least: number | undefined
  #most = 0

  /** @param clock what the store's now is; null: the server's */
  constructor(clock: Pick<Clock, 'now'> | null, monotonic: () => number) {
    this.#clock = clock
    this.#monotonic = monotonic
  }

  /**
   * Takes note of the store's now in an answer, and answers it.
   *
   * @param told as the server told it
   * @param sentAt when it was asked, on the monotonic clock
   */
  learn(told: unknown, sentAt: number): number {
    if (this.#clock) return this.#clock.now()
    const now = readNumber(told, 'server time')
    this.#least = now - this.#monotonic()
    this.#most = now + 1 - sentAt
    return now
  }

  /** The store's now, or a little less; nothing where it was never told. */
  findEarliest(): number | undefined {
    if (this.#clock) return this.#clock.now()
    return this.#least === undefined ? undefined : Math.floor(this.#monotonic() + this.#least)
  }

  /** The store's now, or a little more. */
  latest(): number {
    return this.#clock ? this.#clock.now() : Math.ceil(this.#monotonic() + this.#most)
  }
}
