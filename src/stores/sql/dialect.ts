import type { Kysely, RawBuilder } from 'kysely'
import type { ColumnKind } from '../columns.js'

/** All that databases write differently; what stands elsewhere in this folder holds for every one of them. */
export interface SqlDialect {
  /** Quotes names, numbers parameters, spells out DDL; it is connected to nothing. */
  readonly compiler: Kysely<unknown>
  /** The type of a column, byte-exact and case-sensitive for texts. */
  columnType(kind: ColumnKind): string
  /** Rows with a table's name, if it is there. */
  findTable(name: string): RawBuilder<unknown>
  /** The end of an insert that passes over what is there already. */
  readonly orIgnore: RawBuilder<unknown>
  /** The end of an insert that keeps the larger of the two values of a column. */
  orLarger(key: string, column: string): RawBuilder<unknown>
  /** Where a text begins within another, from 1; 0: nowhere. */
  position(text: RawBuilder<unknown>, within: RawBuilder<unknown>): RawBuilder<unknown>
}
