import { KeyrungError, isKeyrungError } from '../../core/errors.js'
import type { SqlFailure } from '../sql/session.js'

/** A store's own error for a reason of its own. */
export function unavailable(reason: string, cause?: unknown): KeyrungError {
  return new KeyrungError('store_unavailable', {
    internal: `postgres: ${reason}`,
    ...(cause !== undefined && { cause }),
  })
}

/** The SQLSTATE (PostgreSQL 15, appendix A), or the system's code where there was no answer; never the text, which may hold data. */
function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : undefined
}

/** Says whether a statement was refused as a primary key or a unique column is taken. */
export function isDuplicate(error: unknown): boolean {
  return codeOf(error) === '23505'
}

/** Says whether a connection does not know a statement that it had prepared, or knows another: a pooler or the host has been at it. */
export function isForgotten(error: unknown): boolean {
  return /^(26000|42P05|0A000)$/.test(codeOf(error) ?? '')
}

/** Conflicts of serialization, deadlocks, locks held for too long, and a server that has no room or is starting up. */
const again = /^(40001|40P01|55P03|53300|57P03)$/

/**
 * Connections that broke or were ended, whatever the last answer would have been; and those to a server that takes no
 * writes any more, where it is a standby by now (0A000 to the beginning of a transaction that writes, 25006 to a write).
 */
const lost = /^(08...|57P0[1245]|25P03|40003|0A000|25006)$/

/** Says whether the server has answered that way, so that it is done with what it was asked. */
export function isAnswer(error: unknown): boolean {
  return /^(0A000|25006)$/.test(codeOf(error) ?? '') || failureOf(error).kind !== 'lost'
}

/** Takes what the client threw. What has no SQLSTATE is no answer of the server's, so that nobody knows what it did. */
export function failureOf(error: unknown): SqlFailure {
  if (isKeyrungError(error)) return { kind: 'refused', error }
  const code = codeOf(error)
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code) || lost.test(code)) {
    return { kind: 'lost', error: unavailable(code ?? 'connection lost', error) }
  }
  return { kind: again.test(code) ? 'again' : 'refused', error: unavailable(code, error) }
}
