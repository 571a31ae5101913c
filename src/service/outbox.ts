import { formatActor, workspaceOf } from '../core/actor.js'
import type { Actor } from '../core/actor.js'
import { eventRecord } from '../core/audit.js'
import type { AuditEvent } from '../core/audit.js'
import { createIdSequence } from '../core/id.js'
import type { Entropy } from '../crypto/random.js'
import type { AuditSink } from '../ports/audit-sink.js'
import type { Change, MessageRecord } from '../ports/change.js'
import type { Clock } from '../ports/clock.js'
import type { Store } from '../ports/store.js'
import type { ChangeOrigin } from './change-origin.js'
import type { ServiceContext } from './context.js'
import type { Job } from './job.js'
import { quietly } from './notice.js'
import type { Notify } from './notice.js'
import { createLane } from './outbox-lane.js'
import type { LaneState } from './outbox-lane.js'

/** What was done, for its audit event. */
export type ChangeMade =
  | ChangeTo<Extract<AuditEvent, { target: { type: 'key' } }>>
  | ChangeTo<Extract<AuditEvent, { target: { type: 'approval' } }>>
  | ChangeTo<Extract<AuditEvent, { target: { type: 'token' } }>>

interface ChangeTo<E extends AuditEvent> {
  readonly actor: Actor
  readonly action: E['action']
  readonly target: { readonly id: string; readonly name: string }
  /** Null where there was nothing before. */
  readonly before: E['before']
  /** Null where there is nothing after. */
  readonly after: E['after']
  readonly reason?: string | null
  readonly origin?: ChangeOrigin
  /** For a rotation, the first instant at which the old secret no longer works. */
  readonly graceEndsAt?: number | null
}

type IdSequence = ReturnType<typeof createIdSequence>

/** What one instance does within a millisecond is listed and delivered in the order it was done in. */
const sequences = new WeakMap<Entropy, IdSequence>()

function sequenceOf(entropy: Entropy): IdSequence {
  const known = sequences.get(entropy) ?? createIdSequence(entropy)
  sequences.set(entropy, known)
  return known
}

/**
 * The changes to put into the commit of a change: its audit event, and one message for each sink. As they are
 * part of the commit, there is never a change without its event nor an event without its change.
 *
 * @param at when it was done, in milliseconds since 1970
 */
export function changeEvent(
  context: Pick<ServiceContext, 'entropy' | 'sinkNames'>,
  made: ChangeMade,
  at: number,
): Change[] {
  const { entropy, sinkNames } = context
  const nextId = sequenceOf(entropy)
  const event = {
    id: nextId('evt', at),
    at,
    workspaceId: workspaceOf(made.actor),
    actor: formatActor(made.actor),
    action: made.action,
    // Actions are named after what they are done to.
    target: { type: made.action.split('.', 1)[0], id: made.target.id, name: made.target.name },
    reason: made.reason ?? null,
    requestId: made.origin?.requestId ?? null,
    address: made.origin?.address ?? null,
    userAgent: made.origin?.userAgent ?? null,
    before: made.before,
    after: made.after,
    graceEndsAt: made.graceEndsAt ?? null,
  } as AuditEvent
  const payload = JSON.stringify(event)
  const messages = sinkNames.map((destination): Change => {
    const record: MessageRecord = {
      id: nextId('msg', at),
      workspaceId: event.workspaceId,
      version: 1,
      kind: 'sink',
      destination,
      payload,
      createdAt: at,
      // At once, whatever clock `at` was read from: what was told first goes first by its id.
      dueAt: 0,
      attempts: 0,
    }
    return { do: 'insert', type: 'message', record }
  })
  return [{ do: 'insert', type: 'event', record: eventRecord(event) }, ...messages]
}

/** What an outbox works with. */
export interface OutboxOptions {
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  /** Their names are unique. */
  readonly sinks: readonly AuditSink[]
  readonly notify: Notify
  /** How long a sink may take for one write, in milliseconds; 10 s by default. */
  readonly writeLimitMs?: number
}

/** How delivery to a sink stands: `waiting` counts its messages on all instances, null when the store cannot say. */
export interface SinkState extends LaneState {
  readonly waiting: number | null
}

/** Delivers audit events to the sinks of this instance. */
export interface Outbox {
  /** One for each sink, so that none waits for another. */
  readonly jobs: readonly Job[]
  /**
   * Delivers what is due, for at most about `budgetMs`; messages for sinks that only other instances have are
   * left alone.
   *
   * @throws `store_unavailable`
   */
  deliver(budgetMs: number): Promise<{ readonly delivered: number; readonly failed: number }>
  state(): Promise<readonly SinkState[]>
}

/**
 * Makes the outbox: every change event reaches every sink at least once, whatever crashes and for as long as
 * it takes; the same event may arrive again, with the same id.
 */
export function createOutbox(options: OutboxOptions): Outbox {
  const { store, clock, writeLimitMs = 10_000 } = options
  const notify = quietly(options.notify)
  const lanes = options.sinks.map((sink) =>
    createLane({ ...options, notify, sink, writeLimitMs, claimMs: 3 * writeLimitMs + 30_000 }),
  )

  async function countWaiting(): Promise<ReadonlyMap<string, number> | null> {
    try {
      return await store.countMessages()
    } catch {
      return null
    }
  }

  return {
    jobs: lanes,
    async deliver(budgetMs) {
      const deadline = clock.monotonic() + budgetMs
      const sum = { delivered: 0, failed: 0 }
      const deliverAll = async (job: Job): Promise<void> => {
        while (clock.monotonic() < deadline) {
          const report = await job.step()
          sum.delivered += report.delivered ?? 0
          sum.failed += report.failed ?? 0
          if (report.left !== 'more') return
          // Lets the process answer requests between two batches.
          await clock.sleep(0)
        }
      }
      await Promise.all(lanes.map(deliverAll))
      return sum
    },
    async state() {
      const waiting = await countWaiting()
      return lanes.map((lane) => {
        const state = lane.state()
        return { ...state, waiting: waiting === null ? null : (waiting.get(state.name) ?? 0) }
      })
    },
  }
}
