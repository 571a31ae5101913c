import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import { hostSecretIdLength, sealedKinds, sealedKindsOf } from '../../ports/sealed-store.js'
import type {
  SealedCount,
  SealedKind,
  SealedListRequest,
  SealedRow,
  SealedType,
} from '../../ports/sealed-store.js'
import type { SqlDialect } from './dialect.js'
import { compile, place, prepare } from './query.js'
import type { Ask } from './query.js'
import { readNumber, readText } from './rows.js'
import type { TableNames } from './tables.js'

/** The id of the host secret that a column's text begins with; numbers are spelled out, as a group is told by its text. */
function secretIn(kind: SealedKind): RawBuilder<unknown> {
  const { column, at } = sealedKinds[kind]
  return sql`substr(${sql.ref(column)}, ${sql.lit(at)}, ${sql.lit(hostSecretIdLength)})`
}

/** The questions about what hangs on the secrets of the host as SQL. */
export function sealedQueries(dialect: SqlDialect, names: TableNames) {
  const counts = Object.entries(sealedKinds).map(([name, { type }]) => {
    const id = secretIn(name as SealedKind)
    return sql`select ${sql.lit(name)}, ${id}, count(*) from ${sql.table(names[type])} where ${id} <> '' group by ${id}`
  })
  const all = compile(dialect, sql.join(counts, sql` union all `))
  const list = (type: SealedType) =>
    prepare(
      dialect,
      sql`select id, workspace_id, ${sql.join(sealedKindsOf(type).map(secretIn))} from ${sql.table(names[type])} where id > ${place} order by id limit ${place}`,
    )
  const lists = { approvalContent: list('approvalContent'), delivery: list('delivery'), key: list('key') }

  return {
    counts: {
      ...all,
      decode: (rows) =>
        rows.map(([kind, id, n]) => ({
          kind: readText(kind, 'kind') as SealedKind,
          hostSecretId: readText(id, 'host secret'),
          count: readNumber(n, 'sealed count'),
        })),
    } satisfies Ask<readonly SealedCount[]>,

    list({ type, after = '', limit }: SealedListRequest): Ask<readonly SealedRow[]> {
      return {
        ...lists[type](after, limit),
        decode: (rows) =>
          rows.map(([id, workspaceId, ...ids]) => ({
            id: readText(id, `${type}.id`),
            workspaceId: readText(workspaceId, `${type}.workspaceId`),
            hostSecretIds: ids
              .filter((one) => one !== null && one !== '')
              .map((one) => readText(one, `${type} host secret`)),
          })),
      }
    },
  }
}
