import type { Clock } from '../../ports/clock.js'

/** Remembers of which connections it is known that they lead to the primary. */
export class ServerRoles {
  readonly #checkedAt = new WeakMap<object, number>()
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #trustedMs: number

  /** Starts with none; what was found out of one is trusted for so long. */
  constructor(clock: Pick<Clock, 'monotonic'>, trustedMs: number) {
    this.#clock = clock
    this.#trustedMs = trustedMs
  }

  /** Says whether a connection was found to lead to the primary, and nothing speaks against it. */
  isKnown(connection: object): boolean {
    const at = this.#checkedAt.get(connection)
    return at !== undefined && this.#clock.monotonic() - at < this.#trustedMs
  }

  /** Says whether it ever was. */
  wasKnown(connection: object): boolean {
    return this.#checkedAt.has(connection)
  }

  learn(connection: object): void {
    this.#checkedAt.set(connection, this.#clock.monotonic())
  }

  /** Has a connection checked before its next use, as something went wrong on it. */
  doubt(connection: object): void {
    if (this.#checkedAt.has(connection)) this.#checkedAt.set(connection, -Infinity)
  }
}
