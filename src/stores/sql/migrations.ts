import { sql } from 'kysely'
import type { SqlDialect } from './dialect.js'
import { steps } from './migration-steps.js'
import { TableMaker } from './table-maker.js'
import type { TableNames } from './tables.js'

/** One step of the schema, as SQL; the last statement notes that it was taken. */
export interface Migration {
  readonly version: number
  readonly name: string
  /** True where instances that know only the steps before it run on as it is taken; else they have to end first. */
  readonly additive: boolean
  readonly sql: readonly string[]
}

/** The step that brings the column in which each later one says who may still run on the tables. */
const firstWithOldest = 3

/** The version that the tables have after the last step. */
export const schemaVersion = steps.length

/** The steps of the schema as SQL, in order. */
export function compileMigrations(dialect: SqlDialect, names: TableNames): readonly Migration[] {
  const make = new TableMaker(dialect, names)
  let oldest = 1
  return steps.map(({ name, additive, statements }, index) => {
    const version = index + 1
    if (!additive) oldest = version
    const noted = { version, name, ...(version >= firstWithOldest && { oldest }) }
    const columns = sql.join(Object.keys(noted).map((column) => sql.ref(column)))
    const values = sql.join(Object.values(noted).map((value) => sql.lit(value)))
    const note = sql`insert into ${sql.table(names.schema)} (${columns}) values (${values})`
    return { version, name, additive, sql: [...statements(make), note.compile(dialect.compiler).sql] }
  })
}
