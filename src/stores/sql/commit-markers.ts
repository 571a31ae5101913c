import { sql } from 'kysely'
import type { SqlDialect } from './dialect.js'
import { compile, place, prepare } from './query.js'
import type { Query, Row, Steps } from './query.js'
import { readNumber, readText } from './rows.js'
import type { TableNames } from './tables.js'

/** How long a marker stays: longer than anybody is allowed to wonder about a commit. */
const keptMs = 600_000

/** How old a commit can be for its marker to be believed in, well before it may be gone. */
export const askableMs = keptMs / 2

/**
 * Markers of commits, by which the outcome of a lost one is found out: a transaction leaves one behind under a fresh
 * random id, with its time. Whoever has lost the answer puts a denial under the same id, with the time below zero.
 * Whichever of the two came first stays, and keeps the other from ever being committed.
 */
export function commitMarkers(dialect: SqlDialect, names: TableNames) {
  const table = sql.table(names.commit)
  const denial = prepare(
    dialect,
    sql`insert into ${table} (id, at) values (${place}, -${dialect.now}) ${dialect.orDuplicate}`,
  )
  const find = prepare(dialect, sql`select at from ${table} where id = ${place}`)
  // Times and denials in one range, for one index.
  const old = prepare(
    dialect,
    sql`select id from ${table} where at < ${dialect.now} - ${sql.lit(keptMs)} and at > ${sql.lit(keptMs)} - ${dialect.now} order by at limit ${place}`,
  )

  return {
    /** @param id letters and digits only, as it stands in the statement's text */
    leave: (id: string): Query =>
      compile(dialect, sql`insert into ${table} (id, at) values (${sql.lit(id)}, ${dialect.now})`),
    deny: (id: string): Query => denial(id),
    find: (id: string): Query => find(id),
    /** Reads the answer to `find` once a denial was tried: whether the commit happened. */
    isCommitted: ([row]: readonly Row[]): boolean => readNumber(row?.[0], 'commit.at') > 0,
    /** Removes at most so many that nobody asks for any more, and says how many. */
    *sweep(limit: number): Steps<number> {
      const ids = (yield old(limit)).rows.map(([id]) => readText(id, 'commit.id'))
      // By their ids, so that the delete comes to no row that somebody is just writing.
      if (ids.length > 0) yield compile(dialect, sql`delete from ${table} where id in (${sql.join(ids)})`)
      return ids.length
    },
  }
}
