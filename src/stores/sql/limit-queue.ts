import type { LimitAnswer } from '../../ports/limit-store.js'
import type { TakenRequest } from './limit-batch.js'

/** Answers requests together, in their order. */
export type ServeBatch = (requests: readonly TakenRequest[]) => Promise<readonly LimitAnswer[]>

interface Waiting {
  readonly request: TakenRequest
  readonly dueBy: number
  resolve(answer: LimitAnswer): void
  reject(error: unknown): void
}

/** The most requests, and about the most rows, that are served together. */
const mostTogether = 256
const mostRows = 64

/**
 * Requests that concern the same rows, in the order of their arrival: while some are served those that come wait, and
 * are then served together, so that one process never competes with itself.
 */
export class LimitQueue {
  readonly #serve: ServeBatch
  readonly #monotonic: () => number
  readonly #timeoutMs: number
  readonly #rest: (() => void) | undefined
  readonly #waiting: Waiting[] = []
  #isBusy = false

  /** @param rest called when nobody waits here any more */
  constructor(serve: ServeBatch, monotonic: () => number, timeoutMs: number, rest?: () => void) {
    this.#rest = rest
    this.#serve = serve
    this.#monotonic = monotonic
    this.#timeoutMs = timeoutMs
  }

  /** True while somebody waits here. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Rejects with what its batch was rejected with; one whose time has passed meanwhile, with what the batch before it was. */
  spend(request: TakenRequest): Promise<LimitAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, dueBy: this.#monotonic() + this.#timeoutMs, resolve, reject })
      if (!this.#isBusy) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isBusy = true
    while (this.#waiting.length > 0) await this.#serveNext()
    this.#isBusy = false
    this.#rest?.()
  }

  async #serveNext(): Promise<void> {
    const batch = this.#waiting.splice(0, this.#countNext())
    try {
      const answers = await this.#serve(batch.map(({ request }) => request))
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i]!)
    } catch (error) {
      for (const { reject } of batch) reject(error)
      // Those whose time has passed with this attempt have no other.
      const now = this.#monotonic()
      while (this.#waiting[0] && this.#waiting[0].dueBy <= now) this.#waiting.shift()!.reject(error)
    }
  }

  #countNext(): number {
    const ids = new Set<string>()
    let count = 0
    for (const { request } of this.#waiting) {
      for (const { id } of request.charges) ids.add(id)
      if (count > 0 && (count >= mostTogether || ids.size > mostRows)) break
      count++
    }
    return count
  }
}
