import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import type { KeyUse } from '../../ports/key-store.js'
import type { PurgeRequest } from '../../ports/store.js'
import type { SqlDialect } from './dialect.js'
import { place, prepare } from './query.js'
import type { Steps } from './query.js'
import { readText } from './rows.js'
import type { TableNames } from './tables.js'

/** Notes of uses and the removal of what time has ended, in SQL. */
export function upkeepSteps(dialect: SqlDialect, names: TableNames) {
  // From the key's own row, so that a key that is gone does not come back as a use.
  const use = prepare(
    dialect,
    sql`insert into ${sql.table(names.use)} (key_id, last_used_at) select id, ${place} from ${sql.table(names.key)} where id = ${place} ${dialect.orLarger('key_id', 'last_used_at')}`,
  )
  const removeUse = prepare(dialect, sql`delete from ${sql.table(names.use)} where key_id = ${place}`)

  /** The ids of what can go, and how one of it goes: its condition is checked again as the row is taken. */
  function sweep(table: string, condition: RawBuilder<unknown>) {
    const from = sql`from ${sql.table(table)} where ${condition}`
    return {
      find: prepare(dialect, sql`select id ${from} limit ${place}`),
      remove: prepare(dialect, sql`delete ${from} and id = ${place}`),
    }
  }
  const timed = [
    sweep(names.secret, sql`ends_at <= ${place}`),
    sweep(names.idempotency, sql`expires_at <= ${place}`),
  ]
  const tombstones = sql.table(names.tombstone)
  const findTombstones = prepare(dialect, sql`select id from ${tombstones} limit ${place}`)
  const removeTombstone = prepare(dialect, sql`delete from ${tombstones} where id = ${place}`)

  return {
    *recordUses(uses: readonly KeyUse[]): Steps<void> {
      for (const { keyId, at } of uses) yield use(at, keyId)
    },

    *purge({ now, limit }: PurgeRequest): Steps<number> {
      let removed = 0
      for (const { find, remove } of timed) {
        for (const [id] of (yield find(now, limit)).rows) {
          removed += (yield remove(now, readText(id, 'purge.id'))).changed
        }
      }
      for (const [row] of (yield findTombstones(limit)).rows) {
        const id = readText(row, 'tombstone.id')
        removed += (yield removeUse(id)).changed
        removed += (yield removeTombstone(id)).changed
      }
      return removed
    },
  }
}
