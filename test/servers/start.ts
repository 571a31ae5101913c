import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from './account.js'
import { startKept } from './kept-process.js'
import type { KeptCommand, KeptProcess } from './kept-process.js'
import type { DatabaseAddress, ServerKind, TestServer } from './test-server.js'

/** A server starts in a second or two; a machine under load gets more. */
const patienceMs = 60_000
const pollMs = 25

/** What one kind of server differs in from another. */
export interface Recipe {
  readonly kind: ServerKind
  readonly account: Account | undefined
  readonly ending: KeptCommand['ending']
  /** What it says of itself when asked over the port, so that no other server is taken for it. */
  readonly identity: (folder: string) => string
  /** Writes what it needs into its folder. */
  prepare?(folder: string, address: DatabaseAddress): Promise<void>
  command(folder: string, address: DatabaseAddress): readonly [command: string, ...args: string[]]
  /** Asks for the identity; rejects while nobody answers. */
  identify(address: DatabaseAddress): Promise<string>
  /** Makes an empty database; answers its name where it could not be the one proposed. */
  createDatabase(address: DatabaseAddress, name: string): Promise<string | void>
  /** What is there from the start. */
  readonly database: string
  /** The account in the server, where it is not one of its own. */
  readonly login?: { readonly user: string; readonly password: string }
}

/** Starts a server by its recipe, in a new folder, on a free port of loopback. */
export async function startServer(recipe: Recipe): Promise<TestServer> {
  const login = recipe.login ?? { user: 'keyrung', password: randomBytes(12).toString('hex') }
  const folder = mkdtempSync(join(tmpdir(), `keyrung-${recipe.kind}-`))
  if (recipe.account) chownSync(folder, recipe.account.uid, recipe.account.gid)
  const addressOn = (port: number): DatabaseAddress => ({
    ...{ host: '127.0.0.1', port, ...login, database: recipe.database },
  })

  async function launch(address: DatabaseAddress): Promise<KeptProcess> {
    const [command, ...args] = recipe.command(folder, address)
    const { account, ending } = recipe
    const kept = await startKept({ command, args, folder, account, ending })
    const deadline = performance.now() + patienceMs
    let last: unknown
    while (kept.isAlive() && performance.now() < deadline) {
      try {
        const reached = await recipe.identify(address)
        if (reached === recipe.identity(folder)) return kept
        last = new Error(`another server answers on port ${address.port}`)
        break
      } catch (error) {
        last = error
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
    const log = kept.log().slice(-2_000)
    await kept.end('keep')
    throw new Error(`${recipe.kind} did not start\n${log}`, { cause: last })
  }

  let address = addressOn(await freePort())
  let kept: KeptProcess
  try {
    await recipe.prepare?.(folder, address)
    // Between finding a port and using it, somebody else may have taken it.
    kept = await launch(address).catch(async () => {
      address = addressOn(await freePort())
      return launch(address)
    })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }

  return {
    kind: recipe.kind,
    ...address,
    get pid() {
      return kept.pid
    },
    async createDatabase() {
      const database = `test_${randomBytes(6).toString('hex')}`
      return { ...address, database: (await recipe.createDatabase(address, database)) ?? database }
    },
    pause: () => kept.signal('SIGSTOP'),
    resume: () => kept.signal('SIGCONT'),
    kill: () => kept.end('keep'),
    async restart() {
      if (kept.isAlive()) await kept.end('keep')
      kept = await launch(address)
    },
    async stop() {
      await kept.end('remove')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Runs a program to its end, as somebody, in a folder. */
export async function runProgram(
  [command, ...args]: readonly [string, ...string[]],
  folder: string,
  account: Account | undefined,
): Promise<void> {
  await promisify(execFile)(command, args, { cwd: folder, ...account })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
