import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import { Generations } from '../core/generations.js'

/** How answers are leased. */
export interface LeasedOptions<V> {
  /** Asks the source; what it throws or rejects with goes to the caller and is never kept. */
  load(key: string): MaybePromise<V>
  /** How long an answer may be used, in milliseconds from before it was asked for. */
  leaseMs(): number
  readonly clock: Clock
  /** The most answers kept. */
  readonly max: number
  /** The most answers of `undefined` kept, apart from the others, so that a flood of unknown keys evicts none. */
  readonly maxMissing: number
}

/** Answers of a slow source, each kept for the length of a lease. */
export interface Leased<V> {
  get(key: string): MaybePromise<V>
  /** Whether a value is kept, also where its lease is over: what was found once is worth asking for again. */
  has(key: string): boolean
  /** Forgets answers; one that is on its way is given to those who wait for it, and not kept. */
  drop(matches: (key: string) => boolean): void
  /** How many answers are kept. */
  readonly size: number
}

interface Start {
  readonly monotonic: number
  readonly wall: number
}

interface Entry<V> extends Start {
  readonly value: V
  renewing: boolean
}

interface Flight<V> extends Start {
  readonly answer: Promise<V>
}

/**
 * Makes a cache whose every entry is a lease: it runs from before the source was asked, and ends when either
 * clock has advanced by its length. A change that waits one lease after its commit is therefore seen by every
 * `get` that begins afterwards, also on an instance that was paused, cut off or had its wall clock stepped.
 */
export function createLeased<V>(options: LeasedOptions<V>): Leased<V> {
  const { clock, load, leaseMs, max, maxMissing } = options
  const found = new Generations<Entry<V>>(max)
  const missing = new Generations<Entry<V>>(maxMissing)
  const flights = new Map<string, Flight<V>>()

  const begin = (): Start => ({ monotonic: clock.monotonic(), wall: clock.now() })
  const age = (start: Start): number =>
    Math.max(clock.monotonic() - start.monotonic, clock.now() - start.wall)

  function keep(key: string, value: V, start: Start): void {
    found.delete(key)
    missing.delete(key)
    if (!(age(start) < leaseMs())) return
    const entries = value === undefined ? missing : found
    // A busy key is asked for anew with each lease, so that what is forgotten is the idlest.
    entries.set(key, { value, monotonic: start.monotonic, wall: start.wall, renewing: false })
  }

  function ask(key: string): MaybePromise<V> {
    const start = begin()
    const answer = load(key)
    if (!isPromise(answer)) {
      keep(key, answer, start)
      return answer
    }
    const flight: Flight<V> = { ...start, answer: Promise.resolve(answer).then(land, fail) }
    flights.set(key, flight)
    return flight.answer

    function land(value: V): V {
      // Dropped or overtaken meanwhile: its callers began in time, later ones must not see it.
      if (flights.get(key) === flight) {
        flights.delete(key)
        keep(key, value, start)
      }
      return value
    }
    function fail(error: unknown): never {
      if (flights.get(key) === flight) flights.delete(key)
      throw error
    }
  }

  /** Renews a busy entry before it ends, so that nobody waits; a failure shows when the lease is over. */
  function renew(key: string, entry: Entry<V>): void {
    entry.renewing = true
    try {
      const answer = flights.has(key) ? undefined : ask(key)
      if (isPromise(answer)) answer.catch(() => undefined)
    } catch {
      // The same: the entry serves until its lease ends, and then the error reaches a caller.
    }
  }

  return {
    get(key) {
      const entry = found.get(key) ?? missing.get(key)
      if (entry !== undefined) {
        const lease = leaseMs()
        const passed = age(entry)
        if (passed < lease) {
          if (!entry.renewing && passed >= lease * 0.75) renew(key, entry)
          return entry.value
        }
      }
      const flight = flights.get(key)
      // Joining is right while the question was asked less than a lease before this call began.
      return flight !== undefined && age(flight) < leaseMs() ? flight.answer : ask(key)
    },
    has: (key) => found.get(key) !== undefined,
    drop(matches) {
      found.deleteWhere(matches)
      missing.deleteWhere(matches)
      for (const key of flights.keys()) if (matches(key)) flights.delete(key)
    },
    get size() {
      return found.size + missing.size
    },
  }
}
