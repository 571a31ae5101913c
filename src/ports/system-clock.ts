import type { Clock } from './clock.js'

/** The longest a timer can run (HTML, 8.7): a longer one would fire at once. */
const longestTimer = 2_147_483_647

function startTimer(ms: number, ring: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(ring, Math.min(Math.max(0, Math.ceil(ms)), longestTimer))
}

/** The time of this machine: the clock of whoever was handed none. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const timer = startTimer(ms, end)
      signal?.addEventListener('abort', end, { once: true })
      function end(): void {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
    }),
  after(ms, ring) {
    const timer = startTimer(ms, ring)
    return () => clearTimeout(timer)
  },
}
