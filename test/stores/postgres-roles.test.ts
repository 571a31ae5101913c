import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import { failureOf } from '../../src/stores/postgres/failure.js'
import { postgresLimits, postgresStore } from '../../src/stores/postgres.js'
import { digestOf, insertKey } from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import { findDataDirectory, startPostgres } from '../servers/postgres.js'
import type { TestServer } from '../servers/test-server.js'

test.each(['0A000', '25006'])('%s closes the connection', (code) => {
  expect(failureOf(Object.assign(new Error('text'), { code }))).toMatchObject({
    kind: 'lost',
    error: { code: 'store_unavailable', internal: `postgres: ${code}` },
  })
})

describeOn('postgres', 'a PostgreSQL that becomes a standby', () => {
  let server: TestServer
  let pool: pg.Pool
  beforeEach(async () => {
    server = await startPostgres()
    pool = new pg.Pool({ ...address(), max: 3 })
    pool.on('error', () => undefined)
  }, 60_000)
  afterEach(async () => {
    await pool.end()
    await server.stop()
  })

  function address(): pg.PoolConfig {
    const { host, port, user, password, database } = server
    return { host, port, user, password, database }
  }

  async function demote(): Promise<void> {
    writeFileSync(join(await findDataDirectory(server), 'standby.signal'), '', { mode: 0o644 })
    await server.restart()
  }

  async function promote(): Promise<void> {
    const client = new pg.Client(address())
    await client.connect()
    await client.query('select pg_promote(true, 60)')
    await client.end()
  }

  test('answers no question and takes no write, keeps no connection, and is back once promoted', async () => {
    const store = postgresStore({ pool, timeoutMs: 10_000 })
    const limits = postgresLimits({ pool, timeoutMs: 10_000 })
    const rules = parseLimits([{ name: 'turn', limit: 3, windowMs: 60_000 }])
    const spend = async () =>
      limits.spend({ workspaceId: 'ws_1', charges: [{ subject: 'workspace', rules, cost: 1 }] })
    const refused = { code: 'store_unavailable', internal: 'postgres: the server is in recovery' }
    await store.migrate()
    await store.commit(insertKey(1))
    expect(await store.findCredential(digestOf(1))).not.toBeNull()

    await demote()
    await expect(async () => store.findCredential(digestOf(1))).rejects.toMatchObject(refused)
    await expect(async () => store.commit(insertKey(2))).rejects.toMatchObject(refused)
    await expect(async () => store.migrate()).rejects.toMatchObject(refused)
    await expect(async () => store.findSchema()).rejects.toMatchObject(refused)
    await expect(spend).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(pool.totalCount).toBe(0)

    await promote()
    expect(await store.findCredential(digestOf(1))).not.toBeNull()
    await store.commit(insertKey(2))
    expect((await spend()).ok).toBe(true)
  })
})
