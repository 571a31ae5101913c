import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { columns, recordTypes } from '../../src/stores/columns.js'
import { columnName, tableNames } from '../../src/stores/sql/tables.js'
import { sqliteMigrations, sqliteStore } from '../../src/stores/sqlite.js'
import { digestOf, everyType, insert, insertKey, oneOfEach } from '../../src/testing/suite/records.js'

function schemaOf(database: Database.Database): unknown {
  return database.prepare('select type, name, tbl_name, sql from sqlite_master order by name').all()
}

describe('the schema of a SQLite file', () => {
  it('is missing, then current; and outdated or newer as its version table says', async () => {
    const database = new Database(':memory:')
    const store = sqliteStore({ database })
    expect(await store.findSchema()).toBe('missing')
    await store.migrate()
    expect(await store.findSchema()).toBe('current')
    database.exec("insert into keyrung_schema values (900, 'of a later release', 900)")
    expect(await store.findSchema()).toBe('newer')
    database.exec('delete from keyrung_schema')
    expect(await store.findSchema()).toBe('missing')
  })

  it('that is newer is left alone, with word of what to do', async () => {
    const database = new Database(':memory:')
    const store = sqliteStore({ database })
    await store.migrate()
    database.exec("insert into keyrung_schema values (7, 'of a later release', 7)")
    const before = schemaOf(database)
    await expect(async () => store.migrate()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/version 7.*versions up to 5.*newer keyrung/),
    })
    expect(schemaOf(database)).toEqual(before)
  })

  it('is the same whether it was made by the store or by the printed SQL', async () => {
    const printed = new Database(':memory:')
    for (const { sql } of sqliteMigrations()) printed.exec(sql.join(';\n'))
    const store = sqliteStore({ database: printed })
    expect(await store.findSchema()).toBe('current')
    await store.migrate()

    const made = new Database(':memory:')
    await sqliteStore({ database: made }).migrate()
    expect(schemaOf(printed)).toEqual(schemaOf(made))
    expect(await store.commit([...insertKey(1)])).toEqual({ ok: true })
    expect((await store.findCredential(digestOf(1)))?.key.name).toBe('Key 1')
  })

  it('is printed step by step, under any prefix, with nothing but its own tables', () => {
    const steps = sqliteMigrations({ tablePrefix: 'auth_' })
    expect(steps.map(({ version }) => version)).toEqual(steps.map((_, index) => index + 1))
    for (const { name, sql } of steps) {
      expect(name).not.toBe('')
      for (const text of sql) {
        expect(text).toMatch(
          /^(create (table|(unique )?index)|alter table .* add column|insert into "auth_schema")/,
        )
        expect(text).not.toContain('keyrung_')
      }
    }
    expect(() => sqliteMigrations({ tablePrefix: "x'" })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })

  it('has every column that records have, in their order', async () => {
    const database = new Database(':memory:')
    await sqliteStore({ database }).migrate()
    expect(recordTypes).toEqual(everyType)
    const names = tableNames()
    for (const type of recordTypes) {
      const found = database.pragma(`table_info(${names[type]})`) as {
        name: string
        notnull: number
        pk: number
      }[]
      const wanted = Object.entries(columns[type])
      expect(found.map(({ name }) => name)).toEqual(wanted.map(([name]) => columnName(name)))
      expect(found.map(({ notnull }) => notnull === 0)).toEqual(wanted.map(([, { nullable }]) => nullable))
      expect(found.filter(({ pk }) => pk).map(({ name }) => name)).toEqual(['id'])
    }
  })

  it('is not half there when a migration fails', async () => {
    const database = new Database(':memory:')
    database.exec('create table keyrung_events (own)')
    const store = sqliteStore({ database })
    const before = schemaOf(database)
    await expect(async () => store.migrate()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(schemaOf(database)).toEqual(before)
    expect(await store.findSchema()).toBe('missing')
    database.exec('drop table keyrung_events')
    await store.migrate()
    for (const type of everyType)
      expect(await store.commit([insert(type, oneOfEach[type])])).toEqual({ ok: true })
  })
})
