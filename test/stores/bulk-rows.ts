import type { RecordType, Records } from '../../src/ports/change.js'
import { digestBytes } from '../../src/crypto/digest.js'
import { columnsOf } from '../../src/stores/columns.js'
import { valuesOf } from '../../src/stores/record-values.js'
import type { SqlValue } from '../../src/stores/sql/query.js'
import { columnName } from '../../src/stores/sql/tables.js'
import type { TableNames } from '../../src/stores/sql/tables.js'

const rowsAtOnce = 1_000

/** How rows are sent to a database. */
export interface Filling {
  readonly names: TableNames
  /** How the parameter with this number, from 1, is written. */
  place(number: number): string
  send(text: string, values: readonly SqlValue[]): Promise<unknown>
}

/** Inserts rows with the numbers from 1 on, many in one statement. */
export async function insertRows(
  { place, send }: Filling,
  table: string,
  columns: readonly string[],
  rowOf: (n: number) => readonly SqlValue[],
  count: number,
): Promise<void> {
  for (let from = 1; from <= count; from += rowsAtOnce) {
    const rows = Array.from({ length: Math.min(rowsAtOnce, count - from + 1) }, (_, i) => rowOf(from + i))
    const texts = rows.map((row, r) => `(${row.map((_, c) => place(r * columns.length + c + 1)).join(', ')})`)
    await send(`insert into ${table} (${columns.join(', ')}) values ${texts.join(', ')}`, rows.flat())
  }
}

/** The same for records. */
export async function insertRecords<T extends RecordType>(
  filling: Filling,
  type: T,
  make: (n: number) => Records[T],
  count: number,
): Promise<void> {
  const columns = columnsOf(type)
  const rowOf = (n: number) =>
    valuesOf(type, make(n)).map((value, i) =>
      columns[i]![1].kind === 'digest' ? Buffer.from(digestBytes(value as string)) : (value as SqlValue),
    )
  const names = columns.map(([name]) => columnName(name))
  await insertRows(filling, filling.names[type], names, rowOf, count)
}
