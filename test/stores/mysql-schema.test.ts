import mysql from 'mysql2/promise'
import { beforeEach, expect, it } from 'vitest'
import { mysqlMigrations, mysqlStore } from '../../src/stores/mysql.js'
import type { MysqlConnection, MysqlPromisePool, MysqlStatement } from '../../src/stores/mysql.js'
import { commitAll } from '../../src/testing/suite/probe.js'
import { digestOf, insertKey } from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { promisePool, tell } from './mysql-pools.js'

/** Everything that the server says about the tables. */
function schemaOf(database: DatabaseAddress): Promise<unknown[][]> {
  return tell(
    database,
    `select table_name, column_name, column_type, is_nullable, null, null, null from information_schema.columns where table_schema = database()
     union all select table_name, index_name, seq_in_index, column_name, non_unique, sub_part, null from information_schema.statistics where table_schema = database()
     union all select table_name, engine, row_format, null, null, null, null from information_schema.tables where table_schema = database() order by 1, 2, 3`,
  )
}

/** A pool whose connections break as a process that dies would break them: once so many statements have been sent. */
function dyingPool(
  database: DatabaseAddress,
  statements: number,
): { pool: MysqlPromisePool; end(): Promise<void> } {
  const pool = mysql.createPool(database)
  let left = statements
  return {
    end: () => pool.end(),
    pool: {
      async getConnection(): Promise<MysqlConnection> {
        const connection = await pool.getConnection()
        const send = (how: 'query' | 'execute') => (statement: MysqlStatement) => {
          if (left-- > 0) return how === 'query' ? connection.query(statement) : connection.execute(statement)
          connection.destroy()
          return Promise.reject(
            Object.assign(new Error('gone'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true }),
          )
        }
        return {
          query: send('query'),
          execute: send('execute'),
          release: () => connection.release(),
          destroy: () => connection.destroy(),
        }
      },
    },
  }
}

describeOn('mariadb', 'the schema of a MariaDB', (server) => {
  let database: DatabaseAddress
  beforeEach(async () => void (database = await server.createDatabase()))

  async function withStore<T>(
    use: (store: ReturnType<typeof mysqlStore>) => Promise<T>,
    options = {},
  ): Promise<T> {
    const { pool, end } = promisePool(database)
    try {
      return await use(mysqlStore({ pool, ...options }))
    } finally {
      await end()
    }
  }

  it('is the same whether the store makes it or the host’s own tool does, from the printed statements', async () => {
    await tell(database, ...mysqlMigrations().flatMap(({ sql }) => sql))
    const printed = await schemaOf(database)
    expect(await withStore(async (store) => store.findSchema())).toBe('current')
    database = await server.createDatabase()
    expect(await withStore(async (store) => store.findSchema())).toBe('missing')
    await withStore(async (store) => store.migrate())
    expect(await schemaOf(database)).toEqual(printed)
  })

  it('keeps names and texts as bytes, digests as 32 of them, times as BIGINT, in InnoDB', async () => {
    await withStore(async (store) => store.migrate())
    const types = await tell(
      database,
      'select distinct column_type from information_schema.columns where table_schema = database() order by 1',
    )
    expect(types.flat()).toEqual(['bigint(20)', 'binary(32)', 'longblob', 'varbinary(765)'])
    const formats = await tell(
      database,
      'select distinct engine, row_format from information_schema.tables where table_schema = database()',
    )
    expect(formats).toEqual([['InnoDB', 'Dynamic']])
  })

  it('is brought up to date by the next start, whichever statement the one before died at', async () => {
    await withStore(async (store) => store.migrate())
    const whole = await schemaOf(database)
    const versions = await tell(database, 'select version from keyrung_schema order by version')
    let died = 0
    for (let statements = 3; ; statements += 13) {
      database = await server.createDatabase()
      const dying = dyingPool(database, statements)
      const ended = await Promise.resolve(mysqlStore({ pool: dying.pool, timeoutMs: 500 }).migrate()).then(
        () => 'done',
        () => 'died',
      )
      await dying.end()
      if (ended === 'done') break
      died++
      await withStore(async (store) => store.migrate())
      expect(await schemaOf(database)).toEqual(whole)
      expect(await tell(database, 'select version from keyrung_schema order by version')).toEqual(versions)
      await tell(database, `drop database ${database.database}`)
    }
    expect(died).toBeGreaterThan(5)
  }, 120_000)

  it('is made once when eight instances start at the same time', async () => {
    const pools = Array.from({ length: 8 }, () => promisePool(database, { connectionLimit: 1 }))
    await Promise.all(pools.map(async ({ pool }) => mysqlStore({ pool }).migrate()))
    await Promise.all(pools.map(({ end }) => end()))
    const versions = await tell(
      database,
      'select version, count(*) from keyrung_schema group by version order by 1',
    )
    expect(versions).toEqual(mysqlMigrations().map(({ version }) => [version, 1]))
  }, 60_000)

  it('is made in sessions that do not commit by themselves', async () => {
    const pool = mysql.createPool({ ...database, connectionLimit: 1 })
    pool.pool.on('connection', (connection) => void connection.query('set autocommit = 0'))
    await mysqlStore({ pool }).migrate()
    await pool.end()
    expect(await withStore(async (store) => store.findSchema())).toBe('current')
  })

  it('of a newer version is left alone', async () => {
    await withStore(async (store) => store.migrate())
    await tell(database, "insert into keyrung_schema (version, name) values (99, 'later')")
    await withStore(async (store) => {
      expect(await store.findSchema()).toBe('newer')
      await expect(async () => store.migrate()).rejects.toMatchObject({ code: 'config_invalid' })
    })
  })

  it('lies in the schema and under the prefix that the host names, the longest there are too', async () => {
    const other = await server.createDatabase()
    const tablePrefix = 'p'.repeat(30)
    const options = { schema: other.database, tablePrefix }
    await withStore(async (store) => {
      await store.migrate()
      await commitAll(store, ...insertKey(1))
      expect((await store.findCredential(digestOf(1)))?.key.version).toBe(1)
      expect(await store.findSchema()).toBe('current')
    }, options)
    expect(await schemaOf(database)).toEqual([])
    expect(await tell(other, `select count(*) from ${tablePrefix}keys`)).toEqual([[1]])
  })
})
