import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import type { CredentialRow, KeyRow, KeySecretRecord } from '../../core/key.js'
import type { IdempotencyRecord } from '../../ports/change.js'
import type { KeyFilter, KeyListRequest } from '../../ports/key-store.js'
import { digestBytes } from '../../crypto/digest.js'
import { compareText } from '../text-order.js'
import { atCursor } from './cursor-index.js'
import type { SqlDialect } from './dialect.js'
import type { StoreTime } from './store-time.js'
import { allColumns, compile, place, prepare } from './query.js'
import type { Ask, Query, SqlValue } from './query.js'
import {
  credentialSecretColumns,
  digestOf,
  readCredential,
  readKeyListing,
  readKeyRows,
  readNumber,
  readRecord,
  readText,
} from './rows.js'
import { columnName } from './tables.js'
import type { TableNames } from './tables.js'

/** Newest first: secrets by when they were made, and then as keys by id. */
function newestFirst(a: KeySecretRecord, b: KeySecretRecord): number {
  return b.createdAt - a.createdAt || compareText(b.id, a.id)
}

/** The questions about keys as SQL. */
export function keyQueries(dialect: SqlDialect, names: TableNames, time: StoreTime) {
  const keys = sql.table(names.key)
  const secrets = sql.table(names.secret)

  // A secret counts only together with its key, in the same workspace. Said as a range, as with an equation some
  // planners go through an index by workspace, which for a workspace of many keys is a long way to one of them.
  const joined = sql`${secrets} as s join ${keys} as k on k.id = s.key_id and k.workspace_id between s.workspace_id and s.workspace_id`
  const credentialColumns = sql`${sql.join(
    credentialSecretColumns.map((name) => sql.ref(`s.${columnName(name)}`)),
  )}, ${allColumns('key', 'k')}`

  const byDigest = prepare(
    dialect,
    sql`select ${credentialColumns} from ${joined} where s.digest = ${place}`,
    true,
  )
  const bySecretId = prepare(
    dialect,
    sql`select ${credentialColumns}, s.digest from ${joined} where s.id = ${place}`,
    true,
  )
  const byIdempotency = prepare(
    dialect,
    sql`select ${allColumns('idempotency', 'i')} from ${sql.table(names.idempotency)} as i where i.id = ${place}`,
  )

  const byDigests =
    dialect.list &&
    prepare(
      dialect,
      sql`select ${credentialColumns}, s.digest from ${joined} where ${dialect.list.has(sql`s.digest`, 'digest', place)}`,
      true,
    )

  function whereDigests(digests: readonly SqlValue[]): Query {
    if (byDigests) return byDigests(dialect.list!.value(digests))
    return compile(
      dialect,
      sql`select ${credentialColumns}, s.digest from ${joined} where s.digest in (${sql.join(digests)})`,
    )
  }

  /** Keys that a subquery finds, with when they were last used and those of their secrets that live. */
  function whole(found: RawBuilder<unknown>): Query {
    return compile(
      dialect,
      sql`select ${allColumns('key', 'k')}, u.last_used_at, ${allColumns('secret', 's')} from (${found}) as k left join ${sql.table(names.use)} as u on u.key_id = k.id left join ${secrets} as s on s.key_id = k.id and s.workspace_id = k.workspace_id and (s.ends_at is null or s.ends_at > ${time.value()})`,
    )
  }

  /** Puts keys in their order. */
  function sorted(found: KeyRow[]): KeyRow[] {
    // The join keeps no order of its own, and a page is small.
    for (const row of found) (row.secrets as KeySecretRecord[]).sort(newestFirst)
    return found.sort((a, b) => compareText(b.key.id, a.key.id))
  }

  function matching(text: string): RawBuilder<unknown> {
    // Counted key by key: an `exists` may be answered by first reading the secrets of all workspaces.
    const bySecret = sql`(select count(*) from ${secrets} as t where t.key_id = k.id and t.workspace_id = k.workspace_id and ${dialect.lower(sql`t.last_four`)} = ${text} and (t.ends_at is null or t.ends_at > ${time.value()})) > 0`
    return sql`(${dialect.position(sql`${text}`, sql`k.name_search`)} > 0 or k.id = ${text} or ${bySecret})`
  }

  return {
    /** The statement of the hot path; its one parameter is the digest, its rows are for `readCredential`. */
    credentialText: byDigest(null).text,

    credential(digest: string): Ask<CredentialRow | undefined> {
      return { ...byDigest(digestBytes(digest)), decode: ([row]) => row && readCredential(row, digest) }
    },

    credentials(digests: readonly string[]): Ask<CredentialRow[]> {
      return {
        ...whereDigests(digests.map((digest) => digestBytes(digest))),
        decode: (rows) => rows.map((row) => readCredential(row, digestOf(row.at(-1), 'secret.digest'))),
      }
    },

    credentialById(secretId: string): Ask<CredentialRow | undefined> {
      return {
        ...bySecretId(secretId),
        decode: ([row]) => row && readCredential(row, digestOf(row.at(-1), 'secret.digest')),
      }
    },

    key(workspaceId: string, id: string): Ask<KeyRow | undefined> {
      const found = sql`select * from ${keys} where id = ${id} and workspace_id between ${workspaceId} and ${workspaceId}`
      return { ...whole(found), decode: (rows) => sorted(readKeyRows(rows))[0] }
    },

    keys({ text, before, limit, ...filter }: KeyListRequest): Ask<readonly KeyRow[]> {
      const { status } = filter
      const conditions = conditionsOf(filter)
      let table = sql`${keys} as k`
      if (before !== undefined) {
        conditions.push(sql`k.id < ${before}`)
        const index = ['workspace_id', ...(status === undefined ? [] : ['status']), 'id']
        table = sql`${table} ${atCursor(dialect, names.key, index)}`
      }
      if (text !== undefined) conditions.push(matching(text))
      const found = sql`select * from ${table} where ${sql.join(conditions, sql` and `)} order by k.id ${dialect.listing.newest.query} limit ${limit}`
      return { ...whole(found), decode: (rows) => sorted(readKeyListing(rows)) }
    },

    keyCount(filter: KeyFilter): Ask<number> {
      const conditions = sql.join(conditionsOf(filter), sql` and `)
      return {
        ...compile(dialect, sql`select count(*) from ${keys} as k where ${conditions}`),
        decode: ([row]) => readNumber(row?.[0], 'key count'),
      }
    },

    secretCounts(): Ask<ReadonlyMap<string, number>> {
      return {
        ...compile(
          dialect,
          sql`select host_secret_id, count(*) from ${secrets} where ends_at is null or ends_at > ${time.value()} group by host_secret_id`,
        ),
        decode: (rows) =>
          new Map(
            rows.map(([id, n]) => [readText(id, 'secret.hostSecretId'), readNumber(n, 'secret count')]),
          ),
      }
    },

    idempotency(id: string): Ask<IdempotencyRecord | undefined> {
      return { ...byIdempotency(id), decode: ([row]) => row && readRecord('idempotency', row) }
    },
  }
}

function conditionsOf(filter: KeyFilter) {
  const { workspaceId, status, expiresBefore, expiresFrom, ownerId, createdBy } = filter
  const conditions = [sql`k.workspace_id = ${workspaceId}`]
  if (status !== undefined) conditions.push(sql`k.status = ${status}`)
  if (ownerId !== undefined) conditions.push(sql`k.owner_id = ${ownerId}`)
  if (createdBy !== undefined) conditions.push(sql`k.created_by = ${createdBy}`)
  if (expiresBefore !== undefined) conditions.push(sql`k.expires_at < ${expiresBefore}`)
  if (expiresFrom !== undefined)
    conditions.push(sql`(k.expires_at is null or k.expires_at >= ${expiresFrom})`)
  return conditions
}
