import pg from 'pg'
import { postgresStore } from '../../src/stores/postgres.js'
import type { PostgresStoreOptions } from '../../src/stores/postgres.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { StoreUnderTest } from '../../src/testing/suite/case.js'

let made = 0

/** A prefix that no other store of this file has: its tables are a fresh store in the same database. */
export function freshPrefix(): string {
  made += 1
  return `t${made}_`
}

/** A store on tables of its own, for the suite. */
export async function onPostgres(
  pool: pg.Pool,
  options: Partial<PostgresStoreOptions> = {},
): Promise<StoreUnderTest> {
  const clock = manualClock()
  // The suite asks for order, not for haste.
  const all = { pool, clock, tablePrefix: freshPrefix(), timeoutMs: 15_000, ...options }
  const another = new pg.Pool(pool.options)
  const make = () => postgresStore(all)
  const store = make()
  await store.migrate()
  const notes = `${all.tablePrefix}host_notes`
  await pool.query(`create table ${notes} (note text)`)
  return {
    store,
    clock,
    host: {
      write: async (transaction, note) =>
        void (await (transaction as pg.PoolClient).query(`insert into ${notes} values ($1)`, [note])),
      read: async () =>
        (await pool.query<{ note: string }>(`select note from ${notes}`)).rows.map(({ note }) => note),
    },
    another: () => postgresStore({ ...all, pool: another }),
    async reopen() {
      await store.close()
      return make()
    },
    async dispose() {
      await store.close()
      await another.end()
    },
  }
}
