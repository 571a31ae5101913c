import { KeyrungError, isKeyrungError } from '../../core/errors.js'

/** The store's own error for a reason in one word. */
export function unavailable(reason: string, cause?: unknown): KeyrungError {
  return new KeyrungError('store_unavailable', {
    internal: `redis: ${reason}`,
    ...(cause !== undefined && { cause }),
  })
}

/** The word that an answer of the server's begins with, or the system's code; never the text, which may quote what was sent. */
function wordOf(error: unknown): string {
  try {
    const { message, code } = error as { readonly message?: unknown; readonly code?: unknown }
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code)) return code
    return /^[A-Z]{2,20}(?= )/.exec(String(message))?.[0] ?? 'connection lost'
  } catch {
    return 'connection lost'
  }
}

/** Takes what the client threw. */
export function failureOf(error: unknown): KeyrungError {
  return isKeyrungError(error) ? error : unavailable(wordOf(error), error)
}

/** Says whether a server does not know a script by its digest: it was started, or told to forget its scripts. */
export function isUnknownScript(error: unknown): boolean {
  return wordOf(error) === 'NOSCRIPT'
}

/** Says whether keys of one call lie on different servers, so that it was refused as a whole. */
export function isAcrossSlots(error: unknown): boolean {
  return isKeyrungError(error) && error.internal === 'redis: CROSSSLOT'
}
