import { sql } from 'kysely'
import type { DeliveryRecord } from '../../core/delivery.js'
import type { DeliveryListRequest, DueDeliveriesRequest } from '../../ports/delivery-store.js'
import { atCursor } from './cursor-index.js'
import type { SqlDialect } from './dialect.js'
import { allColumns, compile, place, prepare } from './query.js'
import type { Ask } from './query.js'
import { readRecord, readListing } from './rows.js'
import type { TableNames } from './tables.js'

/** The questions about webhooks' deliveries as SQL. */
export function deliveryQueries(dialect: SqlDialect, names: TableNames) {
  const deliveries = sql`${sql.table(names.delivery)} as d`
  const columns = allColumns('delivery', 'd')
  const one = prepare(
    dialect,
    sql`select ${columns} from ${deliveries} where d.id = ${place} and d.workspace_id between ${place} and ${place}`,
  )
  const due = prepare(
    dialect,
    sql`select ${columns} from ${deliveries} where d.status = ${place} and d.due_at <= ${place} order by d.due_at, d.id limit ${place}`,
  )

  return {
    delivery(workspaceId: string, id: string): Ask<DeliveryRecord | undefined> {
      return {
        ...one(id, workspaceId, workspaceId),
        decode: ([row]) => row && readRecord('delivery', row),
      }
    },

    deliveries(request: DeliveryListRequest): Ask<readonly DeliveryRecord[]> {
      const { workspaceId, status, keyId, approvalId, before, limit } = request
      // An approval and a key are in one workspace, and have their own indexes: said as a range, as the other would be
      // a long way.
      const isNarrow = keyId !== undefined || approvalId !== undefined
      const conditions = isNarrow
        ? [sql`d.workspace_id between ${workspaceId} and ${workspaceId}`]
        : [sql`d.workspace_id = ${workspaceId}`]
      if (keyId !== undefined) conditions.push(sql`d.key_id = ${keyId}`)
      if (approvalId !== undefined) conditions.push(sql`d.approval_id = ${approvalId}`)
      if (status !== undefined) conditions.push(sql`d.status = ${status}`)
      let table = deliveries
      if (before !== undefined) {
        conditions.push(sql`d.id < ${before}`)
        table = sql`${table} ${atCursor(dialect, names.delivery, indexOf(request))}`
      }
      const query = sql`select ${columns} from ${table} where ${sql.join(conditions, sql` and `)} order by d.id ${dialect.listing.newest.query} limit ${limit}`
      return {
        ...compile(dialect, query),
        decode: (rows) => readListing('delivery', rows),
      }
    },

    dueDeliveries({ status, now, limit }: DueDeliveriesRequest): Ask<readonly DeliveryRecord[]> {
      return {
        ...due(status, now, limit),
        decode: (rows) => readListing('delivery', rows),
      }
    },
  }
}

/** The columns of the index that has a listing in its order. */
function indexOf({ approvalId, keyId, status }: DeliveryListRequest): readonly string[] {
  if (approvalId !== undefined) return ['approval_id', 'id']
  if (keyId !== undefined) return ['key_id', 'id']
  return status === undefined ? ['workspace_id', 'id'] : ['workspace_id', 'status', 'id']
}
