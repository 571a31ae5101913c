import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import { pendingCounter } from '../../core/approval.js'
import { isName } from '../intake.js'
import type { SqlDialect } from './dialect.js'
import { compile, place, prepare } from './query.js'
import type { Query, Steps } from './query.js'
import { readNumber, readText } from './rows.js'
import type { TableNames } from './tables.js'

/** How many ids stand in one statement. */
const idsAtOnce = 500

/** The removal of what approvals have left behind, in SQL. */
export function approvalPurge(dialect: SqlDialect, names: TableNames) {
  const approvals = sql.table(names.approval)
  const deliveries = sql.table(names.delivery)

  // Counted key by key: with a join, all that is due may be sorted by its key first.
  const findEnded = prepare(
    dialect,
    sql`select a.id, a.key_id, (select count(*) from ${sql.table(names.key)} as k where k.id = a.key_id) from ${approvals} as a where a.lane = 'ended' and a.due_at <= ${place} order by a.due_at, a.id limit ${place}`,
  )
  const findDelivered = prepare(
    dialect,
    sql`select d.id from ${deliveries} as d where d.status = ${place} and d.due_at <= ${place} order by d.due_at, d.id limit ${place}`,
  )
  const findOfKey = {
    approval: prepare(
      dialect,
      sql`select a.id from ${approvals} as a where a.key_id = ${place} and a.lane = 'ended' limit ${place}`,
    ),
    delivery: prepare(
      dialect,
      sql`select d.id from ${deliveries} as d where d.key_id = ${place} limit ${place}`,
    ),
  }

  /** Sends a statement for so many ids at a time, and says how many rows it wrote. */
  function* forAll(
    ids: readonly string[],
    statement: (listed: RawBuilder<unknown>) => RawBuilder<unknown>,
  ): Steps<number> {
    let changed = 0
    for (let from = 0; from < ids.length; from += idsAtOnce) {
      const listed = sql`(${sql.join(ids.slice(from, from + idsAtOnce))})`
      changed += (yield compile(dialect, statement(listed))).changed
    }
    return changed
  }

  /** Removes what was asked and what came of it; the approval itself stays, as a record. */
  function* forgetContents(ids: readonly string[], now: number): Steps<number> {
    const changed = yield* forAll(
      ids,
      (listed) =>
        sql`update ${approvals} set due_at = ${null}, version = version + 1 where id in ${listed} and lane = 'ended' and due_at <= ${now}`,
    )
    // Where the approval was changed meanwhile, its content is still wanted.
    const isOver = approvalOf(names.approvalContent, 'id', sql` and a.lane = 'ended' and a.due_at is null`)
    yield* forAll(
      ids,
      (listed) =>
        sql`delete from ${sql.table(names.approvalContent)} where id in ${listed} and exists ${isOver}`,
    )
    return changed
  }

  /** Removes approvals that have ended, with all that belongs to them. */
  function* removeApprovals(ids: readonly string[]): Steps<number> {
    const removed = yield* forAll(
      ids,
      (listed) => sql`delete from ${approvals} where id in ${listed} and lane = 'ended'`,
    )
    for (const [table, column] of [
      [names.approvalContent, 'id'],
      [names.vote, 'approval_id'],
    ] as const) {
      yield* forAll(
        ids,
        (listed) =>
          sql`delete from ${sql.table(table)} where ${sql.ref(column)} in ${listed} and not exists ${approvalOf(table, column)}`,
      )
    }
    return removed
  }

  function approvalOf(table: string, column: string, condition = sql``): RawBuilder<unknown> {
    return sql`(select 1 from ${approvals} as a where a.id = ${sql.ref(`${table}.${column}`)}${condition})`
  }

  function* idsOf(query: Query): Steps<readonly string[]> {
    return (yield query).rows.map(([id]) => readText(id, 'purge.id'))
  }

  function* findOfKeys(type: keyof typeof findOfKey, keyIds: readonly string[], limit: number) {
    const found: string[] = []
    for (const keyId of keyIds) {
      if (found.length >= limit) break
      found.push(...(yield* idsOf(findOfKey[type](keyId, limit - found.length))))
    }
    return found
  }

  function removeDeliveries(ids: readonly string[], isOver = sql``): Steps<number> {
    return forAll(ids, (listed) => sql`delete from ${deliveries} where id in ${listed}${isOver}`)
  }

  /** Removes what counts the pending approvals of keys that are gone. */
  function* removeCounters(keyIds: readonly string[]): Steps<void> {
    const counters = keyIds.map(pendingCounter).filter(isName)
    yield* forAll(counters, (listed) => sql`delete from ${sql.table(names.counter)} where name in ${listed}`)
  }

  return {
    /** What time has ended: contents of ended approvals, or all of one whose key is gone, and ended deliveries. */
    *removeEnded(now: number, limit: number): Steps<number> {
      const { rows } = yield findEnded(now, limit)
      const ended = rows.map(([id, keyId, keys]) => ({
        id: readText(id, 'purge.id'),
        keyId: readText(keyId, 'purge.keyId'),
        isOrphan: readNumber(keys, 'purge.keys') === 0,
      }))
      const orphans = ended.filter(({ isOrphan }) => isOrphan)
      const kept = ended.filter(({ isOrphan }) => !isOrphan)
      let removed = yield* forgetContents(idsIn(kept), now)
      removed += yield* removeApprovals(idsIn(orphans))
      yield* removeCounters([...new Set(orphans.map(({ keyId }) => keyId))])
      for (const status of ['delivered', 'given_up'] as const) {
        const ids = yield* idsOf(findDelivered(status, now, limit))
        removed += yield* removeDeliveries(ids, sql` and status = ${status} and due_at <= ${now}`)
      }
      return removed
    },

    /**
     * What hung on keys that are gone, at most so much of each kind: their ended approvals and their deliveries. What
     * has not ended is still to be decided, found out or recorded; it goes when it has ended and its time is over.
     */
    *removeOfKeys(keyIds: readonly string[], limit: number): Steps<{ removed: number; isAll: boolean }> {
      const approvalIds = yield* findOfKeys('approval', keyIds, limit)
      const deliveryIds = yield* findOfKeys('delivery', keyIds, limit)
      const removed = (yield* removeApprovals(approvalIds)) + (yield* removeDeliveries(deliveryIds))
      return { removed, isAll: approvalIds.length < limit && deliveryIds.length < limit }
    },

    removeCounters,
  }
}

function idsIn(rows: readonly { readonly id: string }[]): readonly string[] {
  return rows.map(({ id }) => id)
}
