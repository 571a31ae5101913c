import { beforeAll, describe, expect, it } from 'vitest'
import { mysqlLimits, mysqlStore } from '../../src/stores/mysql.js'
import { limitStoreSuite } from '../../src/testing/limit-store-suite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { LimitStoreUnderTest } from '../../src/testing/suite/limit-case.js'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { callbackPool, promisePool } from './mysql-pools.js'
import { freshPrefix } from './postgres-stores.js'

const cases = limitStoreSuite()

describeOn('mariadb', 'mysqlLimits on MariaDB', (server) => {
  let database: DatabaseAddress
  beforeAll(async () => {
    database = await server.createDatabase()
  })

  async function make(clocked: boolean): Promise<LimitStoreUnderTest> {
    const clock = clocked ? { clock: manualClock() } : {}
    const pools = [promisePool(database), callbackPool(database)] as const
    const options = { ...clock, pool: pools[0].pool, tablePrefix: freshPrefix(), timeoutMs: 15_000 }
    await mysqlStore(options).migrate()
    const store = mysqlLimits(options)
    return {
      store,
      ...clock,
      another: () => mysqlLimits({ ...options, pool: pools[1].pool }),
      async dispose() {
        await store.close()
        for (const { end } of pools) await end()
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
