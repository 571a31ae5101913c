import { sql } from 'kysely'
import type { EventRecord } from '../../core/audit.js'
import type { EventListRequest } from '../../ports/audit-store.js'
import type { SqlDialect } from './dialect.js'
import { allColumns, compile } from './query.js'
import type { Ask } from './query.js'
import { readRecord } from './rows.js'
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
      // Said twice, as the first half alone is a range that every database finds in an index.
      if (before) conditions.push(sql`e.at <= ${before.at} and (e.at < ${before.at} or e.id < ${before.id})`)
      const query = compile(
        dialect,
        sql`select ${allColumns('event', 'e')} from ${sql.table(names.event)} as e where ${sql.join(conditions, sql` and `)} order by e.at desc, e.id desc limit ${limit}`,
      )
      return { ...query, decode: (rows) => rows.map((row) => readRecord('event', row)) }
    },
  }
}
