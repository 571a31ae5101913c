import { describe, expect, it } from 'vitest'
import type { UsageEntry } from '../../src/ports/usage-store.js'
import type { SqlDriver, TransactOptions } from '../../src/stores/sql/driver.js'
import { mysqlDialect } from '../../src/stores/sql/mysql-dialect.js'
import { postgresDialect } from '../../src/stores/sql/postgres-dialect.js'
import type { Query } from '../../src/stores/sql/query.js'
import { createSqlStore } from '../../src/stores/sql/sql-store.js'
import { tableNames } from '../../src/stores/sql/tables.js'

/** A store on no database: what it would have sent, a list for each transaction, and how they were taken. */
function silentStore(dialect: typeof mysqlDialect) {
  const sent: Query[][] = []
  const taken: (TransactOptions<unknown> | undefined)[] = []
  const driver = {
    async transact(work, options) {
      const steps = work()
      const queries: Query[] = []
      let next = steps.next()
      while (!next.done) {
        queries.push(next.value)
        next = steps.next({ rows: [], changed: 1, duplicate: false })
      }
      sent.push(queries)
      taken.push(options as TransactOptions<unknown> | undefined)
      return next.value
    },
  } as Pick<SqlDriver, 'transact'> as SqlDriver
  const traits = { name: 'silent', freshness: 'cached', synchronous: false, durable: true } as const
  return { store: createSqlStore(traits, dialect, tableNames(), driver, null), sent, taken }
}

const entries = (count: number): UsageEntry[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ keyId: `key_${i}`, day: 20_000, permission: 'a:b', outcome: 'allow', calls: 1 },
  }))

describe('usage in SQL', () => {
  it('is never taken for work that may be done twice, so that a lost commit is found out about', async () => {
    for (const dialect of [mysqlDialect, postgresDialect]) {
      const { store, taken } = silentStore(dialect)
      await store.recordUsage(entries(3))
      expect(taken).toHaveLength(1)
      expect(taken[0]?.repeatable ?? false).toBe(false)
    }
  })

  it('is one transaction for a whole batch, in one statement where the database takes lists', async () => {
    const [postgres, mysql] = [silentStore(postgresDialect), silentStore(mysqlDialect)]
    await postgres.store.recordUsage(entries(1_000))
    await mysql.store.recordUsage(entries(1_000))
    expect(postgres.sent.map((queries) => queries.length)).toEqual([1])
    expect(mysql.sent.map((queries) => queries.length)).toEqual([1_000])
    await postgres.store.recordUsage(entries(1_001))
    expect(postgres.sent).toHaveLength(3)
  })

  it('is written in one order whoever writes it, so that nobody waits in a circle', async () => {
    const idsOf = async (given: readonly UsageEntry[]) => {
      const { store, sent } = silentStore(mysqlDialect)
      await store.recordUsage(given)
      return sent.flat().map(({ values }) => values[0])
    }
    const forwards = await idsOf(entries(50))
    expect(forwards).toEqual([...forwards].sort())
    expect(new Set(forwards).size).toBe(50)
    expect(await idsOf(entries(50).reverse())).toEqual(forwards)
  })
})
