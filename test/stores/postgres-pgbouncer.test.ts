import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresStore } from '../../src/stores/postgres.js'
import { storeSuite } from '../../src/testing/store-suite.js'
import { digestOf, insertKey } from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import { freshPrefix, onPostgres } from './postgres-stores.js'

/** What hangs on connections: transactions, races, reading, and bringing the schema up to date. */
const cases = storeSuite().filter(({ name }) =>
  /hundred|many|once|commit|race|purge|digests|schema/.test(name),
)

describeOn(
  'pgbouncer',
  'postgresStore behind PgBouncer, which hands connections out by transaction',
  (server) => {
    let pool: pg.Pool
    beforeAll(async () => {
      pool = new pg.Pool({ ...(await server.createDatabase()), max: 12 })
    })
    afterAll(() => pool.end())

    it('is asked enough', () => expect(cases.length).toBeGreaterThan(15))

    describe('keeps its promises with `prepare: false`', () => {
      for (const { name, run } of cases) it(name, () => run(() => onPostgres(pool, { prepare: false })))
    })

    it('finds credentials on whatever connections there are', async () => {
      const tablePrefix = freshPrefix()
      const store = postgresStore({ pool, prepare: false, tablePrefix })
      await Promise.all(
        Array.from({ length: 4 }, () => postgresStore({ pool, prepare: false, tablePrefix }).migrate()),
      )
      for (let number = 0; number < 5; number++) await store.commit(insertKey(number))
      const found = await Promise.all(
        Array.from({ length: 200 }, async (_, number) => store.findCredential(digestOf(number % 5))),
      )
      expect(found.map((row) => row?.secret.digest)).toEqual(found.map((_, number) => digestOf(number % 5)))
    })

    it('leaves nothing behind on the connections that the next caller gets', async () => {
      const { store, dispose } = await onPostgres(pool, { prepare: false })
      await store.commit(insertKey(1))
      await Promise.all(Array.from({ length: 50 }, () => store.findCredentials([digestOf(1)])))
      const text = `select (select count(*) from pg_prepared_statements) as statements, current_setting('statement_timeout') as timeout`
      const asked = await Promise.all(Array.from({ length: 20 }, () => pool.query(text)))
      for (const { rows } of asked) expect(rows).toEqual([{ statements: '0', timeout: '0' }])
      await dispose?.()
    })
  },
)
