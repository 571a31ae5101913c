import type { Clock } from '../../ports/clock.js'

/** Who, in this process, waits for an approval to move on; what other instances do is found by asking the store again. */
export interface Moves {
  /** Tells that an approval was changed. */
  moved(id: string): void
  /** Resolves when an approval is said to have moved, at the latest after so many milliseconds, or when it is called off. */
  wait(id: string, ms: number, signal?: AbortSignal): Promise<void>
}

/** Makes the place where those wait who want to know that an approval moved. */
export function createMoves(clock: Pick<Clock, 'after'>): Moves {
  const waiting = new Map<string, Set<() => void>>()

  return {
    moved(id) {
      for (const wake of waiting.get(id) ?? []) wake()
    },
    wait(id, ms, signal) {
      return new Promise((resolve) => {
        const others = waiting.get(id) ?? new Set()
        waiting.set(id, others)
        const stop = clock.after(ms, wake)
        others.add(wake)
        signal?.addEventListener('abort', wake)
        function wake(): void {
          stop()
          signal?.removeEventListener('abort', wake)
          others.delete(wake)
          if (others.size === 0 && waiting.get(id) === others) waiting.delete(id)
          resolve()
        }
      })
    },
  }
}
