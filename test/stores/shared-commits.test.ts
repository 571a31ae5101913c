import type Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { mysqlStore } from '../../src/stores/mysql.js'
import { postgresStore } from '../../src/stores/postgres.js'
import { sqliteStore } from '../../src/stores/sqlite.js'
import { stands, update } from '../../src/testing/suite/probe.js'
import { idOf, insertKey } from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import { freshPrefix } from './postgres-stores.js'
import { makeFolder, openFile } from './sqlite-files.js'
import type { Folder } from './sqlite-files.js'

const id = idOf('key', 1)
const edit = update('key', id, 1, { name: 'Edited' })
const unavailable = { code: 'store_unavailable' }

/** Has a promise come of whatever is answered or thrown. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    return error
  }
}

describe.each(['wal', 'delete'] as const)(
  'a transaction of SQLite that the host shares, in %s mode',
  (mode) => {
    let folder: Folder
    let database: Database.Database
    let store: Store
    const notes = () => database.prepare<[], string>('select note from notes').pluck().all()
    const write = (note: string) => database.prepare('insert into notes values (?)').run(note)

    beforeEach(async () => {
      folder = makeFolder()
      database = openFile(folder.file, mode)
      database.exec('create table notes (note text)')
      store = sqliteStore({ database })
      await store.migrate()
      await store.commit(insertKey(1))
    })
    afterEach(async () => {
      await store.close()
      database.close()
      folder.dispose()
    })

    it('is done when the call returns, and hands over the host’s own handle', () => {
      const answer = store.commitWith!([edit], (transaction) => {
        expect(transaction).toBe(database)
        return write('one').changes
      })
      expect(answer).toEqual({ ok: true, value: 1 })
      expect([notes(), database.inTransaction]).toEqual([['one'], false])
    })

    it('refuses what answers a promise, and undoes what it wrote until then', async () => {
      const answer = outcomeOf(() =>
        store.commitWith!([edit], async () => {
          write('one')
          await Promise.resolve()
          throw new Error('never to be heard of')
        }),
      )
      expect(await answer).toMatchObject({
        code: 'config_invalid',
        message: expect.stringContaining('answered a promise'),
      })
      expect([notes(), database.inTransaction, await stands(store, 'key', id, 1)]).toEqual([[], false, true])
    })

    it('lets the host work as it always does: its own time-out, its own transactions within', () => {
      database.pragma('busy_timeout = 1234')
      const inside: unknown[] = []
      void store.commitWith!([edit], () => {
        inside.push(database.pragma('busy_timeout', { simple: true }))
        database.transaction(() => write('kept'))()
        const undone = database.transaction(() => {
          write('undone')
          throw new Error('undo')
        })
        expect(undone).toThrow('undo')
      })
      expect([inside, notes(), database.pragma('busy_timeout', { simple: true })]).toEqual([
        [1234],
        ['kept'],
        1234,
      ])
    })

    it.each(['commit', 'rollback'])('says so where the host ended it with a %s', async (word) => {
      const answer = outcomeOf(() => store.commitWith!([edit], () => void database.exec(word)))
      expect(await answer).toMatchObject({ ...unavailable, internal: expect.stringContaining('ended') })
      expect(database.inTransaction).toBe(false)
    })

    it('waits until the host’s own transaction is over, and then runs once', async () => {
      database.exec('begin')
      let begun = 0
      const answer = store.commitWith!([edit], () => ++begun)
      expect(begun).toBe(0)
      database.exec('commit')
      expect(await answer).toEqual({ ok: true, value: 1 })
      expect([begun, await stands(store, 'key', id, 2)]).toEqual([1, true])
    })
  },
)

describeOn('postgres', 'a transaction of PostgreSQL that the host shares', (server) => {
  let pool: pg.Pool
  let store: Store
  let prefix: string

  beforeAll(async () => {
    pool = new pg.Pool(await server.createDatabase())
    pool.on('error', () => undefined)
    await pool.query('create table notes (note text)')
  })
  afterAll(() => pool.end())
  beforeEach(async () => {
    prefix = freshPrefix()
    store = postgresStore({ pool, tablePrefix: prefix, timeoutMs: 2_000 })
    await store.migrate()
    await store.commit(insertKey(1))
    await pool.query('delete from notes')
  })
  afterEach(() => store.close())

  const notes = async () =>
    (await pool.query<{ note: string }>('select note from notes')).rows.map(({ note }) => note)
  const nameBy = async (client: Pick<pg.Pool, 'query'>) =>
    (await client.query<{ name: string }>(`select name from ${prefix}keys where id = $1`, [id])).rows[0]?.name

  it('has the changes in it, which nobody else sees before it is over', async () => {
    const answer = await store.commitWith!([edit], async (transaction) => {
      const client = transaction as pg.PoolClient
      await client.query("insert into notes values ('one')")
      return [await nameBy(client), await nameBy(pool), await notes()]
    })
    expect(answer).toEqual({ ok: true, value: ['Edited', 'Key 1', []] })
    expect([await nameBy(pool), await notes()]).toEqual(['Edited', ['one']])
  })

  it('has as long as the host lets it', async () => {
    const quick = postgresStore({ pool, tablePrefix: prefix, timeoutMs: 400 })
    const answer = await quick.commitWith!([edit], async (transaction) => {
      await (transaction as pg.PoolClient).query('select pg_sleep(0.9)')
      return 'slept'
    })
    expect(answer).toEqual({ ok: true, value: 'slept' })
    await quick.close()
  })

  it.each([
    ['the host ended it with a commit', 'commit'],
    ['the host ended it with a rollback', 'rollback'],
    ['a statement failed and the host went on', 'select nonsense'],
  ])('says so where %s', async (_, text) => {
    const answer = outcomeOf(() =>
      store.commitWith!([edit], async (transaction) => {
        await (transaction as pg.PoolClient).query(text).catch(() => undefined)
      }),
    )
    expect(await answer).toMatchObject(unavailable)
    if (text !== 'commit') expect(await nameBy(pool)).toBe('Key 1')
  })

  it('leaves nothing where the connection is lost in the middle, and throws on what the host met', async () => {
    const answer = outcomeOf(() =>
      store.commitWith!([edit], async (transaction) => {
        const client = transaction as pg.PoolClient
        await client.query("insert into notes values ('one')")
        await client.query('select pg_terminate_backend(pg_backend_pid())')
      }),
    )
    expect(await answer).toMatchObject({ code: '57P01' })
    expect([await nameBy(pool), await notes()]).toEqual(['Key 1', []])
    expect(await store.commit([edit])).toEqual({ ok: true })
  })
})

describeOn('mariadb', 'a transaction of MariaDB that the host shares', (server) => {
  let pool: mysql.Pool
  let store: Store

  beforeEach(async () => {
    pool = mysql.createPool(await server.createDatabase())
    await pool.query('create table notes (note text)')
    store = mysqlStore({ pool, timeoutMs: 10_000 })
    await store.migrate()
    await store.commit(insertKey(1))
  }, 60_000)
  afterEach(async () => {
    await store.close()
    await pool.end()
  })

  it('has the changes in it, which nobody else sees before it is over', async () => {
    const nameBy = async (client: Pick<mysql.Pool, 'query'>) => {
      const [rows] = await client.query<mysql.RowDataPacket[]>('select name from keyrung_keys where id = ?', [
        id,
      ])
      return String(rows[0]!['name'])
    }
    const answer = await store.commitWith!([edit], async (transaction) => {
      const connection = transaction as mysql.PoolConnection
      await connection.query("insert into notes values ('one')")
      return [await nameBy(connection as never), await nameBy(pool)]
    })
    expect(answer).toEqual({ ok: true, value: ['Edited', 'Key 1'] })
    expect(await nameBy(pool)).toBe('Edited')
  })

  it.each([
    ['ended it with a commit', 'commit'],
    ['ended it with a rollback', 'rollback'],
    ['ended it by changing a table', 'create table other (x int)'],
  ])('says so where the host %s', async (_, text) => {
    const answer = outcomeOf(() =>
      store.commitWith!([edit], async (transaction) => {
        await (transaction as mysql.PoolConnection).query(text)
      }),
    )
    expect(await answer).toMatchObject(unavailable)
    if (text === 'rollback') expect(await stands(store, 'key', id, 1)).toBe(true)
  })
})
