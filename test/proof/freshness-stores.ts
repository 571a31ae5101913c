import Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { LimitStore } from '../../src/ports/limit-store.js'
import type { Store } from '../../src/ports/store.js'
import { mysqlLimits, mysqlStore } from '../../src/stores/mysql.js'
import { postgresLimits, postgresStore } from '../../src/stores/postgres.js'
import { sqliteLimits, sqliteStore } from '../../src/stores/sqlite.js'
import type { Meeting } from './freshness-words.js'

/** A store with what the host opened for it. */
export interface OpenStore {
  readonly store: Store
  /** Ends what the host opened, after the store has been closed. */
  end(): Promise<void>
}

/** A machine under load answers late; late is no fault here. */
const timeoutMs = 20_000

/** A limit store with what the host opened for it. */
export interface OpenLimits {
  readonly limits: LimitStore
  end(): Promise<void>
}

function openFile(file: string): Database.Database {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = off')
  return database
}

/** Opens the store that the instances share, as a host would. */
export function openStore(meeting: Meeting): OpenStore {
  switch (meeting.kind) {
    case 'sqlite': {
      const database = openFile(meeting.file)
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

/** Opens limits in the same database, on connections of their own. */
export function openLimits(meeting: Meeting): OpenLimits {
  switch (meeting.kind) {
    case 'sqlite': {
      const database = openFile(meeting.file)
      const limits = sqliteLimits({ database, busyTimeoutMs: timeoutMs })
      return { limits, end: async () => void database.close() }
    }
    case 'postgres': {
      const pool = new pg.Pool({ ...meeting.address, max: 8 })
      return { limits: postgresLimits({ pool, timeoutMs }), end: () => pool.end() }
    }
    case 'mariadb': {
      const pool = mysql.createPool({ ...meeting.address, connectionLimit: 8 })
      return { limits: mysqlLimits({ pool, timeoutMs }), end: () => pool.end() }
    }
  }
}
