import { parseEventText } from '../core/audit-record.js'
import type { AuditEvent } from '../core/audit.js'
import { jsonLine } from '../core/line.js'
import type { Entropy } from '../crypto/random.js'
import type { AuditSink } from '../ports/audit-sink.js'
import type { Change, MessageRecord } from '../ports/change.js'
import type { Clock } from '../ports/clock.js'
import type { Store } from '../ports/store.js'
import { backOff } from './back-off.js'
import type { Job, StepReport } from './job.js'
import type { Notify } from './notice.js'
import { attempt } from './time-limit.js'

/** The most messages of one write. */
const maxBatch = 100

/** A message that failed so often travels alone, so that one the sink cannot take holds up no other. */
const aloneFrom = 7

/** The longest a failing sink is left alone before other messages are tried on it, in milliseconds. */
const longestPauseMs = 30_000

/** How often a step lists anew when other instances were faster to claim. */
const claimTries = 5

/** What a lane works with. */
export interface LaneNeeds {
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  readonly notify: Notify
  readonly sink: AuditSink
  /** How long a write may take, in milliseconds. */
  readonly writeLimitMs: number
  /** How long a claim keeps others away, in milliseconds: longer than a write and its bookkeeping take. */
  readonly claimMs: number
}

/** How delivery to a sink stands on this instance. */
export interface LaneState {
  readonly name: string
  readonly failing: boolean
  /** One word, never a message: `ENOSPC`, `timeout`, `TypeError`. */
  readonly lastError: string | null
  /** Since when it fails without a success in between, in milliseconds since 1970. */
  readonly since: number | null
  /** Events delivered by this instance since it started. */
  readonly delivered: number
}

/** Delivery to one sink, independent of the others. */
export interface Lane extends Job {
  state(): LaneState
}

/**
 * Makes the delivery to one sink. A step claims the oldest due messages by moving their `dueAt` on, writes
 * them, and deletes them; whatever crashes in between, they come up again when the claim is over.
 *
 * While a sink fails, ever fewer messages are tried at once, down to one; each waits for its own back-off.
 */
export function createLane(needs: LaneNeeds): Lane {
  const { store, clock, entropy, sink } = needs
  const name = sink.name
  let size = maxBatch
  let failures = 0
  let pausedUntil = 0
  let delivered = 0
  let since: number | null = null
  let lastError: string | null = null
  let sawMalformed = false
  let running: Promise<StepReport> | undefined

  async function step(): Promise<StepReport> {
    if (clock.monotonic() < pausedUntil) return { left: 'stuck' }
    const { messages, left } = await claim()
    if (messages.length === 0) return { left }
    const readable: { readonly message: MessageRecord; readonly event: AuditEvent }[] = []
    const malformed: MessageRecord[] = []
    for (const message of messages) {
      const event = readEvent(message)
      if (event === undefined) malformed.push(message)
      else readable.push({ message, event })
    }
    if (malformed.length > 0) await setAside(malformed)
    if (readable.length === 0) return { failed: malformed.length, left }
    const written = await attempt(clock, needs.writeLimitMs, () =>
      sink.write(readable.map(({ event }) => event)),
    )
    const claimed = readable.map(({ message }) => message)
    if (!written.ok) {
      fail(written.why)
      await postpone(claimed)
      return { failed: messages.length, left: 'stuck' }
    }
    await settle(claimed.map(remove))
    delivered += claimed.length
    recover()
    return { delivered: claimed.length, failed: malformed.length, left }
  }

  /** Takes messages for this instance; answers them as they are after the claim. */
  async function claim(): Promise<{ messages: readonly MessageRecord[]; left: 'nothing' | 'more' }> {
    for (let tries = 0; tries < claimTries; tries++) {
      const now = await store.now()
      const due = await store.listDueMessages({ kind: 'sink', destination: name, now, limit: size })
      const batch = togetherOf(due)
      if (batch.length === 0) return { messages: [], left: 'nothing' }
      const dueAt = now + needs.claimMs
      const result = await store.commit(batch.map((message) => update(message, { dueAt })))
      if (result.ok) {
        const messages = batch.map((message) => ({ ...message, dueAt, version: message.version + 1 }))
        return { messages, left: due.length < size && batch.length === due.length ? 'nothing' : 'more' }
      }
    }
    return { messages: [], left: 'nothing' }
  }

  /** Another version may be able to read them, so they stay; the sink is not to blame. */
  async function setAside(messages: readonly MessageRecord[]): Promise<void> {
    if (!sawMalformed) {
      sawMalformed = true
      needs.notify({
        code: 'sink_failing',
        message: `A message for the audit sink ${jsonLine(name)} cannot be read: ${messages[0]!.id}; it is kept.`,
      })
    }
    await postpone(messages)
  }

  async function postpone(messages: readonly MessageRecord[]): Promise<void> {
    const now = await store.now()
    await settle(
      messages.map((message) => {
        const attempts = message.attempts + 1
        return update(message, { attempts, dueAt: now + backOff(attempts, entropy) })
      }),
    )
  }

  function fail(why: string): void {
    failures++
    size = Math.max(1, Math.floor(size / 2))
    pausedUntil = clock.monotonic() + Math.min(longestPauseMs, backOff(failures, entropy))
    lastError = why
    if (since !== null) return
    since = clock.now()
    needs.notify({
      code: 'sink_failing',
      message: `The audit sink ${jsonLine(name)} does not take events (${why}); they are kept and tried again.`,
    })
  }

  function recover(): void {
    failures = 0
    size = Math.min(maxBatch, size * 2)
    if (since === null) return
    since = null
    needs.notify({
      code: 'sink_recovered',
      message: `The audit sink ${jsonLine(name)} takes events again.`,
    })
  }

  /** Commits what is left to do about claimed messages; one whose claim was lost is another's by now. */
  async function settle(changes: readonly Change[]): Promise<void> {
    let rest = changes
    while (rest.length > 0) {
      const result = await store.commit(rest)
      if (result.ok) return
      rest = rest.filter((_, index) => index !== result.failed)
    }
  }

  return {
    name: `delivery to ${jsonLine(name)}`,
    idleMs: 1_000,
    step() {
      // A hanging write is joined, never doubled.
      return (running ??= step().finally(() => {
        running = undefined
      }))
    },
    state: () => ({ name, failing: since !== null, lastError, since, delivered }),
  }
}

/** The first of the messages that may share a write. */
function togetherOf(due: readonly MessageRecord[]): readonly MessageRecord[] {
  const alone = due.findIndex((message) => message.attempts >= aloneFrom)
  return alone < 0 ? due : due.slice(0, Math.max(1, alone))
}

function readEvent(message: MessageRecord): AuditEvent | undefined {
  try {
    return parseEventText(message.payload)
  } catch {
    return undefined
  }
}

function update(message: MessageRecord, set: Partial<Pick<MessageRecord, 'dueAt' | 'attempts'>>): Change {
  return { do: 'update', type: 'message', id: message.id, expectVersion: message.version, set }
}

function remove(message: MessageRecord): Change {
  return { do: 'delete', type: 'message', id: message.id, expectVersion: message.version }
}
