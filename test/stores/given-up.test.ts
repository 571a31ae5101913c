import mysql from 'mysql2/promise'
import pg from 'pg'
import { expect, it } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { mysqlStore } from '../../src/stores/mysql.js'
import { postgresStore } from '../../src/stores/postgres.js'
import { digestOf, insertKey } from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import { startProxy } from '../servers/proxy.js'
import { tell } from './mysql-pools.js'

const timeoutMs = 300

async function answerOf(store: Store, number: number): Promise<unknown> {
  try {
    return await store.findCredential(digestOf(number))
  } catch {
    return 'refused'
  }
}

/** Asks again and again while nobody answers, and answers the most that the server ever had at work. */
async function besiege(store: Store, countAtWork: () => Promise<number>): Promise<number> {
  let most = 0
  for (let round = 0; round < 6; round++) {
    const asked = Array.from({ length: 12 }, (_, i) =>
      Promise.resolve(
        i % 3 === 0 ? store.commit(insertKey(round * 100 + i)) : store.findCredential(digestOf(i)),
      )
        .then(() => 'answered')
        .catch(() => 'refused'),
    )
    most = Math.max(most, await countAtWork())
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['refused']))
    most = Math.max(most, await countAtWork())
  }
  return most
}

describeOn('postgres', 'what is given up on PostgreSQL', (server) => {
  it('is ended there, and never takes more connections than the pool has', async () => {
    const address = await server.createDatabase()
    const pool = new pg.Pool({ ...address, max: 3 })
    const store = postgresStore({ pool, timeoutMs })
    await postgresStore({ pool }).migrate()
    const other = new pg.Client(address)
    await other.connect()
    await other.query('begin; lock table keyrung_keys, keyrung_secrets in access exclusive mode')
    const most = await besiege(store, async () => {
      const { rows } = await other.query<{ n: number }>(
        'select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      // Activity is read once in a transaction unless it is told to be forgotten.
      await other.query('select pg_stat_clear_snapshot()')
      return rows[0]!.n
    })
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(3)
    await other.query('rollback')
    await expect.poll(async () => store.findCredential(digestOf(1))).toBeUndefined()
    await other.end()
    await pool.end()
  })
})

describeOn('mariadb', 'what is given up on MariaDB', (server) => {
  it('is ended there, and never takes more connections than the pool has', async () => {
    const address = await server.createDatabase()
    const pool = mysql.createPool({ ...address, connectionLimit: 3 })
    const store = mysqlStore({ pool, timeoutMs })
    await mysqlStore({ pool }).migrate()
    const other = await mysql.createConnection(address)
    await other.query('lock tables keyrung_keys write, keyrung_secrets write')
    const most = await besiege(store, async () => {
      const rows = await tell(
        address,
        `select count(*) from information_schema.processlist where db = database() and id <> connection_id() and id <> ${other.threadId}`,
      )
      return Number(rows[0]![0])
    })
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(3)
    await other.query('unlock tables')
    await expect.poll(async () => store.findCredential(digestOf(1))).toBeUndefined()
    await other.end()
    await pool.end()
  })

  it('leaves no connection behind that nobody answers on', async () => {
    const address = await server.createDatabase()
    const proxy = await startProxy(address, 'mysql')
    const pool = mysql.createPool({ ...address, host: proxy.host, port: proxy.port, connectionLimit: 2 })
    const store = mysqlStore({ pool, timeoutMs })
    await mysqlStore({ pool }).migrate()
    const taken = await Promise.all([pool.getConnection(), pool.getConnection()])
    const destroyed = taken.map((connection) => new Promise((end) => connection.connection.once('end', end)))
    for (const connection of taken) connection.release()
    proxy.stall()
    await expect(async () => store.findCredential(digestOf(1))).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    await expect(async () => store.findCredential(digestOf(1))).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    await Promise.all(destroyed)
    proxy.release()
    await expect.poll(() => answerOf(store, 1)).toBeUndefined()
    await pool.end()
    await proxy.close()
  })
})

describeOn('postgres', 'connections to PostgreSQL that swallow', (server) => {
  it('are closed in time', async () => {
    const address = await server.createDatabase()
    const proxy = await startProxy(address, 'postgres')
    const pool = new pg.Pool({
      ...address,
      host: proxy.host,
      port: proxy.port,
      max: 2,
      connectionTimeoutMillis: 500,
    })
    const removed: unknown[] = []
    pool.on('remove', (client) => removed.push(client))
    const store = postgresStore({ pool, timeoutMs })
    await postgresStore({ pool }).migrate()
    await Promise.all([store.findCredential(digestOf(1)), store.findCredential(digestOf(2))])
    proxy.stall()
    await Promise.allSettled([store.findCredential(digestOf(1)), store.commit(insertKey(1))])
    await expect.poll(() => removed.length, { timeout: 5_000 }).toBe(2)
    proxy.release()
    await expect.poll(() => answerOf(store, 9)).toBeUndefined()
    await pool.end()
    await proxy.close()
  })
})
