import { KeyrungError } from '../../core/errors.js'
import type { RecordType } from '../../ports/change.js'

/** The names of the tables, by what is in them. */
export type TableNames = Readonly<Record<RecordType | 'counter' | 'use' | 'schema', string>>

/** What tables' names begin with if the host does not say. */
const defaultPrefix = 'keyrung_'

/**
 * Makes the names of the tables.
 *
 * @throws KeyrungError `config_invalid` for a prefix that would need quoting, or leaves no room for names
 */
export function tableNames(prefix: string = defaultPrefix): TableNames {
  if (typeof prefix !== 'string' || !/^[a-z][a-z0-9_]{0,29}$/.test(prefix)) {
    throw new KeyrungError('config_invalid', {
      message: 'tablePrefix must be 1 to 30 small letters, digits and underscores, and begin with a letter.',
    })
  }
  return {
    key: `${prefix}keys`,
    secret: `${prefix}secrets`,
    tombstone: `${prefix}tombstones`,
    event: `${prefix}events`,
    message: `${prefix}messages`,
    idempotency: `${prefix}idempotency`,
    setting: `${prefix}settings`,
    counter: `${prefix}counters`,
    use: `${prefix}key_use`,
    schema: `${prefix}schema`,
  }
}

/** A property's name as a column's: `workspaceId`, `workspace_id`. */
export function columnName(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
