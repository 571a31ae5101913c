import type { Demand } from '../core/demand.js'
import type { UsageOutcome } from '../core/usage.js'
import type { AuditSink } from '../ports/audit-sink.js'
import type { Clock } from '../ports/clock.js'
import type { KeyUse } from '../ports/key-store.js'
import type { Store } from '../ports/store.js'
import { createDecisionLog } from './decision-log.js'
import type { Refusal } from './decision-log.js'
import type { Job, StepReport } from './job.js'
import { quietly } from './notice.js'
import type { Notify } from './notice.js'
import { createUsageLog } from './usage-log.js'

/** The most keys whose last use is kept until it is written. */
const maxUses = 10_000

/** From so many on, writing is begun without waiting for the worker. */
const askFrom = maxUses / 2

/** The most uses of one write. */
const maxBatch = 500

/** What a recorder works with. */
export interface RecorderOptions {
  readonly store: Pick<Store, 'recordUses' | 'recordUsage'>
  /** False: what keys are used for is not counted. @defaultValue `true` */
  readonly countsUsage?: boolean
  readonly clock: Clock
  readonly sinks: readonly AuditSink[]
  readonly notify: Notify
}

/** What is noted about requests, beside the path that answers them. */
export interface Recorder {
  /** Notes a use; one map entry, never a wait and never a throw. */
  used(keyId: string, at: number): void
  /** Counts a call by what it demanded and came to; never a wait and never a throw. */
  called(keyId: string, demand: Pick<Demand, 'permissions'>, outcome: UsageOutcome, at: number): void
  /** Writes the usage that was counted until now; it never throws. */
  flushUsage(): Promise<void>
  /** Counts a refusal; never a wait and never a throw. */
  refused(refusal: Refusal, at: number): void
  /** Writes what was noted, for a host that ends; it never throws: what could not be written is still kept. */
  flush(): Promise<void>
  /** For the worker. */
  readonly jobs: readonly Job[]
  state(): RecorderState
}

/** What a recorder holds and has lost since it started. */
export interface RecorderState {
  readonly waitingUses: number
  /** Last-used times given up, as the store was away for too long. */
  readonly lostUses: number
  /** Counts of usage that wait to be written. */
  readonly waitingUsage: number
  /** Calls whose usage was given up. */
  readonly lostUsage: number
  readonly waitingDecisions: number
  /** Counted refusals that did not reach some sink. */
  readonly lostDecisions: number
}

/**
 * Makes the recorder: last-used times, usage and counted refusals, batched and bounded.
 *
 * Uses and usage are written by `recordUses` and `recordUsage` alone, which touch no other record: bookkeeping can
 * bring nothing back.
 */
export function createRecorder(options: RecorderOptions): Recorder {
  const { store, countsUsage = true } = options
  const usage = createUsageLog(options)
  const notify = quietly(options.notify)
  const decisions = createDecisionLog(options)
  const uses = new Map<string, number>()
  let lostUses = 0
  let noticed = false
  let stuck = false
  let running: Promise<StepReport> | undefined

  function note(keyId: string, at: number): void {
    const before = uses.get(keyId)
    if (before === undefined && uses.size >= maxUses) dropOldest()
    if (before === undefined || at > before) uses.set(keyId, at)
  }

  /** A tenth at once, as finding the first entry of a map means stepping over all that were deleted before it. */
  function dropOldest(): void {
    let left = maxUses / 10
    for (const keyId of uses.keys()) {
      uses.delete(keyId)
      lostUses++
      if (--left === 0) break
    }
    if (noticed) return
    noticed = true
    const message = `More than ${maxUses} last-used times wait to be written; the oldest are given up.`
    notify({ code: 'uses_dropped', message })
  }

  /** Writes one batch, the oldest first; a failed one is noted again, behind what is newer. */
  async function writeUses(): Promise<StepReport> {
    const batch: KeyUse[] = []
    for (const [keyId, at] of uses) {
      if (batch.length >= maxBatch) break
      if (Number.isSafeInteger(at)) batch.push({ keyId, at })
      uses.delete(keyId)
    }
    if (batch.length === 0) return { left: 'nothing' }
    try {
      await store.recordUses(batch)
    } catch (error) {
      stuck = true
      for (const { keyId, at } of batch) note(keyId, at)
      throw error
    }
    stuck = false
    noticed = false
    return { flushed: batch.length, left: uses.size > 0 ? 'more' : 'nothing' }
  }

  function step(): Promise<StepReport> {
    return (running ??= writeUses().finally(() => {
      running = undefined
    }))
  }

  async function flushUses(): Promise<void> {
    try {
      // What is noted from here on is not waited for, else a busy host would never end.
      const rounds = Math.ceil(uses.size / maxBatch) + (running ? 1 : 0)
      for (let round = 0; round < rounds; round++) await step()
    } catch {
      // Kept; `state` shows it, and the worker tells.
    }
  }

  return {
    used(keyId, at) {
      note(keyId, at)
      if (uses.size >= askFrom && !running && !stuck) void step().catch(() => undefined)
    },
    called: countsUsage ? usage.count : () => undefined,
    flushUsage: usage.flush,
    refused: (refusal, at) => decisions.add(refusal, at),
    async flush() {
      await Promise.all([flushUses(), usage.flush(), decisions.flush()])
    },
    jobs: [
      { name: 'last-used times', idleMs: 1_000, step },
      decisions.job,
      ...(countsUsage ? [usage.job] : []),
    ],
    state: () => ({ waitingUses: uses.size, lostUses, ...usage.state(), ...decisions.state() }),
  }
}
