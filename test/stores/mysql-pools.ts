import callbackMysql from 'mysql2'
import mysql from 'mysql2/promise'
import { mysqlStore } from '../../src/stores/mysql.js'
import type { MysqlPool, MysqlStoreOptions } from '../../src/stores/mysql.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { StoreUnderTest } from '../../src/testing/suite/case.js'
import type { DatabaseAddress } from '../servers/test-server.js'

/** A pool of the host's, and its end. */
export interface HostPool {
  readonly pool: MysqlPool
  end(): Promise<void>
}

/** A pool of the promise flavour. */
export function promisePool(address: DatabaseAddress, settings: mysql.PoolOptions = {}): HostPool {
  const pool = mysql.createPool({ ...address, connectionLimit: 8, ...settings })
  return { pool, end: () => pool.end() }
}

/** A pool of the callback flavour. */
export function callbackPool(address: DatabaseAddress, settings: callbackMysql.PoolOptions = {}): HostPool {
  const pool = callbackMysql.createPool({ ...address, connectionLimit: 8, ...settings })
  return { pool, end: () => new Promise((resolve) => pool.end(() => resolve())) }
}

/** One statement in words of its own, as an administrator would send it. */
export async function tell(address: DatabaseAddress, ...statements: readonly string[]): Promise<unknown[][]> {
  const connection = await mysql.createConnection(address)
  try {
    let rows: unknown
    for (const sql of statements) [rows] = await connection.query({ sql, rowsAsArray: true })
    return Array.isArray(rows) ? (rows as unknown[][]) : []
  } finally {
    await connection.end()
  }
}

/** Takes every row out of a database, and leaves its tables: making them anew takes the server most of a second. */
async function empty(database: DatabaseAddress): Promise<void> {
  const tables = (await tell(database, 'show tables')).map(([name]) => String(name))
  const filled = tables.filter((name) => !name.endsWith('_schema'))
  await tell(database, ...filled.map((name) => `delete from ${name}`))
}

/**
 * A store on an empty database, for the suite.
 *
 * @param keep what takes the database when the test is over, emptied; left out, it is dropped
 */
export async function onMariadb(
  database: DatabaseAddress,
  makePool: (address: DatabaseAddress) => HostPool = promisePool,
  options: Partial<MysqlStoreOptions> = {},
  keep?: (database: DatabaseAddress) => void,
): Promise<StoreUnderTest> {
  const clock = manualClock()
  const pools: HostPool[] = []
  const make = () => {
    const made = makePool(database)
    pools.push(made)
    // The suite asks for order, not for haste.
    return mysqlStore({ pool: made.pool, clock, timeoutMs: 15_000, ...options })
  }
  const store = make()
  await store.migrate()
  await tell(database, 'create table if not exists host_notes (note text)')
  return {
    store,
    clock,
    host: {
      write: async (transaction, note) =>
        void (await (transaction as mysql.Connection).query('insert into host_notes values (?)', [note])),
      read: async () => (await tell(database, 'select note from host_notes')).map(([note]) => String(note)),
    },
    another: make,
    async reopen() {
      await store.close()
      await pools.shift()!.end()
      return make()
    },
    async dispose() {
      await store.close()
      for (const { end } of pools) await end()
      if (keep === undefined) return void (await tell(database, `drop database ${database.database}`))
      await empty(database)
      keep(database)
    },
  }
}
