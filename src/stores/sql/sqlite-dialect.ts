import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely'
import type { ColumnKind } from '../columns.js'
import type { SqlDialect } from './dialect.js'

const types: Readonly<Record<ColumnKind, string>> = {
  name: 'text',
  text: 'text',
  instant: 'integer',
  count: 'integer',
  digest: 'blob',
}

/** SQLite from 3.24 on. */
export const sqliteDialect: SqlDialect = {
  compiler: new Kysely({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  }),
  // Texts compare byte by byte (BINARY) unless a column says otherwise.
  columnType: (kind) => types[kind],
  findTable: (name) => sql`select name from sqlite_master where type = 'table' and name = ${name}`,
  orIgnore: sql`on conflict do nothing`,
  orLarger: (key, column) => {
    const [old, new_] = [sql.ref(column), sql.ref(`excluded.${column}`)]
    return sql`on conflict (${sql.ref(key)}) do update set ${old} = ${new_} where ${old} < ${new_}`
  },
  position: (text, within) => sql`instr(${within}, ${text})`,
}
