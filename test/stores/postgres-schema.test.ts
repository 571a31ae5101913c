import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { columns, recordTypes } from '../../src/stores/columns.js'
import { postgresMigrations, postgresStore } from '../../src/stores/postgres.js'
import { columnName, tableNames } from '../../src/stores/sql/tables.js'
import { storeSuite } from '../../src/testing/store-suite.js'
import { digestOf, idOf, insertKey } from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { freshPrefix, onPostgres } from './postgres-stores.js'

const versions = postgresMigrations().map(({ version }) => version)

describeOn('postgres', 'the schema of a PostgreSQL store', (server) => {
  let address: DatabaseAddress
  let pool: pg.Pool
  beforeAll(async () => {
    address = await server.createDatabase()
    pool = new pg.Pool({ ...address, max: 12 })
  })
  afterAll(() => pool.end())

  async function rowsOf(sql: string, values: unknown[] = []): Promise<unknown[][]> {
    return (await pool.query<unknown[]>({ text: sql, values, rowMode: 'array' })).rows
  }

  /** The tables, columns and indexes of a prefix, without the prefix. */
  async function schemaOf(prefix: string, schema = 'public'): Promise<unknown> {
    const rows = await rowsOf(
      `select table_name, column_name, data_type, collation_name, is_nullable from information_schema.columns
       where table_schema = $1 and table_name like $2 order by table_name, ordinal_position`,
      [schema, `${prefix}%`],
    )
    const indexes = await rowsOf(
      'select indexdef from pg_indexes where schemaname = $1 and tablename like $2 order by indexname',
      [schema, `${prefix}%`],
    )
    return JSON.parse(JSON.stringify([rows, indexes]).replaceAll(prefix, '').replaceAll(`${schema}.`, ''))
  }

  it('is missing, then current; and outdated or newer as its version table says', async () => {
    const tablePrefix = freshPrefix()
    const store = postgresStore({ pool, tablePrefix })
    expect(await store.findSchema()).toBe('missing')
    await store.migrate()
    expect(await store.findSchema()).toBe('current')
    await pool.query(`insert into ${tablePrefix}schema values (900, 'of a later release')`)
    expect(await store.findSchema()).toBe('newer')
    const before = await schemaOf(tablePrefix)
    await expect(async () => store.migrate()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/version 900.*newer keyrung/),
    })
    expect(await schemaOf(tablePrefix)).toEqual(before)
    await pool.query(`delete from ${tablePrefix}schema where version > 1`)
    expect(await store.findSchema()).toBe('outdated')
  })

  it('is made once where eight instances start at the same time', async () => {
    const tablePrefix = freshPrefix()
    const pools = Array.from({ length: 8 }, () => new pg.Pool({ ...address, max: 1 }))
    const stores = pools.map((own) => postgresStore({ pool: own, tablePrefix }))
    await Promise.all(stores.map((store) => store.migrate()))
    const found = await rowsOf(`select version from ${tablePrefix}schema order by version`)
    expect(found.map(([version]) => Number(version))).toEqual(versions)
    for (const [number, store] of stores.entries())
      expect(await store.commit(insertKey(number))).toEqual({ ok: true })
    await Promise.all(pools.map((own) => own.end()))
  })

  it('of the first release is brought up to date with all that is in it', async () => {
    const tablePrefix = freshPrefix()
    for (const text of postgresMigrations({ tablePrefix })[0]!.sql) await pool.query(text)
    await pool.query(
      `insert into ${tablePrefix}settings (id, workspace_id, version, value) values ('lease', '', 3, '1000')`,
    )
    const store = postgresStore({ pool, tablePrefix })
    expect(await store.findSchema()).toBe('outdated')
    await store.migrate()
    expect(await store.findSchema()).toBe('current')
    expect(await store.findSettings('')).toEqual([
      { id: 'lease', workspaceId: '', version: 3, value: '1000' },
    ])
    expect(await store.commit(insertKey(1))).toEqual({ ok: true })
  })

  it('is the same whether it was made by the store or by the printed SQL', async () => {
    const [printed, made] = [freshPrefix(), freshPrefix()]
    for (const { sql } of postgresMigrations({ tablePrefix: printed })) {
      await pool.query(['begin', ...sql, 'commit'].join(';\n'))
    }
    const store = postgresStore({ pool, tablePrefix: printed })
    expect(await store.findSchema()).toBe('current')
    await store.migrate()
    await postgresStore({ pool, tablePrefix: made }).migrate()
    expect(await schemaOf(printed)).toEqual(await schemaOf(made))
  })

  it('is not half there when a migration fails', async () => {
    const tablePrefix = freshPrefix()
    await pool.query(`create table ${tablePrefix}events (own int)`)
    const before = await schemaOf(tablePrefix)
    const store = postgresStore({ pool, tablePrefix })
    await expect(async () => store.migrate()).rejects.toMatchObject({
      code: 'store_unavailable',
      internal: 'postgres: 42P07',
    })
    expect(await schemaOf(tablePrefix)).toEqual(before)
    expect(await store.findSchema()).toBe('missing')
    await pool.query(`drop table ${tablePrefix}events`)
    await store.migrate()
    expect(await store.findSchema()).toBe('current')
  })

  it('has every column that records have, in their order, texts by their bytes', async () => {
    const tablePrefix = freshPrefix()
    await postgresStore({ pool, tablePrefix }).migrate()
    const names = tableNames(tablePrefix)
    const types = { name: 'text', text: 'text', instant: 'bigint', count: 'bigint', digest: 'bytea' }
    for (const type of recordTypes) {
      const found = await rowsOf(
        `select column_name, data_type, collation_name, is_nullable from information_schema.columns
         where table_schema = 'public' and table_name = $1 order by ordinal_position`,
        [names[type]],
      )
      expect(found).toEqual(
        Object.entries(columns[type]).map(([name, { kind, nullable }]) => [
          columnName(name),
          types[kind],
          types[kind] === 'text' ? 'C' : null,
          nullable ? 'YES' : 'NO',
        ]),
      )
    }
  })

  it('stands in a schema of its own, under any name and prefix, and nowhere else', async () => {
    const tablePrefix = freshPrefix()
    await pool.query('create schema "Auth_1"')
    const store = postgresStore({ pool, schema: 'Auth_1', tablePrefix })
    expect(await store.findSchema()).toBe('missing')
    await store.migrate()
    expect(await store.findSchema()).toBe('current')
    const usual = freshPrefix()
    await postgresStore({ pool, tablePrefix: usual }).migrate()
    expect(await schemaOf(tablePrefix, 'Auth_1')).not.toEqual([[], []])
    expect(await schemaOf(tablePrefix, 'public')).toEqual([[], []])
    await store.commit(insertKey(1))
    await store.recordUses([{ keyId: idOf('key', 1), at: 5 }])
    expect((await store.findKey('ws_1', idOf('key', 1)))?.lastUsedAt).toBe(5)
    expect((await store.findCredential(digestOf(1)))?.key.id).toBe(idOf('key', 1))
    for (const { sql } of postgresMigrations({ schema: 'Auth_1', tablePrefix })) {
      for (const text of sql)
        expect(text).toMatch(/^(create (table|(unique )?index .* on)|alter table|insert into) "Auth_1"\./)
    }
    expect(await postgresStore({ pool, tablePrefix }).findSchema()).toBe('missing')
  })

  it.each(['a.b', 'x"y', '', '1a', 'a'.repeat(64), 5])('is in no schema called %j', (schema) => {
    expect(() => postgresMigrations({ schema: schema as string })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })

  it('takes the longest prefix there can be', async () => {
    const store = postgresStore({ pool, tablePrefix: 'p'.repeat(30) })
    await store.migrate()
    expect(await store.findSchema()).toBe('current')
    expect(await store.commit(insertKey(1))).toEqual({ ok: true })
  })

  it('forgets markers of commits when they are old, in batches, and denials with them', async () => {
    const tablePrefix = freshPrefix()
    const store = postgresStore({ pool, tablePrefix })
    await store.migrate()
    await store.commit(insertKey(1))
    await pool.query(
      `insert into ${tablePrefix}commits (id, at) select 'old' || n, case n % 2 when 0 then 1 else -1 end * (floor(extract(epoch from now()) * 1000) - 600001 - n) from generate_series(1, 450) as n`,
    )
    await pool.query(
      `insert into ${tablePrefix}commits (id, at) values ('denied', -floor(extract(epoch from now()) * 1000))`,
    )
    const counts = []
    for (let round = 0; round < 4; round++) {
      const [[count]] = (await rowsOf(`select count(*) from ${tablePrefix}commits`)) as [[string]]
      counts.push(Number(count))
      await store.purge({ now: 0, limit: 10 })
    }
    expect(counts).toEqual([452, 252, 52, 2])
  })

  describe('in a database that compares as people do', () => {
    let other: pg.Pool
    beforeAll(async () => {
      const name = `${address.database}_icu`
      await pool.query(
        `create database ${name} template template0 locale_provider icu icu_locale 'en-US-u-ks-level1' locale 'C' encoding utf8`,
      )
      other = new pg.Pool({ ...address, database: name })
    })
    afterAll(() => other?.end())

    const cases = storeSuite().filter(({ name }) => /byte-exact|walk|page|texts|cursor|searches/.test(name))
    it('is asked enough', () => expect(cases.length).toBeGreaterThan(8))
    it('which it does where it is asked to', async () => {
      const { rows } = await other.query<{ less: boolean }>("select 'a' < 'B' as less")
      expect(rows[0]).toEqual({ less: true })
    })
    for (const { name, run } of cases) it(`compares bytes: ${name}`, () => run(() => onPostgres(other)))
  })
})
