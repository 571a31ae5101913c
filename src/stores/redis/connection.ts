import type { KeyrungError } from '../../core/errors.js'
import { systemClock } from '../../ports/system-clock.js'
import type { RedisFace } from './client.js'
import { failureOf, isUnknownScript, unavailable } from './failure.js'
import type { Script } from './script.js'

/** So many may wait for an answer at a time: a server that is silent fills no memory here, nor in the client. */
const mostOutstanding = 10_000

/** Asks a client, and waits for its answer no longer than it was told. */
export class RedisConnection {
  readonly #client: RedisFace
  readonly #timeoutMs: number
  readonly #waiting = new Set<() => void>()
  #outstanding = 0
  #generation = 0
  #closed = false

  readonly #onReady = () => {
    this.#generation += 1
    this.#wake()
  }
  readonly #onEnd = () => this.#wake()
  // A client without a listener prints its errors, or ends the process with them.
  readonly #onError = () => undefined

  constructor(client: RedisFace, timeoutMs: number) {
    this.#client = client
    this.#timeoutMs = timeoutMs
    client.on('ready', this.#onReady)
    client.on('end', this.#onEnd)
    client.on('error', this.#onError)
  }

  /** How often the client has connected since this was made: behind the same number is the same connection. */
  get generation(): number {
    return this.#generation
  }

  /**
   * Counts one who is going to wait for an answer, until it leaves.
   *
   * @throws KeyrungError `store_unavailable` where too many do
   */
  enter(): void {
    if (this.#closed) throw unavailable('closed')
    if (this.#outstanding >= mostOutstanding) throw unavailable('too many wait for it')
    this.#outstanding += 1
  }

  /** So many have their answer, or none any more. */
  leave(count: number): void {
    this.#outstanding -= count
  }

  /**
   * Waits until the client is connected, sends, and waits for the answer: all of it within the time-out. Nothing is
   * sent while it is not connected, so that nothing gathers in its queue, and nothing after the time-out.
   *
   * @throws KeyrungError `store_unavailable`
   */
  ask<T>(send: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let over = false
      const end = (): boolean => {
        if (over) return false
        over = true
        stop()
        this.#waiting.delete(go)
        return true
      }
      const fail = (error: KeyrungError) => void (end() && reject(error))
      const stop = systemClock.after(this.#timeoutMs, () => fail(unavailable('timeout')))
      const go = (): void => {
        const state = this.#client.state()
        if (this.#closed || state === 'over') return fail(unavailable('closed'))
        if (state !== 'ready') {
          this.#waiting.add(go)
          if (state === 'idle') this.#client.connect()
          return
        }
        this.#waiting.delete(go)
        try {
          send().then(
            (value) => void (end() && resolve(value)),
            (error: unknown) => fail(failureOf(error)),
          )
        } catch (error) {
          fail(failureOf(error))
        }
      }
      go()
    })
  }

  /** Runs a script by its digest, by its text where the server does not know it. */
  run(script: Script, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    return this.#client.evalSha(script.digest, keys, values).catch((error: unknown) => {
      if (!isUnknownScript(error)) throw error
      return this.#client.eval(script.text, keys, values)
    })
  }

  remove(key: string): Promise<unknown> {
    return this.#client.del(key)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wake()
    this.#client.off('ready', this.#onReady)
    this.#client.off('end', this.#onEnd)
    this.#client.off('error', this.#onError)
  }

  #wake(): void {
    for (const go of [...this.#waiting]) go()
  }
}
