import { createBounded } from '../core/bounded.js'
import type { Clock } from '../ports/clock.js'

/** Something an operator should know; it never holds a secret. */
export interface Notice {
  readonly code:
    | 'unknown_scopes'
    | 'sink_failing'
    | 'sink_recovered'
    | 'store_failing'
    | 'hook_failing'
    | 'limits_failing'
    | 'limits_recovered'
    | 'limits_lost'
    | 'limits_clock_stepped'
    | 'secrets_orphaned'
    | 'uses_dropped'
    | 'usage_dropped'
    | 'proxy_unconfigured'
    | 'trust_proxy_differs'
    | 'app_unattached'
    | 'source_unknown'
    | 'record_unreadable'
    | 'webhook_failing'
    | 'worker_not_running'
    | 'request_failed'
    | 'unexpected_error'
  /** One line, whatever names it quotes. */
  readonly message: string
  /** What was thrown, with its cause; secrets are masked. */
  readonly error?: Error
}

/** Where notices go. */
export type Notify = (notice: Notice) => void

/** How long the default says nothing more of the same kind and text, in milliseconds. */
const quietMs = 10_000

/** The default: a line on the console's error stream, and the error with its cause where there is one. */
export function createNoticeWriter(clock: Pick<Clock, 'now'>): Notify {
  const written = createBounded(100, (_line: string) => ({ at: -Infinity }))
  return ({ code, message, error }) => {
    const line = `keyrung: ${code}: ${message}`
    const last = written(line)
    const now = clock.now()
    // An outage would write a line for each request.
    if (Math.abs(now - last.at) < quietMs) return
    last.at = now
    console.warn(line, ...(error === undefined ? [] : [error]))
  }
}

/** The same, but what the host's function throws or rejects with is ignored: a notice never breaks what it is about. */
export function quietly(notify: Notify): Notify {
  return (notice) => {
    try {
      const answer: unknown = notify(notice)
      if (answer instanceof Promise) void answer.catch(() => undefined)
    } catch {
      // There is nobody left to tell.
    }
  }
}
