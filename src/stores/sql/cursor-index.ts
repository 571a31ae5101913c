import type { RawBuilder } from 'kysely'
import type { SqlDialect } from './dialect.js'
import { indexName } from './tables.js'

/**
 * Stands behind the table of a listing that begins at a cursor, so that it is read from there on, and nothing before it.
 *
 * @param indexes the columns of each index that has the listing in its order
 */
export function atCursor(
  dialect: SqlDialect,
  table: string,
  ...indexes: readonly (readonly string[])[]
): RawBuilder<unknown> {
  return dialect.along(indexes.map((columns) => indexName(table, columns)))
}
