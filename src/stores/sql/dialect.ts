import type { Kysely, RawBuilder } from 'kysely'
import type { ColumnKind } from '../columns.js'
import type { SqlValue } from './value.js'

/** How a database takes a list of any length as one parameter, so that the statement's text is always the same. */
export interface ListParameter {
  /** Says that a column's value is in the list whose parameter's place this is. */
  has(column: RawBuilder<unknown>, kind: ColumnKind, place: RawBuilder<unknown>): RawBuilder<unknown>
  /** The parameter. */
  value(values: readonly SqlValue[]): SqlValue
  /** A table `v` to be selected from, each of whose columns is a list's parameter, in this order. */
  table(columns: Readonly<Record<string, ColumnKind>>, place: RawBuilder<unknown>): RawBuilder<unknown>
}

/** An order of ids: where the index says more than that it is sorted, no other index can serve the listing. */
export interface ListingOrder {
  /** In the listing's `order by`. */
  readonly query: RawBuilder<unknown>
  /** Behind the column in the listing's index. */
  readonly index: RawBuilder<unknown>
}

/** All that databases write differently; what stands elsewhere in this folder holds for every one of them. */
export interface SqlDialect {
  /** Quotes names, numbers parameters, spells out DDL; it is connected to nothing. */
  readonly compiler: Kysely<unknown>
  /** The type of a column, byte-exact and case-sensitive for texts. */
  columnType(kind: ColumnKind): string
  /** What stands at the end of a table's definition. */
  readonly tableEnd: string
  /** True where indexes can be made by the statement that makes their table. */
  readonly indexesInTable: boolean
  /** How the ids of a listing are sorted. */
  readonly listing: Readonly<Record<'newest' | 'oldest', ListingOrder>>
  /**
   * Stands behind a table that is listed from the middle on, with the names of the indexes of which one is to be
   * followed, for databases that would otherwise begin at the end and pass over all rows in between.
   */
  along(indexes: readonly string[]): RawBuilder<unknown>
  /** Rows with a table's name, if it is there. */
  findTable(name: string): RawBuilder<unknown>
  /** The end of an insert that passes over what is there already. */
  readonly orIgnore: RawBuilder<unknown>
  /**
   * The end of an insert that leaves the transaction usable where a unique column is taken: it then writes nothing, or
   * the driver answers `duplicate`.
   */
  readonly orDuplicate: RawBuilder<unknown>
  /** The end of an insert into a table that keeps the larger of the two values of a column. */
  orLarger(key: string, column: string, table: string): RawBuilder<unknown>
  /** The end of an insert into a table that adds to the value of a column that is there. */
  orAdded(key: string, column: string, table: string): RawBuilder<unknown>
  /** The sum of a column of whole numbers, as one. */
  sum(column: RawBuilder<unknown>): RawBuilder<unknown>
  /** The end of a select that keeps its rows as they are until the transaction ends; empty where it is alone anyway. */
  readonly holdRow: RawBuilder<unknown>
  /** The same where others may change the rows, but not delete them. */
  readonly keepRow: RawBuilder<unknown>
  /** The same where they are about to be changed here, so that nobody else can. */
  readonly lockRow: RawBuilder<unknown>
  /**
   * Has a number come back with the answer to an update, as `noted`, and is that number; null where an update can stand
   * in a select, which then answers as many as it likes.
   */
  readonly note: ((number: RawBuilder<unknown>) => RawBuilder<unknown>) | null
  /** The server's time as the statement began, in milliseconds since 1970. */
  readonly now: RawBuilder<unknown>
  /** Null where every value of a list has to be a parameter of its own. */
  readonly list: ListParameter | null
  /** Where a text begins within another, from 1; 0: nowhere. */
  position(text: RawBuilder<unknown>, within: RawBuilder<unknown>): RawBuilder<unknown>
  /** A text in lower case, as far as its letters are of ASCII. */
  lower(text: RawBuilder<unknown>): RawBuilder<unknown>
}
