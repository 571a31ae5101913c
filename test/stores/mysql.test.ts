import { it } from 'vitest'
import { storeSuite } from '../../src/testing/store-suite.js'
import { describeOn } from '../servers/on-server.js'
import { onMariadb } from './mysql-pools.js'

const cases = storeSuite()

describeOn('mariadb', 'mysqlStore on MariaDB keeps every promise', (server) => {
  for (const { name, run } of cases) it(name, () => run(async () => onMariadb(await server.createDatabase())))
})
