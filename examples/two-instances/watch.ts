import type { Answer, Call, Client } from '../telling/client.js'

/** One request, by this process's clock. */
export interface Seen {
  readonly sentAt: number
  readonly answeredAt: number
  readonly answer: Answer
}

/** How many requests are on their way at any time. */
const callers = 4

/** Makes the same call over and over until it is stopped, and keeps when each was sent and what it came to. */
export class Watch {
  readonly #seen: Seen[] = []
  readonly #done: Promise<unknown>
  #isOver = false

  /** @param onSeen told of each, e.g. to print some */
  constructor(client: Client, call: Call, onSeen: (seen: Seen) => void) {
    const repeat = async (): Promise<void> => {
      while (!this.#isOver) {
        const sentAt = performance.now()
        const answer = await client.send(call)
        const seen = { sentAt, answeredAt: performance.now(), answer }
        this.#seen.push(seen)
        onSeen(seen)
      }
    }
    this.#done = Promise.all(Array.from({ length: callers }, repeat))
    // Whoever stops the watch is told; until then nobody listens.
    this.#done.catch(() => undefined)
  }

  /** Waits until so many requests that were sent after an instant have been answered, and ends. */
  async stop(after: { readonly instant: number; readonly atLeast: number }): Promise<readonly Seen[]> {
    const isEnough = (): boolean =>
      this.#seen.filter(({ sentAt }) => sentAt > after.instant).length >= after.atLeast
    const failed = this.#done.then(() => undefined)
    while (!isEnough()) await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 10))])
    this.#isOver = true
    await this.#done
    return this.#seen
  }
}
