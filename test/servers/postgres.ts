import { chownSync, cpSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { findAccount } from './account.js'
import { findPostgresFolder, whyMissing } from './program.js'
import { runProgram, startServer } from './start.js'
import type { Recipe } from './start.js'
import type { DatabaseAddress, TestServer } from './test-server.js'

/** How a PostgreSQL is started. */
export interface PostgresOptions {
  /** Settings of the server beside or instead of those of a throw-away one: `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Where its programs are. @defaultValue Debian's newest, or what npm brought */
  readonly programs?: string | undefined
}

/** Nothing here outlives the run, so nothing is forced to the disk. */
const throwAway = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  shared_buffers: '64MB',
  unix_socket_directories: '',
  listen_addresses: '127.0.0.1',
}

/**
 * Starts a PostgreSQL of the test's own.
 *
 * @throws where its programs are missing, with what to install
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestServer> {
  const programs = options.programs ?? findPostgresFolder()
  if (programs === undefined) throw new Error(whyMissing('postgres'))
  const account = findAccount('postgres')
  let own = programs
  const recipe: Recipe = {
    kind: 'postgres',
    account,
    ending: 'QUIT',
    database: 'postgres',
    identity: (folder) => join(realpathSync(folder), 'data'),
    async prepare(folder, { user, password }) {
      own = await reachable(programs, folder, account)
      const passwordFile = join(folder, 'password')
      writeFileSync(passwordFile, password, { mode: 0o600 })
      if (account) chownSync(passwordFile, account.uid, account.gid)
      const settings = ['--encoding=UTF8', '--locale=C', '--no-sync', '--auth=scram-sha-256']
      const login = [`--username=${user}`, `--pwfile=${passwordFile}`]
      const data = `--pgdata=${join(folder, 'data')}`
      await runProgram([join(own, 'initdb'), data, ...settings, ...login], folder, account)
    },
    command(folder, { port }) {
      const settings = Object.entries({ ...throwAway, ...options.settings, port: String(port) })
      return [
        join(own, 'postgres'),
        ...['-D', join(folder, 'data')],
        ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ]
    },
    identify: findDataDirectory,
    createDatabase: createPostgresDatabase,
  }
  return startServer(recipe)
}

/** Makes an empty database. */
export async function createPostgresDatabase(address: DatabaseAddress, name: string): Promise<void> {
  await ask(address, `create database ${name}`)
}

/** Asks a PostgreSQL where its data lies, which no other has the same. */
export function findDataDirectory(address: DatabaseAddress): Promise<string> {
  return ask(address, 'show data_directory')
}

/** Asks one question on a connection of its own, and answers the first value. */
async function ask(address: DatabaseAddress, sql: string): Promise<string> {
  const client = new pg.Client({ ...address, connectionTimeoutMillis: 2_000 })
  // What happens to the connection besides is told by the query.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
    return String(rows[0]?.[0])
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Programs in a folder that only root may enter are copied to where the server's account can run them. */
async function reachable(programs: string, folder: string, account: Recipe['account']): Promise<string> {
  if (!account) return programs
  try {
    await runProgram([join(programs, 'postgres'), '--version'], folder, account)
    return programs
  } catch {
    const copy = join(folder, 'programs')
    cpSync(dirname(programs), copy, { recursive: true, verbatimSymlinks: true })
    return join(copy, 'bin')
  }
}
