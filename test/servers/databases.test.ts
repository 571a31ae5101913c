import { Redis } from 'ioredis'
import pg from 'pg'
import mysql from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import { expect, test } from 'vitest'
import { describeOn } from './on-server.js'
import { startPostgres } from './postgres.js'
import { findBroughtFolder } from './program.js'
import { ioredisAddress } from './redis.js'

describeOn('postgres', 'PostgreSQL for tests', (server) => {
  test('gives every caller an empty database of its own', async () => {
    const [one, other] = [await server.createDatabase(), await server.createDatabase()]
    expect(one.database).not.toBe(other.database)
    expect(one.port).toBe((await server.address()).port)
    const pool = new pg.Pool(one)
    try {
      const { rows } = await pool.query('select current_database() as name')
      expect(rows).toEqual([{ name: one.database }])
    } finally {
      await pool.end()
    }
  })
})

test('a machine without PostgreSQL starts the one that npm brought', async () => {
  const server = await startPostgres({ programs: findBroughtFolder() })
  expect(await server.createDatabase()).toMatchObject({ host: '127.0.0.1', port: server.port })
  await server.stop()
}, 120_000)

describeOn('pgbouncer', 'PgBouncer for tests', (server) => {
  test('hands out another server session in another transaction', async () => {
    const address = await server.createDatabase()
    const [one, other] = [new pg.Client(address), new pg.Client(address)]
    await Promise.all([one.connect(), other.connect()])
    try {
      const sessionOf = async (client: pg.Client) =>
        (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid
      await one.query('begin')
      const first = await sessionOf(one)
      await one.query('commit')
      await other.query('begin')
      // The session is with the transaction, so the same one serves the other client now.
      expect(await sessionOf(other)).toBe(first)
      expect(await sessionOf(one)).not.toBe(first)
      await other.query('commit')
    } finally {
      await Promise.all([one.end(), other.end()])
    }
  })
})

describeOn('mariadb', 'MariaDB for tests', (server) => {
  test('gives every caller an empty database of its own', async () => {
    const [one, other] = [await server.createDatabase(), await server.createDatabase()]
    expect(one.database).not.toBe(other.database)
    const pool = mysql.createPool({ ...one })
    try {
      const [rows] = await pool.query<RowDataPacket[]>('select database() as name')
      expect(rows).toEqual([{ name: one.database }])
    } finally {
      await pool.end()
    }
  })
})

describeOn('redis', 'Redis for tests', (server) => {
  test('gives every caller an empty database of its own', async () => {
    const [one, other] = [await server.createDatabase(), await server.createDatabase()]
    expect(one.database).not.toBe(other.database)
    const client = new Redis(ioredisAddress(one))
    try {
      expect(await client.dbsize()).toBe(0)
      expect(await client.client('INFO')).toContain(` db=${one.database} `)
    } finally {
      client.disconnect()
    }
  })
})
