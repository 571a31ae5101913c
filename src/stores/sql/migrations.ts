import { sql } from 'kysely'
import type { CreateTableBuilder } from 'kysely'
import type { ColumnKind } from '../columns.js'
import type { SqlDialect } from './dialect.js'
import type { TableNames } from './tables.js'

/** One step of the schema, as SQL; the last statement notes that it was taken. */
export interface Migration {
  readonly version: number
  readonly name: string
  /** True where instances that know only the steps before it run on as it is taken; else they have to end first. */
  readonly additive: boolean
  readonly sql: readonly string[]
}

/** Columns as `name kind`, with `?` where there may be null; the first is the primary key. */
type Layout = readonly string[]

/** What a step does to the tables; once released it is never changed, only followed by another. */
interface Step {
  readonly name: string
  /**
   * True where a library that knows only the steps before can live with it: it adds tables, indexes, and columns that
   * may be null or have a default. Such a library names every column that it reads or writes.
   */
  readonly additive: boolean
  statements(make: TableMaker): readonly string[]
}

class TableMaker {
  readonly names: TableNames
  readonly #dialect: SqlDialect

  constructor(dialect: SqlDialect, names: TableNames) {
    this.#dialect = dialect
    this.names = names
  }

  table(name: string, layout: Layout): string {
    const { tableEnd } = this.#dialect
    let table: CreateTableBuilder<string> = this.#dialect.compiler.schema.createTable(name)
    for (const [index, line] of layout.entries()) {
      const [column, kind] = line.split(' ') as [string, string]
      const type = sql.raw(this.#dialect.columnType(kind.replace('?', '') as ColumnKind))
      table = table.addColumn(column, type as never, (definition) => {
        const filled = kind.endsWith('?') ? definition : definition.notNull()
        return index === 0 ? filled.primaryKey() : filled
      })
    }
    return (tableEnd ? table.modifyEnd(sql.raw(tableEnd)) : table).compile().sql
  }

  column(table: string, line: string): string {
    const [column, kind] = line.split(' ') as [string, string]
    const type = sql.raw(this.#dialect.columnType(kind.replace('?', '') as ColumnKind))
    return this.#dialect.compiler.schema
      .alterTable(table)
      .addColumn(column, type as never)
      .compile().sql
  }

  /** @param columns by name; with ` newest` or ` oldest`, one that a listing begins at */
  index(table: string, columns: readonly string[], unique = false): string {
    const parts = columns.map((text) => text.split(' ') as [string, ('newest' | 'oldest')?])
    const of = parts.map(([name, first]) =>
      first ? sql`${sql.ref(name)}${this.#dialect.listing[first].index}` : sql.ref(name),
    )
    // Without the schema in front of the table, and cut where a long prefix makes it longer than PostgreSQL takes.
    const name =
      `${table.slice(table.lastIndexOf('.') + 1)}_by_${parts.map(([name]) => name).join('_')}`.slice(0, 63)
    const index = this.#dialect.compiler.schema.createIndex(name).on(table).expression(sql.join(of))
    return (unique ? index.unique() : index).compile().sql
  }
}

const steps: readonly Step[] = [
  {
    name: 'keys, their secrets and their audit trail',
    additive: false,
    statements: (make) => [
      make.table(make.names.schema, ['version count', 'name text']),
      make.table(make.names.key, [
        'id name',
        'workspace_id name',
        'version count',
        'name text',
        'name_search text',
        'environment text',
        'mode text',
        'scopes text',
        'status name',
        'revoked_at instant?',
        'revoked_by text?',
        'revoked_reason text?',
        'expires_at instant?',
        'not_before instant?',
        'address_rules text',
        'metadata text',
        'owner_id text?',
        'created_by text',
        'created_at instant',
        'updated_at instant',
      ]),
      make.index(make.names.key, ['workspace_id', 'id newest']),
      make.index(make.names.key, ['workspace_id', 'status', 'id newest']),
      make.table(make.names.secret, [
        'id name',
        'key_id name',
        'workspace_id name',
        'version count',
        'digest digest',
        'host_secret_id name',
        'last_four text',
        'created_at instant',
        'ends_at instant?',
      ]),
      make.index(make.names.secret, ['digest'], true),
      make.index(make.names.secret, ['key_id']),
      make.index(make.names.secret, ['ends_at']),
      make.index(make.names.secret, ['host_secret_id', 'ends_at']),
      make.table(make.names.tombstone, [
        'id name',
        'workspace_id name',
        'version count',
        'deleted_at instant',
      ]),
      make.table(make.names.event, [
        'id name',
        'workspace_id name',
        'version count',
        'at instant',
        'actor name',
        'action name',
        'target_type text',
        'target_id name',
        'target_name text',
        'reason text?',
        'request_id text?',
        'details text',
      ]),
      make.index(make.names.event, ['workspace_id', 'at', 'id']),
      make.index(make.names.event, ['workspace_id', 'actor', 'at', 'id']),
      make.index(make.names.event, ['workspace_id', 'action', 'at', 'id']),
      make.index(make.names.event, ['workspace_id', 'target_id', 'at', 'id']),
      make.table(make.names.message, [
        'id name',
        'workspace_id name',
        'version count',
        'kind name',
        'destination name',
        'payload text',
        'created_at instant',
        'due_at instant',
        'attempts count',
      ]),
      make.index(make.names.message, ['kind', 'destination', 'id oldest', 'due_at']),
      make.table(make.names.idempotency, [
        'id name',
        'workspace_id name',
        'version count',
        'fingerprint text',
        'result_id text',
        'expires_at instant',
      ]),
      make.index(make.names.idempotency, ['expires_at']),
      make.table(make.names.setting, ['id name', 'workspace_id name', 'version count', 'value text']),
      make.table(make.names.counter, ['name name', 'value count']),
      make.table(make.names.use, ['key_id name', 'last_used_at instant']),
    ],
  },
  {
    name: 'markers of commits, by which the outcome of a lost one is found out',
    additive: true,
    statements: (make) => [
      make.table(make.names.commit, ['id name', 'at instant']),
      make.index(make.names.commit, ['at']),
    ],
  },
  {
    name: 'which versions may still run on the tables',
    additive: true,
    statements: (make) => [make.column(make.names.schema, 'oldest count?')],
  },
  {
    name: 'limits of single keys, what is spent of limits, and what keys were used for',
    additive: true,
    statements: (make) => [
      make.column(make.names.key, 'limits text?'),
      make.table(make.names.limit, ['id name', 'version count', 'state text', 'forget_at instant']),
      make.index(make.names.limit, ['forget_at']),
      make.table(make.names.usage, [
        'id name',
        'key_id name',
        'workspace_id name',
        'day count',
        'permission name',
        'outcome name',
        'calls count',
      ]),
      make.index(make.names.usage, ['key_id', 'day']),
      make.index(make.names.usage, ['workspace_id', 'day']),
      make.index(make.names.usage, ['day']),
    ],
  },
]

/** The step that brings the column in which each later one says who may still run on the tables. */
const firstWithOldest = 3

/** The version that the tables have after the last step. */
export const schemaVersion = steps.length

/** The steps of the schema as SQL, in order. */
export function compileMigrations(dialect: SqlDialect, names: TableNames): readonly Migration[] {
  const make = new TableMaker(dialect, names)
  let oldest = 1
  return steps.map(({ name, additive, statements }, index) => {
    const version = index + 1
    if (!additive) oldest = version
    const noted = { version, name, ...(version >= firstWithOldest && { oldest }) }
    const columns = sql.join(Object.keys(noted).map((column) => sql.ref(column)))
    const values = sql.join(Object.values(noted).map((value) => sql.lit(value)))
    const note = sql`insert into ${sql.table(names.schema)} (${columns}) values (${values})`
    return { version, name, additive, sql: [...statements(make), note.compile(dialect.compiler).sql] }
  })
}
