import type { Pool } from 'pg'
import { columnsOf } from '../../../src/stores/columns.js'
import { columnName } from '../../../src/stores/sql/tables.js'
import type { TableNames } from '../../../src/stores/sql/tables.js'

const secretColumns = ['id', 'version', 'host_secret_id', 'last_four', 'created_at', 'ends_at']

/**
 * What a host would write by hand: the same columns by a named prepared statement, rows as arrays, on any connection
 * of the pool.
 */
export function bareLookup(names: TableNames): (pool: Pool, digest: Uint8Array) => Promise<unknown[][]> {
  const columns = [
    ...secretColumns.map((name) => `s.${name}`),
    ...columnsOf('key').map(([name]) => `k.${columnName(name)}`),
  ]
  const text = `select ${columns.join(', ')} from ${names.secret} s join ${names.key} k on k.id = s.key_id where s.digest = $1`
  return async (pool, digest) => {
    const query = { name: 'bare_lookup', text, values: [digest], rowMode: 'array' as const }
    return (await pool.query<unknown[]>(query)).rows
  }
}
