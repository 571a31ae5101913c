import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import type { Clock } from '../../ports/clock.js'
import type { LimitContent } from './limit-batch.js'
import type { SqlDialect } from './dialect.js'
import { place, prepare } from './query.js'
import type { Query, SqlValue } from './query.js'
import type { TableNames } from './tables.js'

/** While the store's now is in here, what was worked out is right. */
export interface Range {
  readonly from: number
  readonly until: number
}

/** A write, alone and in a statement that tells what came of it. */
interface Written {
  plain(...values: SqlValue[]): Query
  told(...values: SqlValue[]): Query
}

/** A row that holds nothing yet stays for so long, for those who are about to spend on it. */
const emptyMs = 60_000

/** Up to how many rows a statement with a parameter for each is worth keeping prepared. */
const mostPrepared = 8

/** The statements of the table of limits. The store's now is a part of them where it is the server's. */
export function limitStatements(dialect: SqlDialect, names: TableNames, clock: Pick<Clock, 'now'> | null) {
  const table = sql.table(names.limit)
  const now = clock ? sql`0` : dialect.now
  const inTime = clock ? sql`` : sql` and ${dialect.now} >= ${place} and ${dialect.now} < ${place}`
  const noted = clock || !dialect.note ? sql`` : sql` + 0 * ${dialect.note(dialect.now)}`
  const one = sql`(select 1 as one) as o`

  const update = sql`update ${table} set version = ${place}, state = ${place}, forget_at = ${place}${noted} where id = ${place} and version = ${place}${inTime}`
  const insert = sql`insert into ${table} (id, version, state, forget_at) select ${place}, ${place}, ${place}, ${place} from ${one} where o.one = 1${inTime} ${dialect.orDuplicate}`
  // Where a write can stand in a select, one statement writes, says whether it did, and if not what is there.
  const written = (write: RawBuilder<unknown>): Written => ({
    plain: prepare(dialect, write, true),
    told: prepare(
      dialect,
      sql`with w as (${write} returning 1) select ${now}, (select count(*) from w), l.version, l.state from ${one} left join ${table} as l on l.id = ${place} and not exists (select 1 from w)`,
      true,
    ),
  })

  const statements = {
    find: prepare(
      dialect,
      sql`select ${now}, l.version, l.state from ${one} left join ${table} as l on l.id = ${place}`,
      true,
    ),
    update: written(update),
    insert: written(insert),
    makeRow: prepare(
      dialect,
      sql`insert into ${table} (id, version, state, forget_at) values (${place}, ${place}, ${place}, ${clock ? place : sql`${dialect.now} + ${sql.lit(emptyMs)}`}) ${dialect.orDuplicate}`,
    ),
    remove: prepare(dialect, sql`delete from ${table} where id = ${place}`),
    findOld: prepare(
      dialect,
      sql`select id from ${table} where forget_at <= ${clock ? place : dialect.now} limit ${place}`,
    ),
    removeOld: prepare(
      dialect,
      sql`delete from ${table} where id = ${place} and forget_at <= ${clock ? place : dialect.now}`,
    ),
  }

  const rowsEnd = (locks: boolean) => sql` order by id ${locks ? dialect.lockRow : sql``}`
  const start = sql`select ${now}, id, version, state from ${table} where `
  const { list } = dialect
  const listed =
    list &&
    ([false, true] as const).map((locks) =>
      prepare(dialect, sql`${start}${list.has(sql.ref('id'), 'name', place)}${rowsEnd(locks)}`, true),
    )
  const known = new Map<string, (...values: SqlValue[]) => Query>()
  function inList(count: number, locks: boolean): (...values: SqlValue[]) => Query {
    const key = `${count} ${locks}`
    let statement = known.get(key)
    if (!statement) {
      const places = sql.join(Array.from({ length: count }, () => place))
      statement = prepare(dialect, sql`${start}id in (${places})${rowsEnd(locks)}`, count <= mostPrepared)
      known.set(key, statement)
    }
    return statement
  }

  const nows = clock ? () => [clock.now()] : () => []
  const rangeOf = ({ from, until }: Range) => (clock ? [] : [from, until])

  function write(of: Written, tells: boolean, id: string, values: readonly SqlValue[]): Query {
    return tells && !dialect.note ? of.told(...values, id) : of.plain(...values)
  }

  return {
    /** Whether the store's now is the server's. */
    isTimed: clock === null,
    /** Whether a write can answer a row: now, 1 if it was written, and else the version and the state that are there. */
    tells: dialect.note === null,
    /** Now, the version, the state; nulls where there is no row. */
    find: (id: string) => statements.find(id),
    /** Now, the id, the version, the state of each row that is there, in the order of the ids. */
    findAll: (ids: readonly string[], locks: boolean) =>
      listed ? listed[locks ? 1 : 0]!(list!.value(ids)) : inList(ids.length, locks)(...ids),
    /** @param tells whether the answer is to say what is there */
    update: (id: string, version: number, content: LimitContent, range: Range, tells = false) =>
      write(statements.update, tells, id, [
        ...[version + 1, content.text, content.forgetAt, id, version],
        ...rangeOf(range),
      ]),
    insert: (id: string, version: number, content: LimitContent, range: Range, tells = false) =>
      write(statements.insert, tells, id, [
        ...[id, version, content.text, content.forgetAt],
        ...rangeOf(range),
      ]),
    /** A row that says nothing, if there is none. */
    makeRow: (id: string, version: number) =>
      statements.makeRow(id, version, '', ...nows().map((at) => at + emptyMs)),
    remove: (id: string) => statements.remove(id),
    findOld: (limit: number) => statements.findOld(...nows(), limit),
    removeOld: (id: string) => statements.removeOld(id, ...nows()),
  }
}

/** The statements of the table of limits. */
export type LimitStatements = ReturnType<typeof limitStatements>
