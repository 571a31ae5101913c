import Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { Store } from '../../src/ports/store.js'
import { mysqlStore } from '../../src/stores/mysql.js'
import { postgresStore } from '../../src/stores/postgres.js'
import { sqliteStore } from '../../src/stores/sqlite.js'
import type { Meeting } from './freshness-words.js'

/** A store with what the host opened for it. */
export interface OpenStore {
  readonly store: Store
  /** Ends what the host opened, after the store has been closed. */
  end(): Promise<void>
}

/** A machine under load answers late; late is no fault here. */
const timeoutMs = 20_000

/** Opens the store that the instances share, as a host would. */
export function openStore(meeting: Meeting): OpenStore {
  switch (meeting.kind) {
    case 'sqlite': {
      const database = new Database(meeting.file)
      database.pragma('journal_mode = WAL')
      database.pragma('synchronous = off')
      const store = sqliteStore({ database, busyTimeoutMs: timeoutMs })
      return { store, end: async () => void database.close() }
    }
    case 'postgres': {
      const pool = new pg.Pool({ ...meeting.address, max: 8 })
      return { store: postgresStore({ pool, timeoutMs }), end: () => pool.end() }
    }
    case 'mariadb': {
      const pool = mysql.createPool({ ...meeting.address, connectionLimit: 8 })
      return { store: mysqlStore({ pool, timeoutMs }), end: () => pool.end() }
    }
  }
}
