import { inspect } from 'node:util'
import mysql from 'mysql2/promise'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isKeyrungError } from '../../src/core/errors.js'
import type { KeyrungError } from '../../src/core/errors.js'
import { failureOf } from '../../src/stores/mysql/failure.js'
import { mysqlStore } from '../../src/stores/mysql.js'
import type { MaybePromise } from '../../src/core/maybe-promise.js'
import type { MysqlConnection, MysqlPromisePool, MysqlStatement } from '../../src/stores/mysql.js'
import { commitAll, update } from '../../src/testing/suite/probe.js'
import { digestOf, idOf, insert, insertKey, makeSetting } from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { tell } from './mysql-pools.js'

async function thrownBy(call: () => MaybePromise<unknown>): Promise<KeyrungError> {
  try {
    await call()
  } catch (error) {
    if (isKeyrungError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A pool on which one chosen statement is met by trouble, once. */
function troubled(
  pool: mysql.Pool,
  chosen: RegExp,
  trouble: (connection: mysql.PoolConnection, send: () => Promise<unknown>) => Promise<unknown>,
): MysqlPromisePool {
  let left = 1
  return {
    async getConnection(): Promise<MysqlConnection> {
      const connection = await pool.getConnection()
      const meet = (statement: MysqlStatement, send: () => Promise<unknown>) =>
        chosen.test(statement.sql) && left-- > 0 ? trouble(connection, send) : send()
      return {
        query: (statement) => meet(statement, () => connection.query(statement)),
        execute: (statement) => meet(statement, () => connection.execute(statement)),
        release: () => connection.release(),
        destroy: () => connection.destroy(),
      }
    },
  }
}

const lost = () =>
  Promise.reject(Object.assign(new Error('gone'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true }))

describeOn('mariadb', 'mysqlStore in trouble', (server) => {
  let database: DatabaseAddress
  let pool: mysql.Pool
  beforeAll(async () => {
    database = await server.createDatabase()
    pool = mysql.createPool({ ...database, connectionLimit: 4 })
    await mysqlStore({ pool }).migrate()
  })
  afterAll(() => pool.end())

  it('a commit whose answer was lost is found to have happened, and is not made twice', async () => {
    const store = mysqlStore({
      pool: troubled(pool, /^commit/, async (connection, send) => {
        await send()
        connection.destroy()
        return lost()
      }),
    })
    await commitAll(store, ...insertKey(1))
    await commitAll(store, update('key', idOf('key', 1), 1, { name: 'Edited' }))
    expect((await store.findCredential(digestOf(1)))?.key.version).toBe(2)
  })

  it('a commit that was lost on its way is made once more', async () => {
    const store = mysqlStore({
      pool: troubled(pool, /^commit/, (connection) => {
        connection.destroy()
        return lost()
      }),
    })
    await commitAll(store, ...insertKey(2))
    expect((await store.findCredential(digestOf(2)))?.key.version).toBe(1)
  })

  it('a connection that was killed while it lay idle is noticed by nobody', async () => {
    const own = mysql.createPool({ ...database, connectionLimit: 1 })
    const store = mysqlStore({ pool: own })
    await commitAll(store, ...insertKey(3))
    const [rows] = await own.query<mysql.RowDataPacket[]>('select connection_id() as id')
    await tell(database, `kill ${String(rows[0]?.['id'])}`)
    expect((await store.findCredential(digestOf(3)))?.key.version).toBe(1)
    await own.end()
  })

  it('of two transactions in a deadlock both are made in the end', async () => {
    const store = mysqlStore({ pool })
    await commitAll(store, insert('setting', makeSetting('left')), insert('setting', makeSetting('right')))
    for (let version = 1; version < 8; version++) {
      const value = (id: string, at: number) => update('setting', id, at, { value: `${version}` })
      const answers = await Promise.all([
        store.commit([value('left', version), value('right', version)]),
        store.commit([value('right', version), value('left', version)]),
      ])
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
      expect(answers).toContainEqual({ ok: false, failed: 0, why: 'version' })
    }
  })

  it('a row that somebody keeps locked is waited for as long as a call may take, and not longer', async () => {
    const host = await mysql.createConnection(database)
    const store = mysqlStore({ pool, timeoutMs: 300 })
    await commitAll(store, insert('setting', makeSetting('kept')))
    await host.query('start transaction')
    await host.query("select * from keyrung_settings where id = 'kept' for update")
    const began = performance.now()
    const error = await thrownBy(() => store.commit([update('setting', 'kept', 1, { value: 'new' })]))
    expect(error.code).toBe('store_unavailable')
    expect(performance.now() - began).toBeLessThan(5_000)
    await host.end()
    await commitAll(mysqlStore({ pool }), update('setting', 'kept', 1, { value: 'new' }))
  })

  it('a pool with no connection left is waited for in bounds', async () => {
    const own = mysql.createPool({ ...database, connectionLimit: 1 })
    const store = mysqlStore({ pool: own, timeoutMs: 100 })
    const held = await own.getConnection()
    expect(await thrownBy(() => store.findCredential(digestOf(1)))).toMatchObject({
      code: 'store_unavailable',
      internal: 'mysql: no connection in time',
    })
    held.release()
    expect(await store.findCredential(digestOf(404))).toBeUndefined()
    await own.end()
  })

  it('tells nobody the driver’s text, which may hold data', async () => {
    const own = mysql.createPool({ ...database, password: 'a canary', connectionLimit: 1 })
    const refused = await thrownBy(() => mysqlStore({ pool: own }).findCredential(digestOf(1)))
    expect(refused.internal).toBe('mysql: ER_ACCESS_DENIED_ERROR 1045')
    await own.end()
    const missing = await thrownBy(() =>
      mysqlStore({ pool, tablePrefix: 'none_' }).findIdempotency('a canary'),
    )
    expect(missing.internal).toBe('mysql: ER_NO_SUCH_TABLE 1146')
    const ended = await thrownBy(() => mysqlStore({ pool: own }).findCredential(digestOf(1)))
    for (const error of [refused, missing, ended]) {
      expect(error.code).toBe('store_unavailable')
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/canary|denied for|doesn't exist/)
      expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('canary')
    }
  })

  it('tells what is to be done about an error by its number alone', () => {
    const kindOf = (errno: number, more = {}) =>
      failureOf(Object.assign(new Error('x'), { errno, ...more })).kind
    expect([1205, 1213, 1969, 3024].map((errno) => kindOf(errno))).toEqual(Array(4).fill('again'))
    expect([1053, 1927, 2013, 1290].map((errno) => kindOf(errno))).toEqual(Array(4).fill('lost'))
    expect([1064, 1146, 1406, 1317].map((errno) => kindOf(errno))).toEqual(Array(4).fill('refused'))
    expect(kindOf(-104, { code: 'ECONNRESET' })).toBe('lost')
    expect(failureOf('a canary').error.internal).toBe('mysql: error')
  })
})
