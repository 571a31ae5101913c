import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import type { KeyUse } from '../../ports/key-store.js'
import type { PurgeRequest } from '../../ports/store.js'
import { approvalPurge } from './approval-purge.js'
import type { SqlDialect } from './dialect.js'
import { place, prepare } from './query.js'
import type { Answer, Steps } from './query.js'
import { readText } from './rows.js'
import type { TableNames } from './tables.js'

/** Notes of uses and the removal of what time has ended, in SQL. */
export function upkeepSteps(dialect: SqlDialect, names: TableNames) {
  const orLater = dialect.orLarger('key_id', 'last_used_at', names.use)
  // From the key's own row, so that a key that is gone does not come back as a use.
  const use = prepare(
    dialect,
    sql`insert into ${sql.table(names.use)} (key_id, last_used_at) select id, ${place} from ${sql.table(names.key)} where id = ${place} ${dialect.keepRow} ${orLater}`,
  )
  const { list } = dialect
  // In order, so that two instances that note the same keys do not wait for each other in a circle.
  const usesTogether =
    list &&
    prepare(
      dialect,
      sql`insert into ${sql.table(names.use)} (key_id, last_used_at) select k.id, v.at from ${list.table({ id: 'name', at: 'instant' }, place)} join ${sql.table(names.key)} as k on k.id = v.id order by k.id ${dialect.keepRow} ${orLater}`,
    )

  /** Removes rows by what their first column says: in one statement, or else one by one. */
  function removeFrom(table: string, column: string, condition: RawBuilder<unknown> = sql``) {
    const start = sql`delete from ${sql.table(table)} where ${condition}`
    const one = prepare(dialect, sql`${start}${sql.ref(column)} = ${place}`)
    const many = list && prepare(dialect, sql`${start}${list.has(sql.ref(column), 'name', place)}`)
    return function* remove(values: readonly number[], ids: readonly string[]): Steps<number> {
      if (ids.length === 0) return 0
      if (many) return (yield many(...values, list!.value(ids))).changed
      let removed = 0
      for (const id of ids) removed += (yield one(...values, id)).changed
      return removed
    }
  }

  /** The ids of what can go, and how it goes: its condition is checked again as it is taken. */
  function sweep(table: string, condition: RawBuilder<unknown>) {
    return {
      find: prepare(dialect, sql`select id from ${sql.table(table)} where ${condition} limit ${place}`),
      remove: removeFrom(table, 'id', sql`${condition} and `),
    }
  }
  const timed = [
    sweep(names.secret, sql`ends_at <= ${place}`),
    sweep(names.idempotency, sql`expires_at <= ${place}`),
  ]
  const approvals = approvalPurge(dialect, names)
  const findTombstones = prepare(dialect, sql`select id from ${sql.table(names.tombstone)} limit ${place}`)
  const removeTombstones = removeFrom(names.tombstone, 'id')
  const removeUses = removeFrom(names.use, 'key_id')
  const oldUsage = sweep(names.usage, sql`day < ${place}`)
  const removeUsage = removeFrom(names.usage, 'id')
  const usageOf = list ? list.has(sql.ref('key_id'), 'name', place) : sql`key_id = ${place}`
  const findUsageOf = prepare(
    dialect,
    sql`select id from ${sql.table(names.usage)} where ${usageOf} limit ${place}`,
  )

  /** At most so much of the usage of keys that are gone. */
  function* findUsageOfAll(keyIds: readonly string[], limit: number): Steps<readonly string[]> {
    if (keyIds.length === 0) return []
    if (list) return idsIn(yield findUsageOf(list.value(keyIds), limit))
    const found: string[] = []
    for (const keyId of keyIds) {
      if (found.length >= limit) break
      found.push(...idsIn(yield findUsageOf(keyId, limit - found.length)))
    }
    return found
  }

  function idsIn({ rows }: Answer): readonly string[] {
    return rows.map(([id]) => readText(id, 'purge.id'))
  }

  return {
    *recordUses(uses: readonly KeyUse[]): Steps<void> {
      if (usesTogether) {
        const [ids, instants] = [uses.map(({ keyId }) => keyId), uses.map(({ at }) => at)]
        yield usesTogether(list!.value(ids), list!.value(instants))
        return
      }
      for (const { keyId, at } of uses) yield use(at, keyId)
    },

    *purge({ now, limit, usageBefore }: PurgeRequest): Steps<number> {
      let removed = 0
      for (const { find, remove } of timed) removed += yield* remove([now], idsIn(yield find(now, limit)))
      if (usageBefore !== undefined) {
        removed += yield* oldUsage.remove([usageBefore], idsIn(yield oldUsage.find(usageBefore, limit)))
      }
      removed += yield* approvals.removeEnded(now, limit)
      const gone = idsIn(yield findTombstones(limit))
      const usage = yield* findUsageOfAll(gone, limit)
      removed += yield* removeUsage([], usage)
      const ofKeys = yield* approvals.removeOfKeys(gone, limit)
      removed += ofKeys.removed
      // The tombstones stay until all that hung on their keys is gone.
      if (usage.length >= limit || !ofKeys.isAll) return removed
      yield* approvals.removeCounters(gone)
      removed += yield* removeUses([], gone)
      removed += yield* removeTombstones([], gone)
      return removed
    },
  }
}
