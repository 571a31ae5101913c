import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findAccount } from './account.js'
import { createPostgresDatabase, findDataDirectory } from './postgres.js'
import { findProgram, whyMissing } from './program.js'
import { startServer } from './start.js'
import type { DatabaseAddress, TestServer } from './test-server.js'

/** How a PgBouncer is started; by the names of its own settings. */
export interface PgbouncerOptions {
  readonly pool_mode: 'session' | 'transaction' | 'statement'
  readonly default_pool_size?: number
}

/**
 * Starts a PgBouncer in front of a PostgreSQL that is there; all its databases can be reached through it.
 *
 * @throws where its program is missing, with what to install
 */
export async function startPgbouncer(
  postgres: DatabaseAddress,
  options: PgbouncerOptions,
): Promise<TestServer> {
  const program = findProgram('pgbouncer')
  if (program === undefined) throw new Error(whyMissing('pgbouncer'))
  const { user, password } = postgres
  const behind = await findDataDirectory(postgres)
  return startServer({
    kind: 'pgbouncer',
    account: findAccount('postgres'),
    ending: 'KILL',
    database: postgres.database,
    login: { user, password },
    identity: () => behind,
    async prepare(folder) {
      writeFileSync(join(folder, 'users'), `"${user}" "${password}"\n`, { mode: 0o644 })
    },
    command(folder, { port }) {
      const file = join(folder, 'pgbouncer.ini')
      const settings = {
        listen_addr: '127.0.0.1',
        listen_port: port,
        auth_type: 'scram-sha-256',
        auth_file: join(folder, 'users'),
        unix_socket_dir: '',
        max_client_conn: 200,
        ...options,
      }
      const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
      const target = `* = host=${postgres.host} port=${postgres.port}`
      writeFileSync(file, ['[databases]', target, '[pgbouncer]', ...lines, ''].join('\n'), { mode: 0o644 })
      return [program, file]
    },
    identify: findDataDirectory,
    // Not through the pool: making a database must stand in no transaction.
    createDatabase: (_, name) => createPostgresDatabase(postgres, name),
  })
}
