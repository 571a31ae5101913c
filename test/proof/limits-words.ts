/** What the processes of the proof of limits are told and what they answer. */
import type { Limit } from '../../src/core/limit.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import type { Meeting } from './freshness-words.js'

/** Where units are counted: where the keys are, or on a Redis beside it; in memory there is nobody to share with. */
export interface CountedIn {
  readonly keys: Meeting | 'memory'
  readonly redis?: DatabaseAddress
  /** Each process counts for itself, which no host of several should do. */
  readonly alone?: true
}

/** How an instance is set up. */
export interface CountingHost {
  readonly store: CountedIn
  readonly limits: readonly Limit[]
  /** How many units a lease has; left out: none. */
  readonly leases?: number | undefined
  /** The part of each limit that it gives out by itself while the limit store is away; left out: it denies. */
  readonly share?: number | undefined
  readonly timeoutMs: number
  /** How far its wall clock is ahead of the machine's. */
  readonly aheadMs: number
}

/** One call that was admitted, or failed: when it began and ended, on the clock that all processes of a machine share. */
interface Call {
  readonly begin: number
  readonly end: number
}

/** One call that could not be counted, and what the operator is told of it. */
export interface FailedCall extends Call {
  readonly why: string
}

/** An admitted call, and the limit store's now as it was told: of a lease, what the instance takes it to be. */
export interface AdmittedCall extends Call {
  readonly at: number
}

/** What a flood came to in one process. */
export interface Flooded {
  readonly admitted: readonly AdmittedCall[]
  /** Those that were refused with 503. */
  readonly failed: readonly FailedCall[]
  /** How often each limit was the one that refused. */
  readonly refusedBy: Readonly<Record<string, number>>
  /** Every other answer. */
  readonly strange: readonly string[]
  /** The longest that any call took, in milliseconds. */
  readonly slowestMs: number
}

/** Every order to a process, with what it takes and answers. */
export interface CountingOrders {
  greet: { given: object; answer: null }
  open: { given: CountingHost; answer: null }
  make: { given: object; answer: { secret: string } }
  /** Begins to call with a key, so many at a time, until it is told to stop. */
  flood: { given: { secret: string; inFlight: number }; answer: null }
  look: { given: object; answer: { refusedBy: Readonly<Record<string, number>>; admitted: number } }
  stop: { given: object; answer: Flooded }
  /** Steps the wall clock. */
  step: { given: { stepMs: number }; answer: null }
  state: { given: object; answer: string }
  close: { given: object; answer: null }
}
