import { sql } from 'kysely'
import type { ColumnKind } from '../columns.js'
import type { SqlDialect } from './dialect.js'
import { indexName } from './tables.js'
import type { TableNames } from './tables.js'

/** Columns as `name kind`, with `?` where there may be null; the first is the primary key. */
type Layout = readonly string[]

/** Columns by name; with ` newest` or ` oldest`, one that a listing begins at. */
type Index = readonly string[] | { readonly unique: readonly string[] }

/** Writes the statements of a schema in one database's words. */
export class TableMaker {
  readonly names: TableNames
  readonly #dialect: SqlDialect

  constructor(dialect: SqlDialect, names: TableNames) {
    this.#dialect = dialect
    this.names = names
  }

  /** A table and its indexes, made by one statement where a database can: what is interrupted then lacks no index. */
  table(name: string, layout: Layout, indexes: readonly Index[] = []): readonly string[] {
    const { tableEnd, indexesInTable } = this.#dialect
    const columns = layout.map((line, place) => {
      const [column, kind] = line.split(' ') as [string, string]
      const type = this.#dialect.columnType(kind.replace('?', '') as ColumnKind)
      const rest = `${kind.endsWith('?') ? '' : ' not null'}${place === 0 ? ' primary key' : ''}`
      return sql`${sql.ref(column)} ${sql.raw(type + rest)}`
    })
    const within = indexesInTable ? indexes.map((index) => this.#indexWithin(name, index)) : []
    const table = sql`create table ${sql.table(name)} (${sql.join([...columns, ...within])})${sql.raw(tableEnd && ` ${tableEnd}`)}`
    const after = indexesInTable ? [] : indexes.map((index) => this.#indexOf(name, index))
    return [table, ...after].map((statement) => statement.compile(this.#dialect.compiler).sql)
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

  #indexOf(table: string, index: Index) {
    const { unique, name, columns } = this.#spell(table, index)
    return sql`create ${unique} ${sql.ref(name)} on ${sql.table(table)} (${columns})`
  }

  #indexWithin(table: string, index: Index) {
    const { unique, name, columns } = this.#spell(table, index)
    return sql`${unique} ${sql.ref(name)} (${columns})`
  }

  #spell(table: string, index: Index) {
    const [unique, lines] = 'unique' in index ? [true, index.unique] : [false, index]
    const parts = lines.map((text) => text.split(' ') as [string, ('newest' | 'oldest')?])
    const columns = parts.map(([column, first]) =>
      first ? sql`${sql.ref(column)}${this.#dialect.listing[first].index}` : sql.ref(column),
    )
    return {
      unique: sql.raw(unique ? 'unique index' : 'index'),
      name: indexName(
        table,
        parts.map(([column]) => column),
      ),
      columns: sql.join(columns),
    }
  }
}
