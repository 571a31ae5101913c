import { sql } from 'kysely'
import type { CreateTableBuilder } from 'kysely'
import type { ColumnKind } from '../columns.js'
import type { SqlDialect } from './dialect.js'
import type { TableNames } from './tables.js'

/** One step of the schema, as SQL; the last statement notes that it was taken. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: readonly string[]
}

/** Columns as `name kind`, with `?` where there may be null; the first is the primary key. */
type Layout = readonly string[]

/** What a step does to the tables; once released it is never changed, only followed by another. */
interface Step {
  readonly name: string
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
    let table: CreateTableBuilder<string> = this.#dialect.compiler.schema.createTable(name)
    for (const [index, line] of layout.entries()) {
      const [column, kind] = line.split(' ') as [string, string]
      const type = sql.raw(this.#dialect.columnType(kind.replace('?', '') as ColumnKind))
      table = table.addColumn(column, type as never, (definition) => {
        const filled = kind.endsWith('?') ? definition : definition.notNull()
        return index === 0 ? filled.primaryKey() : filled
      })
    }
    return table.compile().sql
  }

  index(table: string, columns: readonly string[], unique = false): string {
    const index = this.#dialect.compiler.schema
      .createIndex(`${table}_by_${columns.join('_')}`)
      .on(table)
      .columns([...columns])
    return (unique ? index.unique() : index).compile().sql
  }
}

const steps: readonly Step[] = [
  {
    name: 'keys, their secrets and their audit trail',
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
      make.index(make.names.key, ['workspace_id', 'id']),
      make.index(make.names.key, ['workspace_id', 'status', 'id']),
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
      make.index(make.names.message, ['kind', 'destination', 'id', 'due_at']),
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
]

/** The version that the tables have after the last step. */
export const schemaVersion = steps.length

/** The steps of the schema as SQL, in order. */
export function compileMigrations(dialect: SqlDialect, names: TableNames): readonly Migration[] {
  const make = new TableMaker(dialect, names)
  return steps.map((step, index) => {
    const version = index + 1
    const note = sql`insert into ${sql.table(names.schema)} (version, name) values (${sql.lit(version)}, ${sql.lit(step.name)})`
    return {
      version,
      name: step.name,
      sql: [...step.statements(make), note.compile(dialect.compiler).sql],
    }
  })
}
