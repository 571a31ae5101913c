import type Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import type { Store } from '../../src/ports/store.js'
import type { Migration } from '../../src/stores/sql/migrations.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { makeFolder, openFile } from './sqlite-files.js'
import type { Library } from './schema-versions.js'

/** A row as the host's own client gives it. */
export type RawRow = Readonly<Record<string, unknown>>

/** An empty database of a test's own, with what a host's own tools can do with it. */
export interface SchemaDatabase {
  /** The steps that a library prints for it. */
  printed(library: Library): readonly Migration[]
  /** A store of a library on it, on a connection of its own. */
  store(library: Library): Store
  /** Sends one statement through the host's own client; parameters are `?`. */
  send(text: string, values?: readonly unknown[]): Promise<readonly RawRow[]>
  /** Everything that the database says of its tables, columns and indexes. */
  describe(): Promise<unknown>
  /** The columns of each table that begins with `keyrung_`. */
  columns(): Promise<ReadonlyMap<string, readonly string[]>>
  dispose(): Promise<void>
}

/** A SQLite file. */
export async function sqliteDatabase(): Promise<SchemaDatabase> {
  const { file, dispose } = makeFolder()
  const handles: Database.Database[] = []
  const open = () => {
    const handle = openFile(file, 'wal')
    handles.push(handle)
    return handle
  }
  const host = open()
  return {
    printed: (library) => library.sqliteMigrations(),
    store: (library) => library.sqliteStore({ database: open() }),
    async send(text, values = []) {
      const statement = host.prepare(text)
      if (statement.reader) return statement.all(...values) as RawRow[]
      statement.run(...values)
      return []
    },
    describe: async () =>
      host.prepare('select type, name, tbl_name, sql from sqlite_master order by name').all(),
    async columns() {
      const rows = host
        .prepare(
          `select m.name as name, c.name as col from sqlite_master m, pragma_table_info(m.name) c
           where m.type = 'table' and m.name like 'keyrung!_%' escape '!' order by m.name, c.cid`,
        )
        .all() as { name: string; col: string }[]
      return columnsByTable(rows.map(({ name, col }) => [name, col]))
    },
    async dispose() {
      for (const handle of handles) handle.close()
      dispose()
    },
  }
}

/** A database of a PostgreSQL. */
export async function postgresDatabase(address: DatabaseAddress): Promise<SchemaDatabase> {
  const pool = new pg.Pool({ ...address, max: 12 })
  const send = async (text: string, values: readonly unknown[] = []): Promise<readonly RawRow[]> => {
    let place = 0
    const numbered = text.replaceAll('?', () => `$${++place}`)
    return (await pool.query<RawRow>(numbered, [...values])).rows
  }
  return {
    printed: (library) => library.postgresMigrations(),
    store: (library) => library.postgresStore({ pool }),
    send,
    columns: () => findColumns(send, 'current_schema()'),
    describe: async () => [
      await send(
        `select table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
           character_maximum_length, collation_name
         from information_schema.columns where table_schema = current_schema() order by 1, 3`,
      ),
      await send('select indexdef from pg_indexes where schemaname = current_schema() order by 1'),
      await send(
        `select conname, pg_get_constraintdef(oid) as def from pg_constraint
         where connamespace = current_schema()::regnamespace order by 1`,
      ),
    ],
    dispose: () => pool.end(),
  }
}

/** A database of a MariaDB. */
export async function mariadbDatabase(address: DatabaseAddress): Promise<SchemaDatabase> {
  const pool = mysql.createPool({ ...address, connectionLimit: 12 })
  const send = async (text: string, values: readonly unknown[] = []): Promise<readonly RawRow[]> => {
    const [rows] = await pool.query<RowDataPacket[]>(text, [...values] as string[])
    return Array.isArray(rows) ? rows : []
  }
  const columns = () => findColumns(send, 'database()')
  return {
    printed: (library) => library.mysqlMigrations(),
    store: (library) => library.mysqlStore({ pool }),
    send,
    columns,
    async describe() {
      const tables = [...(await columns()).keys()]
      return Promise.all(
        tables.map(async (table) => Object.values((await send(`show create table ${table}`))[0]!)),
      )
    },
    dispose: () => pool.end(),
  }
}

/** The columns that the standard's own tables tell of. */
async function findColumns(
  send: SchemaDatabase['send'],
  schema: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await send(
    `select table_name as name, column_name as col from information_schema.columns
     where table_schema = ${schema} order by table_name, ordinal_position`,
  )
  return columnsByTable(rows.map(({ name, col }) => [String(name), String(col)]))
}

/** Gathers pairs of table and column. */
function columnsByTable(pairs: readonly (readonly [string, string])[]): Map<string, string[]> {
  const tables = new Map<string, string[]>()
  for (const [table, column] of pairs) tables.set(table, [...(tables.get(table) ?? []), column])
  return tables
}
