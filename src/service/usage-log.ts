import type { Demand } from '../core/demand.js'
import { dayAt, maxUsageEntries } from '../core/usage.js'
import type { UsageOutcome } from '../core/usage.js'
import type { Store } from '../ports/store.js'
import type { UsageEntry } from '../ports/usage-store.js'
import type { Job, StepReport } from './job.js'
import { quietly } from './notice.js'
import type { Notify } from './notice.js'

/** How long usage rests before it is written, in milliseconds: what a crash may lose. */
export const usageFlushMs = 5_000

/** The most pairs of a key and a demand that are counted apart before they are written. */
const maxCells = 10_000

/** From so many on, writing is begun without waiting for the worker. */
const askFrom = maxCells / 2

/** How many entries a write is filled up to; one more cell may pass it, and still fits one transaction. */
const batchSize = maxUsageEntries / 4

/** Calls of one key on one day that demanded the same, by what they came to. */
interface Cell {
  readonly keyId: string
  readonly day: number
  readonly demand: Pick<Demand, 'permissions'>
  readonly calls: Record<UsageOutcome, number>
}

type Counted = { -readonly [P in keyof UsageEntry]: UsageEntry[P] }

/** Calls, counted until they are written. */
export interface UsageLog {
  /** Counts a call; a map's entry, never a wait and never a throw. */
  count(keyId: string, demand: Pick<Demand, 'permissions'>, outcome: UsageOutcome, at: number): void
  /** Writes what was counted until now; it never throws: what could not be written is still kept. */
  flush(): Promise<void>
  readonly job: Job
  state(): { readonly waitingUsage: number; readonly lostUsage: number }
}

/**
 * Makes the counts of what keys are used for: a call counts once by itself, and once under each permission it demanded.
 *
 * A batch that could not be written is kept and written again; one whose outcome the store could not find out may so
 * be counted twice, as a store that is away for a while would else lose everything.
 */
export function createUsageLog(options: {
  readonly store: Pick<Store, 'recordUsage'>
  readonly notify: Notify
}): UsageLog {
  const { store } = options
  const notify = quietly(options.notify)
  const cells = new Map<string, Map<object, Cell>>()
  /** Cells of days that are over. */
  const ended: Cell[] = []
  const kept = new Map<string, Counted>()
  let size = 0
  let lost = 0
  let noticed = false
  let stuck = false
  let running: Promise<StepReport> | undefined

  function lose(): void {
    lost++
    if (noticed) return
    noticed = true
    notify({
      code: 'usage_dropped',
      message: 'More usage waits to be written than is kept; some is given up.',
    })
  }

  /** Beside the usual way: the first call of its kind since the last write. */
  function countAnew(keyId: string, demand: Cell['demand'], outcome: UsageOutcome, day: number): void {
    if (size >= maxCells || !Number.isSafeInteger(day)) return lose()
    let ofKey = cells.get(keyId)
    if (!ofKey) cells.set(keyId, (ofKey = new Map()))
    const before = ofKey.get(demand)
    if (before) ended.push(before)
    const cell: Cell = { keyId, day, demand, calls: { allow: 0, approval: 0, deny: 0, limited: 0 } }
    cell.calls[outcome] = 1
    ofKey.set(demand, cell)
    size++
    if (size >= askFrom && !running && !stuck) void step().catch(() => undefined)
  }

  /** Takes out as much as one write holds, what has waited longest first. */
  function take(): Map<string, Counted> {
    const batch = new Map<string, Counted>()
    for (const [name, entry] of kept) {
      if (batch.size >= batchSize) return batch
      batch.set(name, entry)
      kept.delete(name)
    }
    while (ended.length > 0 && batch.size < batchSize) spread(ended.pop()!, batch)
    for (const [keyId, ofKey] of cells) {
      for (const [demand, cell] of ofKey) {
        if (batch.size >= batchSize) return batch
        spread(cell, batch)
        ofKey.delete(demand)
      }
      cells.delete(keyId)
    }
    return batch
  }

  function spread({ keyId, day, demand, calls }: Cell, batch: Map<string, Counted>): void {
    size--
    for (const outcome of Object.keys(calls) as UsageOutcome[]) {
      if (calls[outcome] === 0) continue
      for (const permission of ['', ...demand.permissions]) {
        addTo(batch, { keyId, day, permission, outcome, calls: calls[outcome] })
      }
    }
  }

  async function write(): Promise<StepReport> {
    const batch = take()
    if (batch.size === 0) return { left: 'nothing' }
    try {
      await store.recordUsage([...batch.values()])
    } catch (error) {
      stuck = true
      // Taken first again, so that there is never more here than one batch.
      for (const entry of batch.values()) addTo(kept, entry)
      throw error
    }
    stuck = false
    noticed = false
    return { flushed: batch.size, left: size + kept.size > 0 ? 'more' : 'nothing' }
  }

  function step(): Promise<StepReport> {
    return (running ??= write().finally(() => {
      running = undefined
    }))
  }

  return {
    count(keyId, demand, outcome, at) {
      const day = dayAt(at)
      const cell = cells.get(keyId)?.get(demand)
      if (cell !== undefined && cell.day === day) cell.calls[outcome]++
      else countAnew(keyId, demand, outcome, day)
    },
    async flush() {
      try {
        // Each write takes a cell or an entry at least; what is counted from here on is not waited for.
        for (let rounds = size + kept.size + (running ? 1 : 0); rounds > 0; rounds--) {
          if ((await step()).left !== 'more') return
        }
      } catch {
        // Kept; `state` shows it, and the worker tells.
      }
    },
    job: { name: 'usage', idleMs: usageFlushMs, step },
    state: () => ({ waitingUsage: size + kept.size, lostUsage: lost }),
  }
}

function addTo(entries: Map<string, Counted>, entry: Counted): void {
  const name = `${entry.keyId} ${entry.day} ${entry.outcome} ${entry.permission}`
  const before = entries.get(name)
  if (before) before.calls += entry.calls
  else entries.set(name, { ...entry })
}
