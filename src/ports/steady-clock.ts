import type { Clock } from './clock.js'

/**
 * Makes a machine's now into one that is never set back: it follows the wall clock, and goes on with the monotonic one
 * while the wall clock is behind what was read before.
 */
export function steadyNow(clock: Pick<Clock, 'now' | 'monotonic'>): () => number {
  let wall = clock.now()
  let readAt = clock.monotonic()
  return () => {
    const monotonic = clock.monotonic()
    wall = Math.max(clock.now(), wall + monotonic - readAt)
    readAt = monotonic
    return Math.floor(wall)
  }
}
