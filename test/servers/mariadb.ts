import { realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import { findAccount } from './account.js'
import { findProgram, whyMissing } from './program.js'
import { runProgram, startServer } from './start.js'
import type { DatabaseAddress, TestServer } from './test-server.js'

/** How a MariaDB is started. */
export interface MariadbOptions {
  /** Settings of the server beside those of a throw-away one: `{ 'max-connections': '20' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Nothing here outlives the run, so nothing is forced to the disk. */
const throwAway = {
  'innodb-flush-log-at-trx-commit': '0',
  'innodb-flush-method': 'nosync',
  'innodb-doublewrite': '0',
  'innodb-log-file-size': '32M',
}
const running = { 'bind-address': '127.0.0.1', 'max-connections': '200', 'innodb-buffer-pool-size': '64M' }

/**
 * Starts a MariaDB of the test's own.
 *
 * @throws where its programs are missing, with what to install
 */
export async function startMariadb(options: MariadbOptions = {}): Promise<TestServer> {
  const [daemon, install] = [findProgram('mariadbd'), findProgram('mariadb-install-db')]
  if (daemon === undefined || install === undefined) throw new Error(whyMissing('mariadb'))
  const account = findAccount('mysql')
  return startServer({
    kind: 'mariadb',
    account,
    ending: 'KILL',
    database: 'mysql',
    identity: (folder) => `${join(realpathSync(folder), 'data')}/`,
    async prepare(folder, { user, password }) {
      const who = `'${user}'@'127.0.0.1'`
      const statements = [
        `create user if not exists ${who} identified by '${password}'`,
        `grant all on *.* to ${who} with grant option`,
        `alter user root@localhost identified by '${password}'`,
      ]
      writeFileSync(join(folder, 'init.sql'), `${statements.join(';\n')};\n`, { mode: 0o644 })
      const settings = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve']
      const data = `--datadir=${join(folder, 'data')}`
      await runProgram([install, '--no-defaults', data, ...settings, ...flags(throwAway)], folder, account)
    },
    command: (folder, { port }) => [
      daemon,
      '--no-defaults',
      `--datadir=${join(folder, 'data')}`,
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--init-file=${join(folder, 'init.sql')}`,
      `--port=${port}`,
      '--skip-name-resolve',
      ...flags({ ...throwAway, ...running, ...options.settings }),
    ],
    identify: (address) => ask(address, 'select @@datadir'),
    createDatabase: async (address, name) => void (await ask(address, `create database ${name}`)),
  })
}

function flags(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
}

/** Asks one question on a connection of its own, and answers the first value. */
async function ask(address: DatabaseAddress, sql: string): Promise<string> {
  const connection = await mysql.createConnection({ ...address, connectTimeout: 2_000 })
  try {
    const [rows] = await connection.query<RowDataPacket[][]>({ sql, rowsAsArray: true })
    return String(Array.isArray(rows) ? rows[0]?.[0] : '')
  } finally {
    connection.destroy()
  }
}
