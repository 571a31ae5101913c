/** A field of a row as mysql2 hands it to a `typeCast`, as far as it is used here. */
export interface MysqlField {
  /** The column's type: `LONGLONG`, `VAR_STRING`, … */
  readonly type: string
  buffer(): Uint8Array | null
}

/** One statement, with everything that a pool's own settings would else decide. */
export interface MysqlStatement {
  readonly sql: string
  readonly values?: (string | number | Uint8Array | null)[]
  readonly rowsAsArray: true
  readonly nestTables: false
  readonly namedPlaceholders: false
  readonly typeCast: (field: MysqlField, next: () => unknown) => unknown
}

/** A connection of mysql2's promise flavour, as far as it is used here. */
export interface MysqlConnection {
  query(statement: MysqlStatement): Promise<unknown>
  execute(statement: MysqlStatement): Promise<unknown>
  release(): void
  destroy(): void
}

/** A pool made by `createPool` of `mysql2/promise`, as far as it is used here. */
export interface MysqlPromisePool {
  getConnection(): Promise<MysqlConnection>
}

/** A pool made by `createPool` of `mysql2`, as far as it is used here. */
export interface MysqlCallbackPool {
  promise(): MysqlPromisePool
}

/** The caller's own mysql2 pool, of either flavour, from version 3 on. */
export type MysqlPool = MysqlPromisePool | MysqlCallbackPool

/** The promise flavour of a pool, or undefined for what is none. */
export function findPromisePool(pool: unknown): MysqlPromisePool | undefined {
  if (typeof pool !== 'object' || pool === null) return undefined
  // Asked first, as a pool of the callback flavour has a `getConnection` too, which answers no promise.
  // A single connection has it too, and is no pool; pools that only know callbacks take one.
  const flavour: unknown =
    'promise' in pool && typeof pool.promise === 'function' ? (pool as MysqlCallbackPool).promise() : pool
  const { getConnection } = (flavour ?? {}) as Partial<MysqlPromisePool>
  if (typeof getConnection !== 'function' || getConnection.length > 0) return undefined
  return flavour as MysqlPromisePool
}
