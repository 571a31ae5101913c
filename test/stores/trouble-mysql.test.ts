import mysql from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import { mysqlStore } from '../../src/stores/mysql.js'
import { startMariadb } from '../servers/mariadb.js'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { describeTrouble } from './trouble.js'
import type { TroubleKit } from './trouble-host.js'

async function tell(address: DatabaseAddress, sql: string): Promise<readonly (readonly number[])[]> {
  const connection = await mysql.createConnection(address)
  try {
    const [rows] = await connection.query<RowDataPacket[][]>({ sql, rowsAsArray: true })
    return Array.isArray(rows) ? (rows as unknown[][]).map((row) => row.map(Number)) : []
  } finally {
    await connection.end()
  }
}

const kit: TroubleKit = {
  protocol: 'mysql',
  holdsMarker: true,
  // Written to the system with each commit, so that only a crash of the machine would lose it.
  start: () => startMariadb({ settings: { 'innodb-flush-log-at-trx-commit': '2' } }),

  open(address, { max, timeoutMs }) {
    const pool = mysql.createPool({ ...address, connectionLimit: max })
    let isEnded = false
    return {
      store: mysqlStore({ pool, timeoutMs }),
      async take() {
        const connection = await pool.getConnection()
        return () => connection.release()
      },
      async end() {
        if (!isEnded) await pool.end()
        isEnded = true
      },
    }
  },

  administer: (address) => ({
    ask: async (sql) => (await tell(address, sql))[0] ?? [],
    async lock(table) {
      const connection = await mysql.createConnection(address)
      await connection.query(`lock tables ${table} write`)
      return () => connection.end()
    },
    async endOthers() {
      const others = await tell(
        address,
        'select id from information_schema.processlist where db = database() and id <> connection_id()',
      )
      for (const [id] of others) await tell(address, `kill hard connection ${id}`)
    },
  }),
}

describeOn('mariadb', 'trouble with MariaDB', (server) => describeTrouble(kit, server))
