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
    | 'secrets_orphaned'
    | 'uses_dropped'
    | 'usage_dropped'
    | 'proxy_unconfigured'
    | 'trust_proxy_differs'
    | 'app_unattached'
    | 'source_unknown'
    | 'webhook_failing'
    | 'unexpected_error'
  /** One line, whatever names it quotes. */
  readonly message: string
}

/** Where notices go. */
export type Notify = (notice: Notice) => void

/** The default: a line on the console's error stream. */
export const writeNotice: Notify = ({ code, message }) => console.warn(`keyrung: ${code}: ${message}`)

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
