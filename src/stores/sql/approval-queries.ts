import { sql } from 'kysely'
import type { ApprovalContentRecord, ApprovalRecord, VoteRecord } from '../../core/approval.js'
import type { ApprovalListRequest, DueApprovalsRequest } from '../../ports/approval-store.js'
import { atCursor } from './cursor-index.js'
import type { SqlDialect } from './dialect.js'
import { allColumns, compile, place, prepare } from './query.js'
import type { Ask } from './query.js'
import { readRecord, readListing } from './rows.js'
import type { TableNames } from './tables.js'

/** The questions about approvals as SQL. */
export function approvalQueries(dialect: SqlDialect, names: TableNames) {
  const approvals = sql`${sql.table(names.approval)} as a`
  const columns = allColumns('approval', 'a')
  const one = prepare(
    dialect,
    sql`select ${columns} from ${approvals} where a.id = ${place} and a.workspace_id between ${place} and ${place}`,
  )
  const content = prepare(
    dialect,
    sql`select ${allColumns('approvalContent', 'c')} from ${sql.table(names.approvalContent)} as c where c.id = ${place} and c.workspace_id between ${place} and ${place}`,
  )
  const votes = prepare(
    dialect,
    sql`select ${allColumns('vote', 'v')} from ${sql.table(names.vote)} as v where v.approval_id = ${place} order by v.at, v.id`,
  )
  const due = (behind = sql``) =>
    prepare(
      dialect,
      sql`select ${columns} from ${approvals} where a.lane = ${place} and a.due_at <= ${place}${behind} order by a.due_at, a.id limit ${place}`,
    )
  const dueFromStart = due()
  // Said twice, as the first half alone is a range that every database finds in an index.
  const dueBehind = due(sql` and a.due_at >= ${place} and (a.due_at > ${place} or a.id > ${place})`)

  return {
    approval(workspaceId: string, id: string): Ask<ApprovalRecord | undefined> {
      return {
        ...one(id, workspaceId, workspaceId),
        decode: ([row]) => row && readRecord('approval', row),
      }
    },

    content(workspaceId: string, id: string): Ask<ApprovalContentRecord | undefined> {
      return {
        ...content(id, workspaceId, workspaceId),
        decode: ([row]) => row && readRecord('approvalContent', row),
      }
    },

    approvals(request: ApprovalListRequest): Ask<readonly ApprovalRecord[]> {
      const { workspaceId, status, keyId, resource, before, limit } = request
      // A key is in one workspace, and has its own index: said as a range, as the other would be a long way.
      const conditions =
        keyId === undefined
          ? [sql`a.workspace_id = ${workspaceId}`]
          : [sql`a.key_id = ${keyId} and a.workspace_id between ${workspaceId} and ${workspaceId}`]
      if (status !== undefined) conditions.push(sql`a.status = ${status}`)
      if (resource !== undefined) conditions.push(sql`a.resource = ${resource}`)
      let table = approvals
      if (before !== undefined) {
        conditions.push(sql`a.id < ${before}`)
        table = sql`${table} ${atCursor(dialect, names.approval, ...indexesOf(request))}`
      }
      const query = sql`select ${columns} from ${table} where ${sql.join(conditions, sql` and `)} order by a.id ${dialect.listing.newest.query} limit ${limit}`
      return {
        ...compile(dialect, query),
        decode: (rows) => readListing('approval', rows),
      }
    },

    dueApprovals({ lane, now, after, limit }: DueApprovalsRequest): Ask<readonly ApprovalRecord[]> {
      const query = after
        ? dueBehind(lane, now, after.dueAt, after.dueAt, after.id, limit)
        : dueFromStart(lane, now, limit)
      return { ...query, decode: (rows) => readListing('approval', rows) }
    },

    votes(approvalId: string): Ask<readonly VoteRecord[]> {
      return { ...votes(approvalId), decode: (rows) => rows.map((row) => readRecord('vote', row)) }
    },
  }
}

/** The columns of each index that has a listing in its order: one for each thing that is asked for. */
function indexesOf({ keyId, resource, status }: ApprovalListRequest): readonly (readonly string[])[] {
  if (keyId !== undefined) return [status === undefined ? ['key_id', 'id'] : ['key_id', 'status', 'id']]
  const asked = Object.entries({ status, resource }).filter(([, value]) => value !== undefined)
  if (asked.length === 0) return [['workspace_id', 'id']]
  return asked.map(([column]) => ['workspace_id', column, 'id'])
}
