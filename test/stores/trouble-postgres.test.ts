import pg from 'pg'
import { postgresStore } from '../../src/stores/postgres.js'
import { describeOn } from '../servers/on-server.js'
import { startPostgres } from '../servers/postgres.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { describeTrouble } from './trouble.js'
import type { TroubleKit } from './trouble-host.js'

async function connect(address: DatabaseAddress): Promise<pg.Client> {
  const client = new pg.Client(address)
  await client.connect()
  return client
}

async function tell(address: DatabaseAddress, text: string): Promise<readonly number[]> {
  const client = await connect(address)
  try {
    const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' })
    return rows[0]?.map(Number) ?? []
  } finally {
    await client.end()
  }
}

const kit: TroubleKit = {
  protocol: 'postgres',
  holdsMarker: false,
  start: () => startPostgres(),

  open(address, { max, timeoutMs }) {
    const pool = new pg.Pool({ ...address, max })
    return {
      store: postgresStore({ pool, timeoutMs }),
      async take() {
        const client = await pool.connect()
        return () => client.release()
      },
      end: () => (pool.ended ? Promise.resolve() : pool.end()),
    }
  },

  administer: (address) => ({
    ask: (sql) => tell(address, sql),
    async lock(table) {
      const client = await connect(address)
      await client.query(`begin; lock table ${table} in access exclusive mode`)
      return () => client.end()
    },
    endOthers: async () =>
      void (await tell(
        address,
        'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )),
  }),
}

describeOn('postgres', 'trouble with PostgreSQL', (server) => describeTrouble(kit, server))
