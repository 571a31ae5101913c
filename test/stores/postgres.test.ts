import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeSuite } from '../../src/testing/store-suite.js'
import { describeOn } from '../servers/on-server.js'
import { onPostgres } from './postgres-stores.js'

const cases = storeSuite()

describeOn('postgres', 'postgresStore', (server) => {
  let pool: pg.Pool
  beforeAll(async () => {
    pool = new pg.Pool(await server.createDatabase())
  })
  afterAll(() => pool.end())

  describe('keeps every promise', () => {
    for (const { name, run } of cases) it(name, () => run(() => onPostgres(pool)))
  })

  it('is asked for all promises there are', () => expect(cases.length).toBeGreaterThan(80))
})
