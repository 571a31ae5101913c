import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import type { RecordType } from '../../ports/change.js'
import { columnsOf } from '../columns.js'
import type { SqlDialect } from './dialect.js'
import { columnName } from './tables.js'
import type { SqlValue } from './value.js'

export type { SqlValue } from './value.js'

/** A statement and what its parameters are, in order. */
export interface Query {
  readonly text: string
  readonly values: readonly SqlValue[]
  /** Sent with requests and always the same text: worth keeping prepared on a connection. */
  readonly hot?: boolean
}

/** A row as an array, in the order of the select's columns. */
export type Row = unknown[]

/** A query and how its rows are read. */
export interface Ask<T> extends Query {
  decode(rows: readonly Row[]): T
}

/** What a database answers to one statement. */
export interface Answer {
  readonly rows: readonly Row[]
  /** How many rows were written. */
  readonly changed: number
  /** True where the statement was refused as a primary key or a unique column is taken. */
  readonly duplicate: boolean
  /** What an update was told to let come back, where the database has no other way. */
  readonly noted?: number
}

/**
 * Work within one transaction: it yields statements and is given their answers, so that the same steps serve
 * drivers that answer at once and drivers that answer by a promise.
 */
export type Steps<T> = Generator<Query, T, Answer>

/** A statement as work within a transaction. */
export function* oneStep(query: Query): Steps<Answer> {
  return yield query
}

/** A question as work within a transaction. */
export function* askedStep<T>(ask: Ask<T>): Steps<T> {
  return ask.decode((yield ask).rows)
}

/** Spells a query out for a dialect. */
export function compile(dialect: SqlDialect, builder: RawBuilder<unknown>): Query {
  const { sql: text, parameters } = builder.compile(dialect.compiler)
  return { text, values: parameters as readonly SqlValue[] }
}

/** Spells a statement out whose parameters are given later, each time anew; those in the builder only hold their places. */
export function prepare(
  dialect: SqlDialect,
  builder: RawBuilder<unknown>,
  hot = false,
): (...values: SqlValue[]) => Query {
  const { text } = compile(dialect, builder)
  return (...values) => ({ text, values, hot })
}

/** A parameter's place in a statement that is prepared. */
export const place = sql`${null}`

/** All columns of a kind of records, under a table's alias. */
export function allColumns(type: RecordType, alias: string): RawBuilder<unknown> {
  return sql.join(columnsOf(type).map(([name]) => sql.ref(`${alias}.${columnName(name)}`)))
}
