import { sql } from 'kysely'
import { KeyrungError } from '../../core/errors.js'
import type { SqlDialect } from './dialect.js'
import { compileMigrations, schemaVersion } from './migrations.js'
import { compile } from './query.js'
import type { Ask, Steps } from './query.js'
import { readNumber } from './rows.js'
import type { TableNames } from './tables.js'

/**
 * What the tables are to this version of the library: as it made them, or newer in a way that it can live with
 * (`current`); lacking steps that it needs (`outdated`); not there (`missing`); newer and no longer for it (`newer`).
 */
export type SchemaState = 'current' | 'outdated' | 'missing' | 'newer'

/** Questions about the schema, and bringing it up to date, in SQL. */
export function schemaSteps(dialect: SqlDialect, names: TableNames) {
  const table: Ask<boolean> = {
    ...compile(dialect, dialect.findTable(names.schema)),
    decode: (rows) => rows.length > 0,
  }
  const version: Ask<number> = {
    ...compile(dialect, sql`select max(version) from ${sql.table(names.schema)}`),
    decode: ([row]) => (row?.[0] === null ? 0 : readNumber(row?.[0], 'schema.version')),
  }

  // Tables that are newer than this library are from after the step that brought the column.
  const oldest: Ask<number> = {
    ...compile(dialect, sql`select oldest from ${sql.table(names.schema)} order by version desc limit 1`),
    decode: ([row]) => (row?.[0] === null ? Infinity : readNumber(row?.[0], 'schema.oldest')),
  }

  /** The version that the tables are of; 0: there are none. */
  function* findVersion(): Steps<number> {
    if (!table.decode((yield table).rows)) return 0
    return version.decode((yield version).rows)
  }

  /** What tables of a version are to this library: it lives with steps it does not know if they say that it can. */
  function* judge(found: number): Steps<SchemaState> {
    if (found === 0) return 'missing'
    if (found <= schemaVersion) return found < schemaVersion ? 'outdated' : 'current'
    return oldest.decode((yield oldest).rows) <= schemaVersion ? 'current' : 'newer'
  }

  return {
    *find(): Steps<SchemaState> {
      return yield* judge(yield* findVersion())
    },

    /** Within one transaction that no other can take at the same time. */
    *migrate(): Steps<void> {
      const found = yield* findVersion()
      if ((yield* judge(found)) === 'newer') {
        throw new KeyrungError('config_invalid', {
          message: `The tables ${names.schema} speaks of are of version ${found}, and this keyrung knows versions up to ${schemaVersion}. Install a newer keyrung here; tables are not taken back to an earlier version.`,
        })
      }
      for (const migration of compileMigrations(dialect, names)) {
        if (migration.version <= found) continue
        for (const text of migration.sql) yield { text, values: [] }
      }
    },
  }
}
