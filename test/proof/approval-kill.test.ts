import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { describeOn } from '../servers/on-server.js'
import { proveApprovals } from './approval-proof.js'

const table = 'create table done (id text)'
const rows = 'select id from done'

proveApprovals('SQLite', async (folder) => {
  const file = join(folder, 'store.db')
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec(table)
  return {
    meeting: { kind: 'sqlite', file },
    done: async () => (database.prepare(rows).all() as { id: string }[]).map(({ id }) => id),
    end: async () => void database.close(),
  }
})

describeOn('postgres', 'PostgreSQL', (server) => {
  proveApprovals('PostgreSQL', async () => {
    const address = await server.createDatabase()
    const pool = new pg.Pool({ ...address, max: 2 })
    await pool.query(table)
    return {
      meeting: { kind: 'postgres', address },
      done: async () => (await pool.query<{ id: string }>(rows)).rows.map(({ id }) => id),
      end: () => pool.end(),
    }
  })
})
