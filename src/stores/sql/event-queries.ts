import { sql } from 'kysely'
import type { EventRecord } from '../../core/audit.js'
import type { EventListRequest } from '../../ports/audit-store.js'
import { atCursor } from './cursor-index.js'
import type { SqlDialect } from './dialect.js'
import { allColumns, compile } from './query.js'
import type { Ask } from './query.js'
import { readListing } from './rows.js'
import type { TableNames } from './tables.js'

/** The questions about change events as SQL. */
export function eventQueries(dialect: SqlDialect, names: TableNames) {
  return {
    events(request: EventListRequest): Ask<readonly EventRecord[]> {
      const { actor, action, targetId, from, to, before, limit } = request
      const conditions = [sql`e.workspace_id = ${request.workspaceId}`]
      if (actor !== undefined) conditions.push(sql`e.actor = ${actor}`)
      if (action !== undefined) conditions.push(sql`e.action = ${action}`)
      if (targetId !== undefined) conditions.push(sql`e.target_id = ${targetId}`)
      if (from !== undefined) conditions.push(sql`e.at >= ${from}`)
      if (to !== undefined) conditions.push(sql`e.at < ${to}`)
      let table = sql`${sql.table(names.event)} as e`
      if (before) {
        // Said twice, as the first half alone is a range that every database finds in an index.
        conditions.push(sql`e.at <= ${before.at} and (e.at < ${before.at} or e.id < ${before.id})`)
        table = sql`${table} ${atCursor(dialect, names.event, ...indexesOf(request))}`
      }
      const query = compile(
        dialect,
        sql`select ${allColumns('event', 'e')} from ${table} where ${sql.join(conditions, sql` and `)} order by e.at desc, e.id desc limit ${limit}`,
      )
      return { ...query, decode: (rows) => readListing('event', rows) }
    },
  }
}

/** The columns of each index that has a listing in its order: one for each thing that is asked for. */
function indexesOf({ actor, action, targetId }: EventListRequest): readonly (readonly string[])[] {
  const asked = Object.entries({ actor, action, target_id: targetId }).filter(
    ([, value]) => value !== undefined,
  )
  if (asked.length === 0) return [['workspace_id', 'at', 'id']]
  return asked.map(([column]) => ['workspace_id', column, 'at', 'id'])
}
