import type { LimitAnswer, LimitRequest } from '../../ports/limit-store.js'
import { systemClock } from '../../ports/system-clock.js'
import { Batch } from './batch.js'
import type { Caller } from './batch.js'
import { readSpent, spendCall } from './call.js'
import type { RedisConnection } from './connection.js'
import { isAcrossSlots, unavailable } from './failure.js'
import { spendScript } from './script.js'
import type { MemoryWatch } from './watch.js'

/** What spendings go through. */
export interface SpendingOptions {
  readonly connection: RedisConnection
  readonly watch: MemoryWatch
  /** The store's now, where the server does not say it. */
  now(): number | undefined
  /** Whether keys of different workspaces may lie on different servers. */
  readonly apart: boolean
}

/**
 * Gathers what is spent in one turn of the event loop, and sends it in one call: of each workspace where their keys may
 * lie on different servers, of all of them where they do not.
 */
export class Spending {
  readonly #options: SpendingOptions
  #apart: boolean
  /** What is being gathered, by workspace, or by `''` for all of them. */
  readonly #open = new Map<string, Batch>()

  constructor(options: SpendingOptions) {
    this.#options = options
    this.#apart = options.apart
  }

  /** @param workspace what the keys of its workspace begin with */
  spend(request: LimitRequest, workspace: string): Promise<LimitAnswer> {
    return new Promise((resolve, reject) => {
      this.#options.connection.enter()
      this.#gather(request, workspace, { resolve, reject })
    })
  }

  #gather(request: LimitRequest, workspace: string, caller: Caller): void {
    const place = this.#apart ? workspace : ''
    let batch = this.#open.get(place)
    if (!batch?.add(request, workspace, caller)) {
      if (batch) this.#send(place, batch)
      else if (this.#open.size === 0) setImmediate(() => this.#sendAll())
      batch = new Batch()
      batch.add(request, workspace, caller)
      this.#open.set(place, batch)
    }
    if (batch.isFull) this.#send(place, batch)
  }

  #send(place: string, batch: Batch): void {
    this.#open.delete(place)
    void this.#serve(batch)
  }

  #sendAll(): void {
    for (const [place, batch] of this.#open) this.#send(place, batch)
  }

  async #serve(batch: Batch): Promise<void> {
    const { connection, watch, now } = this.#options
    const callers = batch.groups.flatMap((group) => group.callers)
    try {
      const spent = await connection.ask(async () => {
        const { generation } = connection
        const places = [...batch.workspaces.keys()]
        const monotonic = systemClock.monotonic()
        const seen = places.map((workspace) => watch.seen(workspace, generation, monotonic))
        const time = now()
        const call = spendCall(batch, time === undefined ? '' : String(time), time ?? systemClock.now(), seen)
        const answer = await connection.run(spendScript, call.keys, call.values)
        // Sent again behind another connection by the client, it spoke of a server that this one may not be.
        if (connection.generation !== generation) throw unavailable('connection lost')
        const read = readSpent(answer, batch)
        places.forEach((workspace, i) =>
          watch.learn(workspace, read.now, read.told.get(i), generation, systemClock.monotonic()),
        )
        return read
      })
      connection.leave(callers.length)
      for (const [i, group] of batch.groups.entries()) {
        const answerOf = spent.answers[i]
        group.callers.forEach((caller, n) => {
          if (answerOf) caller.resolve(answerOf(n))
          else caller.reject(unavailable('what is kept cannot be read'))
        })
      }
    } catch (error) {
      // A cluster behind a client that knows of none: nothing was spent, and each workspace goes by itself from now on.
      if (!this.#apart && batch.workspaces.size > 1 && isAcrossSlots(error)) {
        this.#apart = true
        for (const { request, workspace, callers: again } of batch.groups) {
          for (const caller of again) this.#gather(request, workspace, caller)
        }
        return
      }
      connection.leave(callers.length)
      for (const caller of callers) caller.reject(error)
    }
  }
}
