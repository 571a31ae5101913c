import { sql } from 'kysely'
import type { CommitResult, RecordType, Records } from '../../ports/change.js'
import { columns, recordTypes } from '../columns.js'
import type { Column } from '../columns.js'
import { isName } from '../intake.js'
import type { TakenChange, TakenUpdate } from '../intake.js'
import { valuesOf, widthOf } from '../record-values.js'
import type { SqlDialect } from './dialect.js'
import type { StoreTime } from './store-time.js'
import { digestBytes } from '../../crypto/digest.js'
import { compile, place, prepare } from './query.js'
import type { Query, SqlValue, Steps } from './query.js'
import { readNumber } from './rows.js'
import { columnName } from './tables.js'
import type { TableNames } from './tables.js'

type Why = Extract<CommitResult, { ok: false }>['why']

function toSql(column: Column, value: unknown): SqlValue {
  return column.kind === 'digest' ? digestBytes(value as string) : (value as SqlValue)
}

function rowFor(type: RecordType, record: Records[RecordType]): SqlValue[] {
  const kinds = Object.values(columns[type]) as Column[]
  return valuesOf(type, record).map((value, i) => toSql(kinds[i]!, value))
}

/** How the changes of a commit are made in SQL. */
export function commitSteps(dialect: SqlDialect, names: TableNames, time: StoreTime) {
  const of = Object.fromEntries(
    recordTypes.map((type) => {
      const table = sql.table(names[type])
      const places = sql.join(Array.from({ length: widthOf(type) }, () => place))
      const listed = sql.join(Object.keys(columns[type]).map((name) => sql.ref(columnName(name))))
      return [
        type,
        {
          insert: prepare(
            dialect,
            sql`insert into ${table} (${listed}) values (${places}) ${dialect.orDuplicate}`,
          ),
          remove: prepare(dialect, sql`delete from ${table} where id = ${place} and version = ${place}`),
          version: prepare(dialect, sql`select version from ${table} where id = ${place} ${dialect.holdRow}`),
        },
      ]
    }),
  ) as Record<RecordType, Record<'insert' | 'remove' | 'version', ReturnType<typeof prepare>>>

  const counters = sql.table(names.counter)
  const begin = prepare(
    dialect,
    sql`insert into ${counters} (name, value) values (${place}, 0) ${dialect.orIgnore}`,
  )
  const add = prepare(
    dialect,
    sql`update ${counters} set value = value + ${place} where name = ${place} and value + ${place} <= ${place}`,
  )

  const value = prepare(dialect, sql`select value from ${counters} where name = ${place} ${dialect.holdRow}`)

  /** Why a record was not there to be changed, or null where it is there at this version after all. */
  function* look(type: RecordType, id: string, version: number): Steps<Why | null> {
    const { rows } = yield of[type].version(id)
    if (rows.length === 0) return 'missing'
    return rows[0]![0] === version ? null : 'version'
  }

  function* count(name: string, delta: number, max: number): Steps<Why | null> {
    // Some clients have the server count the rows that are another afterwards, and adding nothing would change none.
    if (delta === 0) {
      const { rows } = yield value(name)
      return readNumber(rows[0]?.[0] ?? 0, 'counter.value') <= max ? null : 'limit'
    }
    const values = [delta, name, delta, max]
    if ((yield add(...values)).changed > 0) return null
    // Either there is no such counter yet, or it would pass its maximum.
    yield begin(name)
    return (yield add(...values)).changed > 0 ? null : 'limit'
  }

  function* change(taken: TakenChange): Steps<Why | null> {
    if (taken.do === 'counter') return yield* count(taken.name, taken.delta, taken.max)
    const { type, id } = taken
    if (taken.do === 'insert') {
      const { duplicate, changed } = yield of[type].insert(...rowFor(type, taken.record))
      return duplicate || changed === 0 ? 'duplicate' : null
    }
    if (!isName(id)) return 'missing'
    if (taken.do === 'check') return yield* look(type, id, taken.version)
    const answer = yield taken.do === 'update' ? update(taken) : of[type].remove(id, taken.version)
    if (answer.duplicate) return 'duplicate'
    return answer.changed > 0 ? null : ((yield* look(type, id, taken.version)) ?? 'version')
  }

  function update({ type, id, version, set }: TakenUpdate): Query {
    const known = columns[type] as Readonly<Record<string, Column>>
    const parts = set.map(
      ([name, value]) => sql`${sql.ref(columnName(name))} = ${toSql(known[name]!, value)}`,
    )
    return compile(
      dialect,
      sql`update ${sql.table(names[type])} set ${sql.join([...parts, sql`version = version + 1`])} where id = ${id} and version = ${version}`,
    )
  }

  /**
   * The first change whose time is over: looked for at the end, as a change may have waited for somebody else's
   * commit, and only among the changes that were come to.
   */
  function* findLate(changes: readonly TakenChange[]): Steps<number> {
    if (!changes.some(({ before }) => before < Infinity)) return -1
    const now = yield* time.read()
    return changes.findIndex(({ before }) => now >= before)
  }

  return function* commit(changes: readonly TakenChange[]): Steps<CommitResult> {
    for (const [failed, taken] of changes.entries()) {
      const why = yield* change(taken)
      if (!why) continue
      // Some databases answer nothing more once an update has met a unique column that is taken.
      const late =
        taken.do === 'update' && why === 'duplicate' ? -1 : yield* findLate(changes.slice(0, failed + 1))
      return late < 0 ? { ok: false, failed, why } : { ok: false, failed: late, why: 'late' }
    }
    const late = yield* findLate(changes)
    return late < 0 ? { ok: true } : { ok: false, failed: late, why: 'late' }
  }
}
