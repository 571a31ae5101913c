import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { memoryStore } from 'keyrung'
import type { Store } from '../../../src/ports/store.js'
import { mysqlStore } from '../../../src/stores/mysql.js'
import { postgresStore } from '../../../src/stores/postgres.js'
import { sqliteStore } from '../../../src/stores/sqlite.js'
import { startMariadb } from '../../servers/mariadb.js'
import { startPostgres } from '../../servers/postgres.js'
import type { Filling } from '../../stores/bulk-rows.js'

const connections = 8
const timeoutMs = 60_000

/** A kind of store, with what it needs running. */
export interface StoreKind {
  readonly name: string
  /** A store that has its tables for itself, by their prefix. */
  open(tablePrefix: string): Store
  /** How rows go into its tables many at once; undefined: by commits. */
  readonly fill?: Omit<Filling, 'names'>
  /** Has a planner look at what is in the tables now. */
  analyze(): Promise<void>
  /** What a server of its own has used of the processor, in microseconds; 0 where there is none. */
  serverMicros(): number
  end(): Promise<void>
}

const none = () => Promise.resolve()

/** Opens every kind of store there is; servers are started for it. */
export async function openStores(): Promise<readonly StoreKind[]> {
  return [openMemory(), openSqlite(), await openPostgres(), await openMariadb()]
}

function openMemory(): StoreKind {
  return { name: 'memory', open: () => memoryStore(), analyze: none, serverMicros: () => 0, end: none }
}

function openSqlite(): StoreKind {
  const folder = mkdtempSync(join(tmpdir(), 'keyrung-bench-'))
  const database = new Database(join(folder, 'bench.db'))
  database.pragma('journal_mode = wal')
  database.pragma('synchronous = normal')
  return {
    name: 'SQLite, a file',
    open: (tablePrefix) => sqliteStore({ database, tablePrefix }),
    analyze: none,
    serverMicros: () => 0,
    async end() {
      database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

async function openPostgres(): Promise<StoreKind> {
  const server = await startPostgres({ settings: { shared_buffers: '512MB' } })
  const pool = new pg.Pool({ ...server, max: connections })
  return {
    name: 'PostgreSQL',
    open: (tablePrefix) => postgresStore({ pool, tablePrefix, timeoutMs }),
    fill: { place: (number) => `$${number}`, send: (text, values) => pool.query(text, [...values]) },
    analyze: () => pool.query('vacuum analyze').then(() => undefined),
    serverMicros: () => usedBy(server.pid),
    async end() {
      await pool.end()
      await server.stop()
    },
  }
}

async function openMariadb(): Promise<StoreKind> {
  const server = await startMariadb({ settings: { 'innodb-buffer-pool-size': '512M' } })
  const pool = mysql.createPool({ ...(await server.createDatabase()), connectionLimit: connections })
  return {
    name: 'MariaDB',
    open: (tablePrefix) => mysqlStore({ pool, tablePrefix, timeoutMs }),
    fill: { place: () => '?', send: (text, values) => pool.query(text, [...values]) },
    async analyze() {
      const [tables] = await pool.query<mysql.RowDataPacket[]>('show tables')
      await pool.query(`analyze table ${tables.map((row) => String(Object.values(row)[0])).join(', ')}`)
    },
    serverMicros: () => usedBy(server.pid),
    async end() {
      await pool.end()
      await server.stop()
    },
  }
}

/** Linux counts a process's time in hundredths of a second. */
const tickMicros = 10_000

/** The processor's time of a process, and of those that it has made, in microseconds. */
function usedBy(pid: number): number {
  let ticks = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      const isItself = Number(name) === pid
      if (!isItself && Number(fields[1]) !== pid) continue
      ticks += Number(fields[11]) + Number(fields[12])
      if (isItself) ticks += Number(fields[13]) + Number(fields[14])
    } catch {
      // It has ended since.
    }
  }
  return ticks * tickMicros
}
