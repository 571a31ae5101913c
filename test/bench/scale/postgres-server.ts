import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

/** A PostgreSQL of the benchmark's own. */
export interface PostgresServer {
  readonly port: number
  stop(): Promise<void>
}

/** Where Debian keeps the programs, newest first. */
function findPrograms(): string {
  const root = '/usr/lib/postgresql'
  const [newest] = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  if (!newest) throw new Error(`there is no PostgreSQL under ${root}`)
  return join(root, newest, 'bin')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Starts a PostgreSQL with settings in the form of its configuration file, in a temporary folder or in one that is to
 * be kept.
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>>,
  kept?: string,
): Promise<PostgresServer> {
  const programs = findPrograms()
  if (kept !== undefined) mkdirSync(kept, { recursive: true })
  const folder = realpathSync(kept ?? mkdtempSync(join(tmpdir(), 'keyrung-scale-')))
  // PostgreSQL will not run as root.
  const numberOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  const user = process.getuid?.() === 0 ? { uid: numberOf('-u'), gid: numberOf('-g') } : {}
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const init = ['-D', data, '-U', 'bench', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync']
  if (!existsSync(data))
    execFileSync(join(programs, 'initdb'), init, { ...user, cwd: folder, stdio: 'ignore' })
  const port = await freePort()
  const all = {
    ...settings,
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
  }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(join(programs, 'postgres'), ['-D', data, ...flags], {
    ...user,
    cwd: folder,
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  async function stop(): Promise<void> {
    child.kill('SIGINT')
    await ended
    if (kept === undefined) rmSync(folder, { recursive: true })
  }
  const deadline = Date.now() + 30_000
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error('the PostgreSQL of the benchmark did not start')
    }
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'bench', database: 'postgres' })
    try {
      await client.connect()
      const { rows } = await client.query<{ setting: string }>(
        "select setting from pg_settings where name = 'data_directory'",
      )
      await client.end()
      if (rows[0]?.setting !== data) throw new Error('another server answers on the port of the benchmark')
      return { port, stop }
    } catch (error) {
      if ((error as { code?: string }).code === undefined) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
