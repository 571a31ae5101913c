import { KeyrungError } from '../../core/errors.js'
import type { RecordType } from '../../ports/change.js'

/** The names of the tables, by what is in them. */
export type TableNames = Readonly<
  Record<RecordType | 'counter' | 'use' | 'limit' | 'usage' | 'commit' | 'schema', string>
>

/** What tables' names begin with if the host does not say. */
const defaultPrefix = 'keyrung_'

/**
 * Makes the names of the tables.
 *
 * @param schema where they are, for databases that have schemas; as the connection says if left out
 * @throws KeyrungError `config_invalid` for a prefix that would need quoting or leaves no room for names, and for a schema with anything but letters, digits and underscores
 */
export function tableNames(prefix: string = defaultPrefix, schema?: string): TableNames {
  if (typeof prefix !== 'string' || !/^[a-z][a-z0-9_]{0,29}$/.test(prefix)) {
    throw new KeyrungError('config_invalid', {
      message: 'tablePrefix must be 1 to 30 small letters, digits and underscores, and begin with a letter.',
    })
  }
  if (schema !== undefined && (typeof schema !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema))) {
    throw new KeyrungError('config_invalid', {
      message: 'schema must be 1 to 63 letters, digits and underscores, and not begin with a digit.',
    })
  }
  // Names are quoted part by part wherever they are written.
  const start = schema === undefined ? prefix : `${schema}.${prefix}`
  return {
    key: `${start}keys`,
    secret: `${start}secrets`,
    tombstone: `${start}tombstones`,
    event: `${start}events`,
    message: `${start}messages`,
    idempotency: `${start}idempotency`,
    setting: `${start}settings`,
    approval: `${start}approvals`,
    approvalContent: `${start}approval_contents`,
    vote: `${start}approval_votes`,
    delivery: `${start}deliveries`,
    counter: `${start}counters`,
    use: `${start}key_use`,
    limit: `${start}limits`,
    usage: `${start}usage`,
    commit: `${start}commits`,
    schema: `${start}schema`,
  }
}

/** The name of an index over columns of a table. */
export function indexName(table: string, columns: readonly string[]): string {
  // Without the schema in front of the table, and cut where a long prefix makes it longer than PostgreSQL takes.
  return `${table.slice(table.lastIndexOf('.') + 1)}_by_${columns.join('_')}`.slice(0, 63)
}

/** A property's name as a column's: `workspaceId`, `workspace_id`. */
export function columnName(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
