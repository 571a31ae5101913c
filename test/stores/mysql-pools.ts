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

/** A store on a fresh database, for the suite. */
export async function onMariadb(
  database: DatabaseAddress,
  makePool: (address: DatabaseAddress) => HostPool = promisePool,
  options: Partial<MysqlStoreOptions> = {},
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
  return {
    store,
    clock,
    another: make,
    async reopen() {
      await store.close()
      await pools.shift()!.end()
      return make()
    },
    async dispose() {
      await store.close()
      for (const { end } of pools) await end()
      await tell(database, `drop database ${database.database}`)
    },
  }
}
