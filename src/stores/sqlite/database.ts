/** A prepared statement of better-sqlite3, as far as it is used here. */
export interface SqliteStatement {
  /** Whether it gives back rows. */
  readonly reader: boolean
  raw(on: boolean): unknown
  safeIntegers(on: boolean): unknown
  run(...values: unknown[]): { readonly changes: number }
  get(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
}

/** The caller's own better-sqlite3 `Database`, from version 9 on, as far as it is used here. */
export interface SqliteDatabase {
  readonly open: boolean
  readonly inTransaction: boolean
  readonly readonly: boolean
  prepare(sql: string): SqliteStatement
  close(): unknown
}

/** How a database of the same library is opened. */
export type SqliteConstructor = new (
  file: string,
  options: { readonly readonly: true; readonly fileMustExist: true; readonly timeout: number },
) => SqliteDatabase
