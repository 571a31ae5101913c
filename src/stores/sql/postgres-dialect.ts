import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely'
import { toHex } from '../../crypto/encoding.js'
import type { ColumnKind } from '../columns.js'
import type { SqlDialect } from './dialect.js'
import type { SqlValue } from './value.js'

// "C" compares the bytes of UTF-8, whatever the database's own collation is.
const types: Readonly<Record<ColumnKind, string>> = {
  name: 'text collate "C"',
  text: 'text collate "C"',
  instant: 'bigint',
  count: 'bigint',
  digest: 'bytea',
}

const elementTypes: Readonly<Record<ColumnKind, string>> = { ...types, name: 'text', text: 'text' }

/** An element of an array as text (PostgreSQL 15, 8.15.2). */
function element(value: SqlValue): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return `${value}`
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`
  return `"\\\\x${toHex(value)}"`
}

/** PostgreSQL from 12 on. */
export const postgresDialect: SqlDialect = {
  compiler: new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  }),
  columnType: (kind) => types[kind],
  tableEnd: '',
  indexesInTable: false,
  // As no id is null this is the usual order, but one that the primary key's index is not in: the planner went along
  // that one, past what belongs to others, wherever it took a workspace's keys to be spread evenly over it.
  listing: {
    newest: { query: sql`desc nulls last`, index: sql` desc nulls last` },
    oldest: { query: sql`asc nulls first`, index: sql` asc nulls first` },
  },
  // Along the search path where the name says no schema, as for every other statement.
  along: () => sql``,
  findTable(name) {
    const quoted = name
      .split('.')
      .map((part) => `"${part}"`)
      .join('.')
    return sql`select 1 where to_regclass(${quoted}) is not null`
  },
  orIgnore: sql`on conflict do nothing`,
  // An error would end the transaction, and stand in the server's log.
  orDuplicate: sql`on conflict do nothing`,
  orLarger(key, column, table) {
    const [old, new_] = [sql.ref(`${table}.${column}`), sql.ref(`excluded.${column}`)]
    return sql`on conflict (${sql.ref(key)}) do update set ${sql.ref(column)} = ${new_} where ${old} < ${new_}`
  },
  orAdded(key, column, table) {
    const [old, added] = [sql.ref(`${table}.${column}`), sql.ref(`excluded.${column}`)]
    return sql`on conflict (${sql.ref(key)}) do update set ${sql.ref(column)} = ${old} + ${added}`
  },
  // The sum of a BIGINT is a NUMERIC.
  sum: (column) => sql`sum(${column})::bigint`,
  holdRow: sql`for share`,
  keepRow: sql`for key share`,
  lockRow: sql`for update`,
  note: null,
  now: sql`floor(extract(epoch from statement_timestamp()) * 1000)::bigint`,
  list: {
    has: (column, kind, place) => sql`${column} = any(${place}::${sql.raw(elementTypes[kind])}[])`,
    value: (values) => `{${values.map(element).join(',')}}`,
    table(columns, place) {
      const lists = Object.values(columns).map((kind) => sql`${place}::${sql.raw(elementTypes[kind])}[]`)
      const names = Object.keys(columns).map((name) => sql.ref(name))
      return sql`unnest(${sql.join(lists)}) as v(${sql.join(names)})`
    },
  },
  // By the column's collation, which knows letters of ASCII only.
  lower: (text) => sql`lower(${text})`,
  position: (text, within) => sql`strpos(${within}, ${text})`,
}
