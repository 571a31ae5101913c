import type { ApprovalRecord } from '../../core/approval.js'

/** The first pause between two looks at the store, and the longest, in milliseconds. */
const firstPauseMs = 25
const longestPauseMs = 1_000

/** The most calls of one key that wait at the same time, and of all together, in one process. */
const mostOfKey = 20
const mostInProcess = 1_000

/** The place of a call that waits for an approval. */
export interface Seat {
  /** Resolves with the approval as the next look finds it; rejects as the look does. */
  next(): Promise<ApprovalRecord>
  /** Gives the place up; the last one to go ends the looks. */
  leave(): void
}

/** All who wait for approvals in this process: those who wait for the same one share each look at the store. */
export interface Watches {
  /**
   * Takes a place; null: too many wait already.
   *
   * @param keyId the key whose call it is; null: it is no key's
   */
  join(id: string, keyId: string | null, look: () => Promise<ApprovalRecord>): Seat | null
}

interface Watch {
  readonly off: AbortController
  seats: number
  pauseMs: number
  step: Promise<ApprovalRecord> | null
}

/**
 * Makes the register of who waits.
 *
 * @param pause resolves after so many milliseconds, or as an approval moves, or when it is called off
 */
export function createWatches(
  pause: (id: string, ms: number, signal: AbortSignal) => Promise<void>,
): Watches {
  const watches = new Map<string, Watch>()
  const ofKeys = new Map<string, number>()
  let total = 0

  function count(keyId: string | null, step: 1 | -1): void {
    total += step
    if (keyId === null) return
    const seats = (ofKeys.get(keyId) ?? 0) + step
    if (seats === 0) ofKeys.delete(keyId)
    else ofKeys.set(keyId, seats)
  }

  async function takeStep(
    id: string,
    watch: Watch,
    look: () => Promise<ApprovalRecord>,
  ): Promise<ApprovalRecord> {
    await pause(id, watch.pauseMs, watch.off.signal)
    watch.pauseMs = Math.min(2 * watch.pauseMs, longestPauseMs)
    // Nobody waits for it any more: it never resolves, as there is nobody to tell.
    if (watch.off.signal.aborted) return new Promise(() => undefined)
    try {
      return await look()
    } finally {
      watch.step = null
    }
  }

  return {
    join(id, keyId, look) {
      const ofKey = keyId === null ? 0 : (ofKeys.get(keyId) ?? 0)
      if (total >= mostInProcess || ofKey >= mostOfKey) return null
      let watch = watches.get(id)
      if (watch === undefined) {
        watch = { off: new AbortController(), seats: 0, pauseMs: firstPauseMs, step: null }
        watches.set(id, watch)
      }
      const joined = watch
      joined.seats++
      count(keyId, 1)
      return {
        next: () => (joined.step ??= takeStep(id, joined, look)),
        leave() {
          count(keyId, -1)
          joined.seats--
          if (joined.seats > 0) return
          watches.delete(id)
          joined.off.abort()
        },
      }
    },
  }
}
