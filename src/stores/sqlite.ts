import { KeyrungError } from '../core/errors.js'
import { describeGiven } from '../core/given.js'
import type { CredentialRow } from '../core/key.js'
import { isDuration } from '../core/time.js'
import { checkClock } from './clock-check.js'
import type { Clock } from '../ports/clock.js'
import type { LimitStore } from '../ports/limit-store.js'
import type { Store } from '../ports/store.js'
import { isDigest } from './intake.js'
import { digestBytes } from '../crypto/digest.js'
import { keyQueries } from './sql/key-queries.js'
import { createSqlLimits } from './sql/limit-store.js'
import { compileMigrations } from './sql/migrations.js'
import type { Migration } from './sql/migrations.js'
import { askedStep, oneStep } from './sql/query.js'
import type { Row } from './sql/query.js'
import { readCredential } from './sql/rows.js'
import { createSqlStore } from './sql/sql-store.js'
import { storeTime } from './sql/store-time.js'
import { sqliteDialect } from './sql/sqlite-dialect.js'
import { tableNames } from './sql/tables.js'
import { Connection } from './sqlite/connection.js'
import type { SqliteDatabase, SqliteStatement } from './sqlite/database.js'
import { Reader } from './sqlite/reader.js'
import { Writer } from './sqlite/writer.js'
import { steadyNow } from '../ports/steady-clock.js'
import { systemClock } from '../ports/system-clock.js'

export type { Migration } from './sql/migrations.js'
export type { SqliteDatabase, SqliteStatement } from './sqlite/database.js'

/** What a SQLite store is given. */
export interface SqliteStoreOptions {
  /** The host's own better-sqlite3 handle; it stays the host's, with its settings. */
  readonly database: SqliteDatabase
  /** What the store's now is, and how it waits; this machine's time if left out. */
  readonly clock?: Clock
  /** What the names of the tables begin with; `keyrung_` if left out. */
  readonly tablePrefix?: string
  /** How long a call waits for the host's own transaction, or another process's lock, to end: 1,000 if left out. */
  readonly busyTimeoutMs?: number
}

/** The longest that a call can be told to wait. */
const longestTimeoutMs = 60_000

function configInvalid(message: string): KeyrungError {
  return new KeyrungError('config_invalid', { message })
}

function checkOptions(maker: string, options: SqliteStoreOptions): void {
  const { database, busyTimeoutMs, clock } = (options ?? {}) as Partial<SqliteStoreOptions>
  const fault = databaseFault(database)
  if (fault !== null) {
    throw configInvalid(
      `${maker} needs \`database\`, an open and writable handle of better-sqlite3; given was ${fault}.`,
    )
  }
  checkClock(clock, ['now', 'monotonic', 'sleep'])
  if (busyTimeoutMs !== undefined && !isDuration(busyTimeoutMs, longestTimeoutMs)) {
    throw configInvalid(`busyTimeoutMs must be whole milliseconds, at most ${longestTimeoutMs}.`)
  }
}

/** Says what is given in place of a handle; other drivers have handles that look like it (`open` is a function on node:sqlite's). */
function databaseFault(database: unknown): string | null {
  const { prepare, open, inTransaction, readonly } = (database ?? {}) as Partial<SqliteDatabase>
  if (typeof prepare !== 'function' || typeof open !== 'boolean' || typeof inTransaction !== 'boolean') {
    return describeGiven(database)
  }
  if (!open) return 'one that is closed'
  return readonly ? 'one that is read-only' : null
}

/**
 * Makes a store on a SQLite file, through the host's own better-sqlite3 handle.
 *
 * A change is one synchronous transaction on that handle. While the host has a transaction or an iterator open on
 * it, changes wait for up to `busyTimeoutMs` and then throw `transaction_open`: in it, they would be undone by the
 * host's rollback. A file is read through a second, read-only connection, so that what another process commits is
 * seen by the very next read. Close the store before the handle.
 *
 * @throws KeyrungError `config_invalid` for options that cannot be meant
 * @example
 * ```ts
 * import Database from 'better-sqlite3'
 *
 * const database = new Database('app.db')
 * database.pragma('journal_mode = WAL')
 * const store = sqliteStore({ database })
 * ```
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  checkOptions('sqliteStore', options)
  const { database, clock = systemClock, busyTimeoutMs = 1_000 } = options
  const names = tableNames(options.tablePrefix)
  const connection = new Connection(database)
  const writer = new Writer(connection, clock, busyTimeoutMs)
  const reader = new Reader(connection, clock, busyTimeoutMs)

  const store = createSqlStore(
    { name: 'sqlite', freshness: 'strict', synchronous: reader.synchronous, durable: reader.durable },
    sqliteDialect,
    names,
    {
      ask: (ask) => reader.ask(ask),
      look: (work) => reader.read(() => reader.connection.take(work())),
      write: (query) => writer.run(() => oneStep(query)),
      transact: (work, options) => writer.run(work, options?.keeps),
      share: (work, keeps, run) => writer.share(work, keeps, run),
      migrate: (work) => writer.run(work),
      close() {
        writer.close()
        reader.close()
      },
    },
    clock,
  )

  // The hot path asks the statement itself, with one buffer for all digests: nothing else is made but the answer.
  const { credentialText } = keyQueries(sqliteDialect, names, storeTime(sqliteDialect, clock))
  const bytes = Buffer.alloc(32)
  let statement: SqliteStatement | undefined
  function findCredential(digest: string): CredentialRow | undefined {
    statement ??= reader.connection.prepareAnew(credentialText)
    const row = statement.get(digestBytes(digest, bytes)) as Row | undefined
    return row && readCredential(row, digest)
  }

  return {
    ...store,
    now: steadyNow(clock),
    findCredential: (digest) => (isDigest(digest) ? reader.read(() => findCredential(digest)) : undefined),
  }
}

/**
 * Makes a limit store on a SQLite file, through the host's own better-sqlite3 handle: each spending is one
 * transaction on it, and is answered at once unless the host or another process is in the way.
 *
 * What is spent is kept in a table that the main store's `migrate` makes. Time is the machine's, which all processes
 * that have the file open share.
 *
 * @throws KeyrungError `config_invalid` for options that cannot be meant
 * @example
 * ```ts
 * import Database from 'better-sqlite3'
 *
 * const database = new Database('app.db')
 * const limits = sqliteLimits({ database })
 * ```
 */
export function sqliteLimits(options: SqliteStoreOptions): LimitStore {
  checkOptions('sqliteLimits', options)
  const { database, clock = systemClock, busyTimeoutMs = 1_000 } = options
  const connection = new Connection(database)
  const writer = new Writer(connection, clock, busyTimeoutMs)
  return createSqlLimits({
    name: 'sqlite',
    dialect: sqliteDialect,
    names: tableNames(options.tablePrefix),
    driver: {
      // Within a transaction of its own, as what the host has left open would show the state of when it began.
      ask: (ask) => writer.run(() => askedStep(ask)),
      look: (work) => writer.run(work, () => false),
      write: (query) => writer.run(() => oneStep(query)),
      transact: (work, options) => writer.run(work, options?.keeps),
      migrate: (work) => writer.run(work),
      close: () => writer.close(),
    },
    clock,
    alone: true,
    timeoutMs: busyTimeoutMs,
  })
}

/**
 * The store's tables as SQL, step by step, for hosts that bring their database up to date with a tool of their own.
 *
 * @throws KeyrungError `config_invalid` for a prefix that cannot be one
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises'
 *
 * for (const { version, name, sql } of sqliteMigrations({ tablePrefix: 'auth_' }))
 *   await writeFile(`migrations/${version}.sql`, `-- ${name}\n${sql.join(';\n')};\n`)
 * ```
 */
export function sqliteMigrations(options: { readonly tablePrefix?: string } = {}): readonly Migration[] {
  return compileMigrations(sqliteDialect, tableNames(options.tablePrefix))
}
