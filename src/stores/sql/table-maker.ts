import { sql } from 'kysely'
import type { CreateTableBuilder } from 'kysely'
import type { ColumnKind } from '../columns.js'
import type { SqlDialect } from './dialect.js'
import type { TableNames } from './tables.js'

/** Columns as `name kind`, with `?` where there may be null; the first is the primary key. */
type Layout = readonly string[]

/** Writes the statements of a schema in one database's words. */
export class TableMaker {
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

  /** @param line with ` 0` behind it: not null, and 0 in the rows that are there */
  column(table: string, line: string): string {
    const [column, kind, filled] = line.split(' ') as [string, string, string?]
    const type = sql.raw(this.#dialect.columnType(kind.replace('?', '') as ColumnKind))
    return this.#dialect.compiler.schema
      .alterTable(table)
      .addColumn(column, type as never, (definition) =>
        filled === undefined ? definition : definition.notNull().defaultTo(sql.raw(filled)),
      )
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
