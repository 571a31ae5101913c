import { it } from 'vitest'
import { storeSuite } from '../../src/testing/store-suite.js'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { onMariadb, promisePool } from './mysql-pools.js'

const cases = storeSuite()

describeOn('mariadb', 'mysqlStore on MariaDB keeps every promise', (server) => {
  const kept: DatabaseAddress[] = []
  const keep = (database: DatabaseAddress) => void kept.push(database)
  for (const { name, run } of cases) {
    it(name, () =>
      run(async () => onMariadb(kept.pop() ?? (await server.createDatabase()), promisePool, {}, keep)),
    )
  }
})
