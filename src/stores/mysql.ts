import { KeyrungError } from '../core/errors.js'
import { describeGiven } from '../core/given.js'
import { isDuration } from '../core/time.js'
import { checkClock } from './clock-check.js'
import type { Clock } from '../ports/clock.js'
import type { LimitStore } from '../ports/limit-store.js'
import type { Store } from '../ports/store.js'
import { findPromisePool } from './mysql/client.js'
import type { MysqlPool } from './mysql/client.js'
import { migrateUnderLock } from './mysql/migrate.js'
import { mysqlPool } from './mysql/pool.js'
import type { SqlDriver } from './sql/driver.js'
import { createSqlLimits } from './sql/limit-store.js'
import { compileMigrations } from './sql/migrations.js'
import type { Migration } from './sql/migrations.js'
import { mysqlDialect } from './sql/mysql-dialect.js'
import { createPooledDriver } from './sql/pooled-driver.js'
import { createSqlStore } from './sql/sql-store.js'
import { tableNames } from './sql/tables.js'
import type { TableNames } from './sql/tables.js'

export type {
  MysqlCallbackPool,
  MysqlConnection,
  MysqlField,
  MysqlPool,
  MysqlPromisePool,
  MysqlStatement,
} from './mysql/client.js'
export type { Migration } from './sql/migrations.js'

/** Where a store's tables are. */
export interface MysqlTables {
  /** What the names of the tables begin with; `keyrung_` if left out. */
  readonly tablePrefix?: string
  /** The schema, which is a database here, that the tables are in; if left out, the one that the pool's connections use. */
  readonly schema?: string
}

/** What a MySQL or MariaDB store is given. */
export interface MysqlStoreOptions extends MysqlTables {
  /** The host's own mysql2 pool, of either flavour; it stays the host's, with its settings. */
  readonly pool: MysqlPool
  /** What the store's now is; the server's clock if left out, which all instances share. */
  readonly clock?: Pick<Clock, 'now'>
  /** False where a proxy between here and the server cannot carry prepared statements; true if left out. */
  readonly prepare?: boolean
  /**
   * How long a call may take, with waiting for a connection and all attempts: 2,400 if left out. To find out what became
   * of a commit may take as long again; `storeTimeoutMs` of `createKeyrung` should leave room for both.
   */
  readonly timeoutMs?: number
  /** How long `migrate` may take, with waiting for other instances that do the same: 600,000 if left out. */
  readonly migrateTimeoutMs?: number
}

const defaultTimeoutMs = 2_400

/** The longest that a call, and a migration, can be told to take. */
const longestTimeoutMs = 60_000
const longestMigrationMs = 86_400_000

function configInvalid(message: string): KeyrungError {
  return new KeyrungError('config_invalid', { message })
}

/** Demands an object of options. @throws KeyrungError `config_invalid` */
function requireOptions(maker: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw configInvalid(`${maker} needs an object with \`pool\`; given was ${describeGiven(options)}.`)
}

/** What reaches the database through the pool. */
function mysqlDriver(maker: string, options: MysqlStoreOptions, names: TableNames): SqlDriver {
  const { prepare = true, timeoutMs = defaultTimeoutMs, migrateTimeoutMs = 600_000 } = options
  const pool = findPromisePool(options.pool)
  if (!pool) {
    const given = describeGiven(options.pool)
    throw configInvalid(`${maker} needs \`pool\`, a pool of mysql2 or mysql2/promise; given was ${given}.`)
  }
  checkClock(options.clock, ['now'])
  if (typeof prepare !== 'boolean') throw configInvalid('prepare must be true or false.')
  checkDuration('timeoutMs', timeoutMs, longestTimeoutMs)
  checkDuration('migrateTimeoutMs', migrateTimeoutMs, longestMigrationMs)
  return createPooledDriver(mysqlPool(pool, { prepares: prepare, statementTimeoutMs: timeoutMs }), {
    name: 'mysql',
    dialect: mysqlDialect,
    names,
    timeoutMs,
    migrateTimeoutMs,
    migrate: (session, run) => migrateUnderLock(session, names, run),
  })
}

function checkDuration(name: string, value: number | undefined, longest: number): void {
  if (value === undefined || (isDuration(value, longest) && value > 0)) return
  throw configInvalid(`${name} must be whole milliseconds, from 1 to ${longest}.`)
}

/**
 * Makes a store on MySQL (from 8.0) or MariaDB (from 10.6), through the host's own mysql2 pool.
 *
 * It is tested on MariaDB 10.11. MySQL itself is untested so far: the statements keep to what both document.
 *
 * Whatever the pool's settings are (`typeCast`, big numbers, dates, placeholders, flags), and whatever state sessions
 * are in (`sql_mode`, `autocommit`, time zone, isolation, character sets), the store reads and writes the same; it
 * changes none of them for others. A connection that the host has given back with a transaction open on it is refused
 * with `transaction_open`. Tables are InnoDB, and the server's `binlog_format` must not be STATEMENT.
 *
 * @throws KeyrungError `config_invalid` for options that cannot be meant
 * @example
 * ```ts
 * import { createPool } from 'mysql2'
 *
 * const pool = createPool({ uri: process.env['DATABASE_URL'] ?? '', connectionLimit: 10 })
 * const store = mysqlStore({ pool })
 * ```
 */
export function mysqlStore(options: MysqlStoreOptions): Store {
  requireOptions('mysqlStore', options)
  const names = tableNames(options.tablePrefix, options.schema)
  const driver = mysqlDriver('mysqlStore', options, names)
  const traits = { name: 'mysql', freshness: 'cached', synchronous: false, durable: true } as const
  return createSqlStore(traits, mysqlDialect, names, driver, options.clock ?? null)
}

/**
 * Makes a limit store on MySQL or MariaDB, through the host's own mysql2 pool, with the same care for its settings as
 * `mysqlStore`.
 *
 * What one subject spends is one statement in the usual case; what several do together is one transaction. All that
 * comes while a statement is under way is written by the next one, so that a process never waits for itself. What is
 * spent is kept in a table that the main store's `migrate` makes, and time is the server's.
 *
 * @throws KeyrungError `config_invalid` for options that cannot be meant
 * @example
 * ```ts
 * import { createPool } from 'mysql2'
 *
 * const pool = createPool({ uri: process.env['DATABASE_URL'] ?? '', connectionLimit: 10 })
 * const limits = mysqlLimits({ pool })
 * ```
 */
export function mysqlLimits(options: Omit<MysqlStoreOptions, 'migrateTimeoutMs'>): LimitStore {
  requireOptions('mysqlLimits', options)
  const names = tableNames(options.tablePrefix, options.schema)
  return createSqlLimits({
    name: 'mysql',
    dialect: mysqlDialect,
    names,
    driver: mysqlDriver('mysqlLimits', options, names),
    clock: options.clock ?? null,
    alone: false,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
  })
}

/**
 * The store's tables as SQL, step by step, for hosts that bring their database up to date with a tool of their own.
 *
 * @throws KeyrungError `config_invalid` for names that cannot be meant
 *
 * @example
 * ```ts
 * for (const { version, name, sql } of mysqlMigrations())
 *   console.log(`-- ${version}: ${name}\n${sql.join(';\n')};`)
 * ```
 */
export function mysqlMigrations(options: MysqlTables = {}): readonly Migration[] {
  return compileMigrations(mysqlDialect, tableNames(options.tablePrefix, options.schema))
}
