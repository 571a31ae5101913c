import { KeyrungError, isKeyrungError } from '../../core/errors.js'
import type { SqlFailure } from '../sql/session.js'

/**
 * Deadlock, lock wait, a transaction that the cluster took back, a statement that took too long (on MariaDB, on MySQL).
 * Some of these undo the statement only; the rest is rolled back by whoever is told.
 */
const again: ReadonlySet<number> = new Set([1205, 1213, 1969, 3024, 3101])

/**
 * The server goes down, ended the connection, gave up on it, or may no longer be written to after a failover:
 * what comes next has to be tried on another connection.
 */
const lost: ReadonlySet<number> = new Set([
  1053, 1077, 1079, 1080, 1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1290, 1792, 1836,
  1927, 2006, 2013, 4031,
])

/** What a primary key or a unique index refuses. */
const duplicates: ReadonlySet<number> = new Set([1022, 1062, 1586])

/** What refuses to prepare a statement, or has forgotten that it did: too many there, or a proxy in between. */
const unprepared: ReadonlySet<number> = new Set([1243, 1295, 1461, 1615])

/** What a step of the schema meets that an earlier attempt has taken already: a table, a column, an index. */
const done: ReadonlySet<number> = new Set([1050, 1060, 1061])

function numberOf(error: unknown): number | undefined {
  const number = (error as { errno?: unknown } | null)?.errno
  // Node's own errors have a negative number under the same name.
  return typeof number === 'number' && number > 0 ? number : undefined
}

function wordOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,59}$/.test(code) ? code : 'error'
}

/** A store's own error, for a reason of its own or the driver's word for one. */
export function unavailable(reason: string, cause?: unknown): KeyrungError {
  return new KeyrungError('store_unavailable', {
    internal: `mysql: ${reason}`,
    ...(cause !== undefined && { cause }),
  })
}

/** The error for a connection that the host gave back with a transaction open on it. */
export function transactionOpen(): KeyrungError {
  return new KeyrungError('transaction_open', {
    internal: 'mysql: a connection came from the pool with a transaction of the host open on it',
  })
}

/** Takes what was thrown; of the driver's text only its code is kept, as the text may hold data. */
export function failureOf(error: unknown): SqlFailure {
  if (isKeyrungError(error)) return { kind: 'refused', error }
  const number = numberOf(error)
  const word = unavailable(number === undefined ? wordOf(error) : `${wordOf(error)} ${number}`, error)
  if (number !== undefined && again.has(number)) return { kind: 'again', error: word }
  const gone = number === undefined || lost.has(number) || (error as { fatal?: unknown }).fatal === true
  return { kind: gone ? 'lost' : 'refused', error: word }
}

/** Says whether a statement was refused as a primary key or a unique column is taken. */
export function isDuplicate(error: unknown): boolean {
  return duplicates.has(numberOf(error) ?? 0)
}

/** Says whether a statement did not run as it could not be prepared. */
export function isUnprepared(error: unknown): boolean {
  return unprepared.has(numberOf(error) ?? 0)
}

/** Says whether a step of the schema has been taken already. */
export function isDone(error: unknown): boolean {
  return done.has(numberOf(error) ?? 0)
}

/** Says whether the next transaction could not be told its isolation as one is open (1568). */
export function isInTransaction(error: unknown): boolean {
  return numberOf(error) === 1568
}
