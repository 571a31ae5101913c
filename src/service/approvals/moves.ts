import type { Clock } from '../../ports/clock.js'
import { createWatches } from './watches.js'
import type { Watches } from './watches.js'

/** Who, in this process, waits for an approval to move on; what other instances do is found by asking the store again. */
export interface Moves extends Watches {
  /** Tells that an approval was changed. */
  moved(id: string): void
}

/** Makes the place where those wait who want to know that an approval moved. */
export function createMoves(clock: Pick<Clock, 'after'>): Moves {
  const waiting = new Map<string, Set<() => void>>()

  function pause(id: string, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const others = waiting.get(id) ?? new Set()
      waiting.set(id, others)
      const stop = clock.after(ms, wake)
      others.add(wake)
      signal.addEventListener('abort', wake)
      function wake(): void {
        stop()
        signal.removeEventListener('abort', wake)
        others.delete(wake)
        if (others.size === 0 && waiting.get(id) === others) waiting.delete(id)
        resolve()
      }
    })
  }

  return {
    moved(id) {
      for (const wake of waiting.get(id) ?? []) wake()
    },
    ...createWatches(pause),
  }
}
