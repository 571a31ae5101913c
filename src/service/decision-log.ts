import type { DecisionEvent } from '../core/audit.js'
import type { AuditSink } from '../ports/audit-sink.js'
import type { Clock } from '../ports/clock.js'
import type { Job } from './job.js'
import { attempt } from './time-limit.js'

/** The most different refusals told apart at a time. */
const maxEntries = 1_000

/** How long a sink may take for one write, in milliseconds. */
const writeLimitMs = 5_000

/** How long a sink that did not answer is passed over, in milliseconds, unless it answers before. */
const passOverMs = 60_000

/** A refusal, as far as it is counted. */
export type Refusal = Pick<DecisionEvent, 'workspaceId' | 'keyId' | 'code' | 'permission'>

/** What refusals beyond the bound are counted under. */
const other: Refusal = { workspaceId: '', keyId: '', code: 'other', permission: null }

/** Refusals, counted until they are handed to the sinks. */
export interface DecisionLog {
  add(refusal: Refusal, at: number): void
  /** Hands over what was counted; returns when every sink has answered or taken too long. */
  flush(): Promise<void>
  readonly job: Job
  state(): { readonly waitingDecisions: number; readonly lostDecisions: number }
}

type Counted = { -readonly [P in keyof DecisionEvent]: DecisionEvent[P] }

/**
 * Makes the stream of decision events: equal refusals become one entry with a count, the entries are bounded,
 * and each is handed to each sink at most once. A sink that fails or hangs loses its own entries only.
 */
export function createDecisionLog(options: {
  readonly sinks: readonly AuditSink[]
  readonly clock: Clock
}): DecisionLog {
  const { clock } = options
  const sinks = options.sinks.filter((sink) => sink.writeDecisions !== undefined)
  const busyUntil = new Map<AuditSink, number>()
  let entries = new Map<string, Counted>()
  let lost = 0
  let running: Promise<number> = Promise.resolve(0)

  async function hand(sink: AuditSink, events: readonly DecisionEvent[]): Promise<number> {
    const now = clock.monotonic()
    if ((busyUntil.get(sink) ?? now) > now) {
      lost += total(events)
      return 0
    }
    const until = now + passOverMs
    busyUntil.set(sink, until)
    const written = await attempt(clock, writeLimitMs, async () => {
      try {
        await sink.writeDecisions!(events)
      } finally {
        // A write that answers after its time must not free a later one's place.
        if (busyUntil.get(sink) === until) busyUntil.delete(sink)
      }
    })
    if (written.ok) return events.length
    lost += total(events)
    return 0
  }

  async function handOver(): Promise<number> {
    if (entries.size === 0) return 0
    const events = [...entries.values()]
    entries = new Map()
    const handed = await Promise.all(sinks.map((sink) => hand(sink, events)))
    return Math.max(0, ...handed)
  }

  /** One after the other: a sink that is merely slow is waited for, not passed over. */
  function flush(): Promise<number> {
    running = running.then(handOver)
    return running
  }

  return {
    add(refusal, at) {
      if (sinks.length === 0) return
      const { workspaceId, keyId, code, permission } = refusal
      const known = entries.get(keyOf(refusal))
      const full = known === undefined && entries.size >= maxEntries
      const counted = known ?? (full ? entries.get(keyOf(other)) : undefined)
      if (counted !== undefined) {
        counted.count++
        counted.firstAt = Math.min(counted.firstAt, at)
        counted.lastAt = Math.max(counted.lastAt, at)
        return
      }
      const subject = full ? other : { workspaceId, keyId, code, permission }
      entries.set(keyOf(subject), { firstAt: at, lastAt: at, count: 1, ...subject })
    },
    flush: async () => void (await flush()),
    job: {
      name: 'counted refusals',
      idleMs: 1_000,
      step: async () => ({ flushed: await flush(), left: 'nothing' }),
    },
    state: () => ({ waitingDecisions: entries.size, lostDecisions: lost }),
  }
}

/** Injective: two different refusals never share an entry. */
function keyOf({ workspaceId, keyId, code, permission }: Refusal): string {
  return JSON.stringify([workspaceId, keyId, code, permission])
}

function total(events: readonly DecisionEvent[]): number {
  return events.reduce((sum, event) => sum + event.count, 0)
}
