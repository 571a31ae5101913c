import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import mysql from 'mysql2'
import mysqlPromise from 'mysql2/promise'
import pg from 'pg'
import {
  RateLimiterMySQL,
  RateLimiterPostgres,
  RateLimiterRes,
  RateLimiterSQLite,
} from 'rate-limiter-flexible'
import { mysqlLimits, mysqlStore } from '../../../src/stores/mysql.js'
import { postgresLimits, postgresStore } from '../../../src/stores/postgres.js'
import { sqliteLimits, sqliteStore } from '../../../src/stores/sqlite.js'
import { startMariadb } from '../../servers/mariadb.js'
import { startPostgres } from '../../servers/postgres.js'
import { report } from '../contest.js'
import { keysOf, limiterOf, load, reportRates, standingsOf, takeTurns, worstSecond } from './limits-load.js'
import type { Limiter } from './limits-load.js'

const rounds = 7
const connections = 8

/** What is asked of a limiter of the other package. */
type Consumer = Pick<RateLimiterPostgres, 'consume'>
type Settings = { readonly points: number; readonly duration: number; readonly keyPrefix: string }

/** Limits counted in databases, beside rate-limiter-flexible on the same database and driver. Nothing is asked of them. */
export async function limitsSqlContest(): Promise<void> {
  await onSqlite()
  await onPostgres()
  await onMariadb()
}

async function onSqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'keyrung-bench-'))
  const [database, other] = ['ours', 'theirs'].map((name) => {
    const made = new Database(join(folder, `${name}.db`))
    made.pragma('journal_mode = wal')
    made.pragma('synchronous = normal')
    return made
  }) as [Database.Database, Database.Database]
  try {
    await sqliteStore({ database }).migrate()
    const peer = await peerOf(
      (settings, ready) =>
        new RateLimiterSQLite(
          {
            ...settings,
            storeClient: other,
            storeType: 'better-sqlite3',
            tableName: `t${settings.duration}`,
          },
          ready,
        ),
    )
    await compare('SQLite, a file', [limiterOf('keyrung', sqliteLimits({ database })), peer])
  } finally {
    database.close()
    other.close()
    rmSync(folder, { recursive: true })
  }
}

async function onPostgres(): Promise<void> {
  const server = await startPostgres()
  const pool = new pg.Pool({ ...server, max: connections })
  try {
    await postgresStore({ pool }).migrate()
    const peer = await peerOf(
      (settings, ready) =>
        new RateLimiterPostgres(
          {
            ...{ ...settings, storeClient: pool, storeType: 'pool', tableName: `t${settings.duration}` },
            clearExpiredByTimeout: false,
          },
          ready,
        ),
    )
    const store = postgresLimits({ pool, timeoutMs: 30_000 })
    await compare(`PostgreSQL, ${connections} connections`, [limiterOf('keyrung', store), peer])
    await store.close()
  } finally {
    await pool.end()
    await server.stop()
  }
}

async function onMariadb(): Promise<void> {
  const server = await startMariadb()
  const { host, port, user, password, database } = server
  const address = { host, port, user, password, database, connectionLimit: connections }
  const [pool, plain] = [mysqlPromise.createPool(address), mysql.createPool(address)]
  try {
    await mysqlStore({ pool }).migrate()
    const peer = await peerOf(
      (settings, ready) =>
        new RateLimiterMySQL(
          {
            ...{ ...settings, storeClient: plain, dbName: database, tableName: `t${settings.duration}` },
            clearExpiredByTimeout: false,
          },
          ready,
        ),
    )
    const store = mysqlLimits({ pool, timeoutMs: 30_000 })
    await compare(`MariaDB, ${connections} connections`, [limiterOf('keyrung', store), peer])
    await store.close()
  } finally {
    await pool.end()
    plain.end()
    await server.stop()
  }
}

async function peerOf(
  make: (settings: Settings, ready: (error?: unknown) => void) => Consumer,
): Promise<Limiter> {
  const limiterFor = (points: number, duration: number) =>
    new Promise<Consumer>((resolve, reject) => {
      const made = make({ points, duration, keyPrefix: `p${points}` }, (error) =>
        // It may say so before it has been made.
        setImmediate(() => (error ? reject(error as Error) : resolve(made))),
      )
    })
  const minute = await limiterFor(1_000_000_000, 60)
  const day = await limiterFor(1_000_000_000, 86_400)
  const strict = await limiterFor(40, 1)
  return {
    name: 'rate-limiter-flexible',
    spend: (key) => Promise.all([minute.consume(key), day.consume(key)]),
    strict: (key) =>
      strict.consume(key).then(
        () => true,
        (refusal: unknown) => {
          if (refusal instanceof RateLimiterRes) return false
          throw refusal
        },
      ),
  }
}

async function compare(title: string, limiters: readonly Limiter[]): Promise<void> {
  const worst = new Map<string, number>()
  for (const { name, strict } of limiters) worst.set(name, await worstSecond(strict))
  for (const many of [1, 1_000]) {
    const held = await takeTurns(limiters, rounds, (spend) => load(spend, keysOf(many), 64, 250))
    report(
      `${title}, a minute's limit and a day's, 64 in flight, ${many} ${many === 1 ? 'key' : 'keys'}`,
      standingsOf(held),
    )
    reportRates(held, worst)
  }
}
