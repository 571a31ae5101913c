import { vi } from 'vitest'
import { schemaVersion } from '../../src/stores/sql/migrations.js'
import type * as Columns from '../../src/stores/columns.js'
import type * as Intake from '../../src/stores/intake.js'
import type * as RecordValues from '../../src/stores/record-values.js'
import type * as Migrations from '../../src/stores/sql/migrations.js'
import type { TableNames } from '../../src/stores/sql/tables.js'

/** What a library makes of the steps that this one has. */
type Steps = (steps: readonly Migrations.Migration[], names: TableNames) => readonly Migrations.Migration[]

const migrations = '../../src/stores/sql/migrations.js'
const columns = '../../src/stores/columns.js'
const recordValues = '../../src/stores/record-values.js'
const intake = '../../src/stores/intake.js'

/** The steps that added columns to keys, and what an older library has in their place: it does not know them. */
const keyColumns = [
  { since: 4, without: { limits: null } },
  { since: 5, without: { revocations: 0, webhook: null } },
] as const

function forgetColumns(version: number): void {
  const forgotten = Object.assign(
    {},
    ...keyColumns.filter(({ since }) => version < since).map(({ without }) => without),
  ) as Readonly<Record<string, unknown>>
  const isKnown = (name: string): boolean => !Object.hasOwn(forgotten, name)
  vi.doMock(columns, async (importOriginal) => {
    const real = await importOriginal<typeof Columns>()
    const key = Object.fromEntries(Object.entries(real.columns.key).filter(([name]) => isKnown(name)))
    return {
      ...real,
      columns: { ...real.columns, key },
      columnsOf: (type: Parameters<typeof real.columnsOf>[0]) =>
        real.columnsOf(type).filter(([name]) => type !== 'key' || isKnown(name)),
    }
  })
  vi.doMock(recordValues, async (importOriginal) => {
    const real = await importOriginal<typeof RecordValues>()
    const keyOf = (...args: Parameters<typeof real.keyOf>) => ({ ...real.keyOf(...args), ...forgotten })
    return {
      ...real,
      keyOf,
      recordOf: ((type, values, offset = 0) =>
        type === 'key' ? keyOf(values, offset) : real.recordOf(type, values, offset)) as typeof real.recordOf,
    } satisfies typeof real
  })
  vi.doMock(intake, async (importOriginal) => {
    const real = await importOriginal<typeof Intake>()
    return {
      ...real,
      takeChange: (change, path) =>
        real.takeChange(
          change.do === 'update' && change.type === 'key'
            ? {
                ...change,
                set: Object.fromEntries(Object.entries(change.set).filter(([name]) => isKnown(name))),
              }
            : change,
          path,
        ),
    } satisfies typeof real
  })
}

/**
 * Loads the whole library once more, as if it had other steps of the schema: one that is older or younger than this.
 * Its errors are of a class of their own, as those of another process are.
 */
async function loadLibrary(version: number, steps: Steps) {
  vi.resetModules()
  vi.doMock(migrations, async (importOriginal) => {
    const real = await importOriginal<typeof Migrations>()
    return {
      ...real,
      schemaVersion: version,
      compileMigrations: (...[dialect, names]: Parameters<typeof real.compileMigrations>) =>
        steps(real.compileMigrations(dialect, names), names),
    } satisfies typeof real
  })
  if (keyColumns.some(({ since }) => version < since)) forgetColumns(version)
  try {
    return {
      ...(await import('../../src/service/create-keyrung.js')),
      ...(await import('../../src/stores/sqlite.js')),
      ...(await import('../../src/stores/postgres.js')),
      ...(await import('../../src/stores/mysql.js')),
    }
  } finally {
    for (const mocked of [migrations, columns, recordValues, intake]) vi.doUnmock(mocked)
    vi.resetModules()
  }
}

/** A library, with the fronts of all its stores. */
export type Library = Awaited<ReturnType<typeof loadLibrary>>

/** The library as it was when the schema had so many steps. */
export function olderLibrary(version: number): Promise<Library> {
  return loadLibrary(version, (steps) => steps.slice(0, version))
}

/** What a later step may do to tables so that older libraries can live with it. */
const added = (names: TableNames): readonly string[] => [
  `create table ${names.schema}_later (id integer)`,
  `alter table ${names.key} add column later integer`,
  `alter table ${names.secret} add column later integer default 1 not null`,
  `create index ${names.event.replace(/.*\./, '')}_later on ${names.event} (at)`,
]

/**
 * A library that has one step more than this one: one that older libraries can live with, or one that they cannot,
 * as it drops a column.
 */
export function youngerLibrary(kind: 'additive' | 'breaking'): Promise<Library> {
  const version = schemaVersion + 1
  const additive = kind === 'additive'
  return loadLibrary(version, (steps, names) => {
    const note = `insert into ${names.schema} (version, name, oldest) values (${version}, 'later', ${additive ? 1 : version})`
    const changes = additive ? added(names) : [`alter table ${names.key} drop column created_by`]
    return [...steps, { version, name: 'later', additive, sql: [...changes, note] }]
  })
}
