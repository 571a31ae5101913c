import { KeyrungError, isKeyrungError } from '../../core/errors.js'

/** What a database's complaint means for the one who asked. */
export type Failure =
  /** It may go better in a moment. */
  | { readonly passing: true; readonly error: KeyrungError }
  | { readonly passing: false; readonly error: KeyrungError }

/** The error for a host's transaction that has been open for too long. */
export function transactionOpen(): KeyrungError {
  return new KeyrungError('transaction_open', { internal: 'sqlite: the handle is in use by the host' })
}

/** A store's own error for a reason of its own. */
export function unavailable(reason: string, cause?: unknown): KeyrungError {
  return new KeyrungError('store_unavailable', {
    internal: `sqlite: ${reason}`,
    ...(cause !== undefined && { cause }),
  })
}

/** The error for a host's part of a transaction that goes on after it has returned. */
export function promiseAnswered(): KeyrungError {
  return new KeyrungError('config_invalid', {
    message:
      'commitWith on SQLite needs a function that is done when it returns: this one answered a promise, and all that it wrote until then was undone.',
  })
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code)) return code
  return 'error'
}

/** Says whether a statement was refused as a primary key or a unique column is taken. */
export function isDuplicate(error: unknown): boolean {
  return /^SQLITE_CONSTRAINT_(PRIMARYKEY|UNIQUE|ROWID)$/.test(codeOf(error))
}

/** Says whether a read-only connection found a commit that somebody died in the middle of. */
export function needsRecovery(error: unknown): boolean {
  return /^SQLITE_READONLY_(ROLLBACK|RECOVERY|CANTINIT)$/.test(codeOf(error))
}

/** Takes what the driver threw; nothing of its text is kept, as it may hold data. */
export function failureOf(error: unknown): Failure {
  if (isKeyrungError(error)) return { passing: false, error }
  // The driver has no code for these two: an open iterator (or a function of the host's that is running), and a closed handle.
  if (error instanceof TypeError && error.message.includes('busy executing a query')) {
    return { passing: true, error: transactionOpen() }
  }
  if (error instanceof TypeError && error.message.includes('connection is not open')) {
    return { passing: false, error: unavailable('closed') }
  }
  const code = codeOf(error)
  return { passing: /^SQLITE_(BUSY|LOCKED)/.test(code), error: unavailable(code, error) }
}
