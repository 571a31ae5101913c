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
  tableEnd: '',
  indexesInTable: false,
  listing: { newest: { query: sql`desc`, index: sql`` }, oldest: { query: sql`asc`, index: sql`` } },
  along: () => sql``,
  findTable: (name) => sql`select name from sqlite_master where type = 'table' and name = ${name}`,
  orIgnore: sql`on conflict do nothing`,
  orDuplicate: sql`on conflict do nothing`,
  orLarger: (key, column) => {
    const [old, new_] = [sql.ref(column), sql.ref(`excluded.${column}`)]
    return sql`on conflict (${sql.ref(key)}) do update set ${old} = ${new_} where ${old} < ${new_}`
  },
  orAdded: (key, column) => {
    const [old, added] = [sql.ref(column), sql.ref(`excluded.${column}`)]
    return sql`on conflict (${sql.ref(key)}) do update set ${old} = ${old} + ${added}`
  },
  sum: (column) => sql`sum(${column})`,
  // A writer is alone.
  holdRow: sql``,
  keepRow: sql``,
  lockRow: sql``,
  note: null,
  now: sql`cast(round((julianday('now') - 2440587.5) * 86400000) as integer)`,
  list: null,
  position: (text, within) => sql`instr(${within}, ${text})`,
  lower: (text) => sql`lower(${text})`,
}
