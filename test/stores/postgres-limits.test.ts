import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresLimits, postgresStore } from '../../src/stores/postgres.js'
import { limitStoreSuite } from '../../src/testing/limit-store-suite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { LimitStoreUnderTest } from '../../src/testing/suite/limit-case.js'
import { describeOn } from '../servers/on-server.js'
import { freshPrefix } from './postgres-stores.js'

const cases = limitStoreSuite()

describeOn('postgres', 'postgresLimits', (server) => {
  let pool: pg.Pool
  beforeAll(async () => {
    pool = new pg.Pool(await server.createDatabase())
  })
  afterAll(() => pool.end())

  async function make(clocked: boolean): Promise<LimitStoreUnderTest> {
    const clock = clocked ? { clock: manualClock() } : {}
    const options = { ...clock, pool, tablePrefix: freshPrefix(), timeoutMs: 15_000 }
    await postgresStore(options).migrate()
    const another = new pg.Pool(pool.options)
    const store = postgresLimits(options)
    return {
      store,
      ...clock,
      another: () => postgresLimits({ ...options, pool: another }),
      async dispose() {
        await store.close()
        await another.end()
      },
    }
  }

  describe('keeps every promise', () => {
    for (const { name, run } of cases) it(name, () => run(() => make(true)))
  })

  describe('keeps every promise by the server’s own time', () => {
    for (const { name, needs, run } of cases) if (needs !== 'clock') it(name, () => run(() => make(false)))
  })

  it('is asked for all promises there are', () => expect(cases.length).toBeGreaterThan(20))
})
