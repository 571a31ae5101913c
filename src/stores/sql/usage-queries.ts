import { sql } from 'kysely'
import { isUsageOutcome } from '../../core/usage.js'
import { sha256 } from '../../crypto/digest.js'
import { toHex } from '../../crypto/encoding.js'
import type { UsageEntry, UsageRequest, UsageRow } from '../../ports/usage-store.js'
import { mergeUsage } from '../usage-entries.js'
import type { SqlDialect } from './dialect.js'
import { compile, place, prepare } from './query.js'
import type { Ask, Row, Steps } from './query.js'
import { garbage, readNumber, readText } from './rows.js'
import type { TableNames } from './tables.js'

/** An entry, and the id of the row that it is added to. */
interface UsageUpsert {
  readonly id: string
  readonly entry: UsageEntry
}

/** What keys were used for, in SQL. */
export function usageQueries(dialect: SqlDialect, names: TableNames) {
  const { list } = dialect
  const usage = sql.table(names.usage)
  const keys = sql.table(names.key)
  const into = sql`insert into ${usage} (id, key_id, workspace_id, day, permission, outcome, calls)`
  const orAdded = dialect.orAdded('id', 'calls', names.usage)

  // From the key's own row, which stays while this is written: usage of a key that is gone does not come back.
  const add = prepare(
    dialect,
    sql`${into} select ${place}, k.id, k.workspace_id, ${place}, ${place}, ${place}, ${place} from ${keys} as k where k.id = ${place} ${dialect.keepRow} ${orAdded}`,
  )
  const [name, count] = ['name', 'count'] as const
  const lists = { id: name, key_id: name, day: count, permission: name, outcome: name, calls: count }
  const addTogether =
    list &&
    prepare(
      dialect,
      sql`${into} select v.id, k.id, k.workspace_id, v.day, v.permission, v.outcome, v.calls from ${list.table(lists, place)} join ${keys} as k on k.id = v.key_id order by v.id ${dialect.keepRow} ${orAdded}`,
    )

  function readRow([day, permission, outcome, calls]: Row): UsageRow {
    if (!isUsageOutcome(outcome)) throw garbage('usage.outcome')
    return {
      day: readNumber(day, 'usage.day'),
      permission: readText(permission, 'usage.permission'),
      outcome,
      calls: readNumber(calls, 'usage.calls'),
    }
  }

  return {
    /** One transaction's worth of entries that were ordered by {@link usageUpserts}. */
    *record(upserts: readonly UsageUpsert[]): Steps<void> {
      const values = upserts.map(({ id, entry: { keyId, day, permission, outcome, calls } }) =>
        addTogether
          ? [id, keyId, day, permission, outcome, calls]
          : [id, day, permission, outcome, calls, keyId],
      )
      if (!addTogether) for (const row of values) yield add(...row)
      else yield addTogether(...values[0]!.map((_, column) => list!.value(values.map((row) => row[column]!))))
    },

    /** Only of keys that are there: what hung on a deleted one may be removed later. */
    find({ workspaceId, keyId, fromDay, toDay, limit }: UsageRequest): Ask<readonly UsageRow[]> {
      const days = sql`u.day between ${fromDay} and ${toDay}`
      const query =
        keyId === undefined
          ? sql`select u.day, u.permission, u.outcome, ${dialect.sum(sql`u.calls`)} from ${usage} as u join ${keys} as k on k.id = u.key_id where u.workspace_id = ${workspaceId} and ${days} group by u.day, u.permission, u.outcome limit ${limit}`
          : sql`select u.day, u.permission, u.outcome, u.calls from ${usage} as u join ${keys} as k on k.id = u.key_id and k.workspace_id between ${workspaceId} and ${workspaceId} where u.key_id = ${keyId} and ${days} limit ${limit}`
      return { ...compile(dialect, query), decode: (rows) => rows.map(readRow) }
    },
  }
}

/** Entries with the ids of their rows, in one order for all instances, so that two do not wait for each other in a circle. */
export function usageUpserts(entries: readonly UsageEntry[]): readonly UsageUpsert[] {
  return Array.from(mergeUsage(entries), ([name, entry]) => ({
    id: toHex(sha256(name)),
    entry,
  })).sort((a, b) => (a.id < b.id ? -1 : 1))
}
