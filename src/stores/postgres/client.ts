/** How a value is read, by the type's number and by how the server wrote it. */
export interface PostgresTypes {
  getTypeParser(oid: number): (value: never) => unknown
}

/** A statement as `pg` takes it. */
export interface PostgresQuery {
  readonly text: string
  readonly values: unknown[]
  readonly rowMode: 'array'
  readonly types: PostgresTypes
  /** Under this name the connection keeps it prepared. */
  readonly name?: string
}

/** What `pg` answers to a statement. */
export interface PostgresResult {
  readonly rows: unknown[][]
  readonly rowCount: number | null
}

/** A client of a `pg` pool, from version 8 on, as far as it is used here. */
export interface PostgresClient {
  on(event: 'error', listener: (error: Error) => void): unknown
  query(query: PostgresQuery): Promise<PostgresResult>
  /** Several statements in one message; the answer is a list where there are several. */
  query(text: string): Promise<unknown>
  release(destroy?: boolean): void
  /** Whether it asks for answers in binary, where it is set to. */
  binary?: boolean
  /** `I` outside of a transaction, `T` in one, `E` in one that has failed; newer versions have it. */
  getTransactionStatus?(): string | null
}

/** The caller's own `pg` Pool, as far as it is used here. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'acquire', listener: (client: PostgresClient) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'acquire', listener: (client: PostgresClient) => void): unknown
}
