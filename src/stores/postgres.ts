import { KeyrungError } from '../core/errors.js'
import { describeGiven, lackedCalls } from '../core/given.js'
import { isDuration } from '../core/time.js'
import { sha256 } from '../crypto/digest.js'
import { checkClock } from './clock-check.js'
import type { Clock } from '../ports/clock.js'
import type { LimitStore } from '../ports/limit-store.js'
import type { Store } from '../ports/store.js'
import type { PostgresPool } from './postgres/client.js'
import { beginText, postgresSessions } from './postgres/session.js'
import { watchPool } from './postgres/watched-clients.js'
import type { SqlDriver } from './sql/driver.js'
import { createSqlLimits } from './sql/limit-store.js'
import { compileMigrations } from './sql/migrations.js'
import type { Migration } from './sql/migrations.js'
import { createPooledDriver } from './sql/pooled-driver.js'
import { postgresDialect } from './sql/postgres-dialect.js'
import { createSqlStore } from './sql/sql-store.js'
import { tableNames } from './sql/tables.js'
import type { TableNames } from './sql/tables.js'

export type {
  PostgresClient,
  PostgresPool,
  PostgresQuery,
  PostgresResult,
  PostgresTypes,
} from './postgres/client.js'
export type { Migration } from './sql/migrations.js'

/** Where the tables of a PostgreSQL store are. */
export interface PostgresTables {
  /** What the names of the tables begin with; `keyrung_` if left out. */
  readonly tablePrefix?: string
  /** The schema they are in, which has to be there; found along the connection's search path if left out. */
  readonly schema?: string
}

/** What a PostgreSQL store is given. */
export interface PostgresStoreOptions extends PostgresTables {
  /** The host's own `pg` Pool; it stays the host's, with its settings, and is never ended here. */
  readonly pool: PostgresPool
  /**
   * Whether the statements of requests are kept prepared on their connections: yes if left out. Behind a pooler that
   * hands out connections by transaction (PgBouncer's `transaction` mode) it has to be false.
   */
  readonly prepare?: boolean
  /** What the store's now is; the server's clock if left out, which all instances share. */
  readonly clock?: Pick<Clock, 'now'>
  /**
   * How long a call may take, with waiting for a connection, for locks, and all attempts: 2,400 if left out. To find out
   * what became of a commit may take as long again; `storeTimeoutMs` of `createKeyrung` should leave room for both.
   */
  readonly timeoutMs?: number
}

/** The longest that a call can be told to wait. */
const longestTimeoutMs = 60_000

const defaultTimeoutMs = 2_400

/** How long bringing the schema up to date may take: others may be at it, and tables may be large. */
const migrateTimeoutMs = 300_000

function configInvalid(message: string): KeyrungError {
  return new KeyrungError('config_invalid', { message })
}

function checkOptions(maker: string, options: PostgresStoreOptions): void {
  const { pool, prepare, timeoutMs, clock } = (options ?? {}) as Partial<PostgresStoreOptions>
  if (!isPool(pool)) {
    throw configInvalid(`${maker} needs \`pool\`, a Pool of pg; given was ${describeGiven(pool)}.`)
  }
  checkClock(clock, ['now'])
  if (prepare !== undefined && typeof prepare !== 'boolean') {
    throw configInvalid('prepare must be true or false.')
  }
  if (timeoutMs !== undefined && (!isDuration(timeoutMs, longestTimeoutMs) || timeoutMs < 1)) {
    throw configInvalid(`timeoutMs must be whole milliseconds, 1 to ${longestTimeoutMs}.`)
  }
}

/** Tells a pool from a single client, which has `connect` and events as well, and parsers of its own. */
function isPool(pool: unknown): boolean {
  if (lackedCalls(pool, ['connect', 'on', 'removeListener']).length > 0) return false
  return lackedCalls(pool, ['getTypeParser']).length > 0
}

/** What reaches the database through the pool, until it is closed. */
function postgresDriver(options: PostgresStoreOptions, names: TableNames): SqlDriver {
  const { pool, prepare = true, timeoutMs = defaultTimeoutMs } = options
  const lock = `select pg_advisory_xact_lock(${lockNumber(names.schema)})`
  const begin = beginText(migrateTimeoutMs, migrateTimeoutMs)

  const stopWatching = watchPool(pool)
  const sessions = postgresSessions(pool, {
    prepare,
    statementTimeoutMs: timeoutMs,
    lockTimeoutMs: Math.max(1, Math.floor(timeoutMs / 2)),
  })
  const driver = createPooledDriver(sessions, {
    name: 'postgres',
    dialect: postgresDialect,
    names,
    timeoutMs,
    migrateTimeoutMs,
    async migrate(session, run) {
      await session.execute({ text: begin, values: [] })
      await session.execute({ text: lock, values: [] })
      await run()
      await session.commit()
    },
  })
  return {
    ...driver,
    close() {
      stopWatching()
      return driver.close()
    },
  }
}

/** The number of the lock that migrations of these tables are taken under: eight bytes of a digest over their name. */
function lockNumber(table: string): string {
  return String(new DataView(sha256(`keyrung migrations of ${table}`).buffer.slice(0, 8)).getBigInt64(0))
}

/**
 * Makes a store on PostgreSQL, through the host's own `pg` Pool.
 *
 * Every statement brings its own row mode and type parsers, so that the client's settings change nothing here. A
 * commit whose answer is lost with its connection is found out about by its marker, never guessed. The store listens
 * to the pool's `error` events until it is closed, as a connection that breaks while it lies idle would otherwise end
 * the process; a handler of the host's own is called as before, and is the place to log them.
 *
 * @throws KeyrungError `config_invalid` for options that cannot be meant
 * @example
 * ```ts
 * import { Pool } from 'pg'
 *
 * const pool = new Pool({ connectionString: process.env['DATABASE_URL'] })
 * const store = postgresStore({ pool })
 * ```
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  checkOptions('postgresStore', options)
  const names = tableNames(options.tablePrefix, options.schema)
  return createSqlStore(
    { name: 'postgres', freshness: 'cached', synchronous: false, durable: true },
    postgresDialect,
    names,
    postgresDriver(options, names),
    options.clock ?? null,
  )
}

/**
 * Makes a limit store on PostgreSQL, through the host's own `pg` Pool.
 *
 * What one subject spends is one statement in the usual case; what several do together is one transaction. All that
 * comes while a statement is under way is written by the next one, so that a process never waits for itself. What is
 * spent is kept in a table that the main store's `migrate` makes, and time is the server's.
 *
 * @throws KeyrungError `config_invalid` for options that cannot be meant
 * @example
 * ```ts
 * import { Pool } from 'pg'
 *
 * const pool = new Pool({ connectionString: process.env['DATABASE_URL'] })
 * const limits = postgresLimits({ pool })
 * ```
 */
export function postgresLimits(options: PostgresStoreOptions): LimitStore {
  checkOptions('postgresLimits', options)
  const names = tableNames(options.tablePrefix, options.schema)
  return createSqlLimits({
    name: 'postgres',
    dialect: postgresDialect,
    names,
    driver: postgresDriver(options, names),
    clock: options.clock ?? null,
    alone: false,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
  })
}

/**
 * The store's tables as SQL, step by step, for hosts that bring their database up to date with a tool of their own.
 * Each step belongs in one transaction.
 *
 * @throws KeyrungError `config_invalid` for a prefix or a schema that cannot be one
 *
 * @example
 * ```ts
 * for (const { version, name, sql } of postgresMigrations())
 *   console.log(`-- ${version}: ${name}\n${sql.join(';\n')};`)
 * ```
 */
export function postgresMigrations(options: PostgresTables = {}): readonly Migration[] {
  return compileMigrations(postgresDialect, tableNames(options.tablePrefix, options.schema))
}
