/** Which servers tests can have. */
export type ServerKind = 'postgres' | 'mariadb' | 'pgbouncer' | 'redis'

/** Where a database is and how to get in, in the words that the clients' own pools take. */
export interface DatabaseAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** A server that this process started, in a folder of its own, on a port of its own. */
export interface TestServer extends DatabaseAddress {
  readonly kind: ServerKind
  readonly pid: number
  /** Makes an empty database with a name of its own. */
  createDatabase(): Promise<DatabaseAddress>
  /** Stops it and all its sessions in their tracks: connections stay, nothing is answered. */
  pause(): void
  resume(): void
  /** Ends it as a crash would, and starts it anew on the same port and data. */
  restart(): Promise<void>
  /** Ends it as a crash would; `restart` brings it back. */
  kill(): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}
