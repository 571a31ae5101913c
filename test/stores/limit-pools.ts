import pg from 'pg'
import mysql from 'mysql2/promise'
import type { LimitStore } from '../../src/ports/limit-store.js'
import { mysqlLimits, mysqlStore } from '../../src/stores/mysql.js'
import type { MysqlConnection, MysqlStatement } from '../../src/stores/mysql.js'
import { postgresLimits, postgresStore } from '../../src/stores/postgres.js'
import type { PostgresClient, PostgresPool, PostgresQuery } from '../../src/stores/postgres.js'
import type { DatabaseAddress } from '../servers/test-server.js'

/** A statement on its way to the server. */
export interface Sent {
  readonly text: string
  readonly values: readonly unknown[]
  /** Sends it. */
  go(): Promise<unknown>
}

/** What becomes of a statement; it is sent as it is where a test says nothing. */
export type Meddle = (sent: Sent) => Promise<unknown>

/** Limits on a pool of their own. */
export interface PooledLimits {
  readonly limits: LimitStore
  end(): Promise<void>
}

/** What a host may set. */
export interface PooledSettings {
  readonly timeoutMs?: number
  readonly max?: number
  readonly prepare?: boolean
  /** Statements that each connection begins with. */
  readonly begin?: string
  readonly meddle?: Meddle
}

/** One kind of server, as the tests of limits ask for it. */
export interface LimitKit {
  readonly kind: 'postgres' | 'mariadb'
  readonly protocol: 'postgres' | 'mysql'
  /** What makes a connection unfit for a single statement that writes. */
  readonly awkward: readonly string[]
  /** The server's now, in milliseconds since 1970. */
  readonly now: string
  migrate(address: DatabaseAddress): Promise<void>
  open(address: DatabaseAddress, settings?: PooledSettings): PooledLimits
  /** Asks as an administrator would; rows as arrays. */
  ask(address: DatabaseAddress, text: string, values?: readonly unknown[]): Promise<unknown[][]>
  /** How the server goes about a statement, one line a step. */
  explain(address: DatabaseAddress, text: string, values: readonly unknown[]): Promise<readonly string[]>
}

const goOn: Meddle = (sent) => sent.go()

export const postgresKit: LimitKit = {
  kind: 'postgres',
  protocol: 'postgres',
  awkward: [
    'set default_transaction_read_only = on',
    'set default_transaction_isolation = serializable',
    "set default_transaction_isolation = 'repeatable read'",
  ],
  now: 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint::text',
  async migrate(address) {
    const pool = new pg.Pool(address)
    await postgresStore({ pool }).migrate()
    await pool.end()
  },
  open(address, { timeoutMs = 15_000, max = 4, prepare = true, begin, meddle = goOn } = {}) {
    const pool = new pg.Pool({ ...address, max })
    if (begin) pool.on('connect', (client) => void client.query(begin))
    const watched: PostgresPool = {
      async connect() {
        const client: PostgresClient = await pool.connect()
        return new Proxy(client, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target)
            if (typeof value !== 'function') return value
            if (name !== 'query') return value.bind(target) as unknown
            return (query: PostgresQuery | string) =>
              meddle({
                ...(typeof query === 'string' ? { text: query, values: [] } : query),
                go: () => value.call(target, query) as Promise<unknown>,
              })
          },
        })
      },
      on: (event: string, listener: (...values: never[]) => void) =>
        pool.on(event as never, listener as never),
      removeListener: (event: string, listener: (...values: never[]) => void) =>
        pool.removeListener(event, listener as never),
    }
    const limits = postgresLimits({ pool: watched, timeoutMs, prepare })
    return { limits, end: () => pool.end() }
  },
  async ask(address, text, values = []) {
    const client = new pg.Client(address)
    await client.connect()
    try {
      return (await client.query({ text, values: [...values], rowMode: 'array' })).rows
    } finally {
      await client.end()
    }
  },
  async explain(address, text, values) {
    const rows = await postgresKit.ask(address, `explain ${text}`, values)
    return rows.map(([line]) => String(line))
  },
}

export const mariadbKit: LimitKit = {
  kind: 'mariadb',
  protocol: 'mysql',
  awkward: ['set autocommit = 0', "set session tx_isolation = 'SERIALIZABLE'", "set sql_mode = 'ANSI'"],
  now: "cast(timestampdiff(microsecond, '1970-01-01 00:00:00', utc_timestamp(6)) div 1000 as char)",
  async migrate(address) {
    const pool = mysql.createPool(address)
    await mysqlStore({ pool }).migrate()
    await pool.end()
  },
  open(address, { timeoutMs = 15_000, max = 4, prepare = true, begin, meddle = goOn } = {}) {
    const pool = mysql.createPool({ ...address, connectionLimit: max })
    if (begin) pool.on('connection', (connection) => void connection.query(begin))
    const watched = {
      async getConnection(): Promise<MysqlConnection> {
        const connection = await pool.getConnection()
        const meet = (statement: MysqlStatement, go: () => Promise<unknown>) =>
          meddle({ text: statement.sql, values: statement.values ?? [], go })
        return {
          query: (statement) => meet(statement, () => connection.query(statement)),
          execute: (statement) => meet(statement, () => connection.execute(statement)),
          release: () => connection.release(),
          destroy: () => connection.destroy(),
        }
      },
    }
    const limits = mysqlLimits({ pool: watched, timeoutMs, prepare })
    return { limits, end: () => pool.end() }
  },
  async ask(address, text, values = []) {
    const connection = await mysql.createConnection(address)
    try {
      const [rows] = await connection.query({ sql: text, rowsAsArray: true }, [...values])
      return Array.isArray(rows) ? (rows as unknown[][]) : []
    } finally {
      await connection.end()
    }
  },
  async explain(address, text, values) {
    // Without the server's time limit, which stands in front of a statement.
    const plain = text.replace(/^\/\*M!.*?\*\/ /, '')
    const rows = await mariadbKit.ask(address, `explain ${plain}`, values)
    return rows.map((row) => row.map(String).join(' '))
  },
}
