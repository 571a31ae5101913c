import { sql } from 'kysely'
import type { MessageRecord, SettingRecord } from '../../ports/change.js'
import type { DueRequest } from '../../ports/outbox-store.js'
import type { SqlDialect } from './dialect.js'
import { allColumns, place, prepare } from './query.js'
import type { Ask } from './query.js'
import { readNumber, readRecord, readListing, readText } from './rows.js'
import type { TableNames } from './tables.js'

/** The questions about messages and settings as SQL. */
export function messageQueries(dialect: SqlDialect, names: TableNames) {
  const messages = sql.table(names.message)
  const due = prepare(
    dialect,
    sql`select ${allColumns('message', 'm')} from ${messages} as m where m.kind = ${place} and m.destination = ${place} and m.due_at <= ${place} order by m.id ${dialect.listing.oldest.query} limit ${place}`,
  )
  const waiting = prepare(
    dialect,
    sql`select destination, count(*) from ${messages} group by kind, destination`,
  )
  const settings = prepare(
    dialect,
    sql`select ${allColumns('setting', 's')} from ${sql.table(names.setting)} as s where s.id >= ${place} order by s.id`,
  )

  return {
    dueMessages({ kind, destination, now, limit }: DueRequest): Ask<readonly MessageRecord[]> {
      return {
        ...due(kind, destination, now, limit),
        decode: (rows) => readListing('message', rows),
      }
    },

    messageCounts(): Ask<ReadonlyMap<string, number>> {
      return {
        ...waiting(),
        decode(rows) {
          const counts = new Map<string, number>()
          for (const [destination, n] of rows) {
            const name = readText(destination, 'message.destination')
            counts.set(name, (counts.get(name) ?? 0) + readNumber(n, 'message count'))
          }
          return counts
        },
      }
    },

    /** A prefix's bytes come first among all that begin with it; where they end is seen in the rows, which are few. */
    settings(prefix: string): Ask<readonly SettingRecord[]> {
      return {
        ...settings(prefix),
        decode: (rows) =>
          rows
            .filter(([id]) => typeof id !== 'string' || id.startsWith(prefix))
            .map((row) => readRecord('setting', row)),
      }
    },
  }
}
