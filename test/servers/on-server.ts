import { beforeAll, describe, inject, test } from 'vitest'
import { whyMissing } from './program.js'
import type { DatabaseAddress, ServerKind } from './test-server.js'

/** A server starts in a second or two; a machine under load gets more. */
const startMs = 120_000

declare module 'vitest' {
  interface TaskMeta {
    /** Why a group of tests was left out on this machine. */
    leftOut?: string
  }
}

/** The server of a kind that all test files of a run have together; it is started when it is first asked for. */
export interface RunServer {
  /** An empty database with a name of its own, to be had once per test file or test. */
  createDatabase(): Promise<DatabaseAddress>
  /** The server's first database: for what concerns the whole server. */
  address(): Promise<DatabaseAddress>
}

/**
 * Declares a group of tests that needs a server. Where the server is missing the group is left out and named at
 * the end of the run with the reason; where all servers must be there (`KEYRUNG_SERVERS=all`) it fails instead.
 *
 * @example
 * ```ts
 * describeOn('postgres', 'the store on PostgreSQL', (server) => {
 *   beforeAll(async () => void (pool = new pg.Pool(await server.createDatabase())))
 * })
 * ```
 */
export function describeOn(kind: ServerKind, name: string, define: (server: RunServer) => void): void {
  const missing = whyMissing(kind)
  if (mustFail(missing, process.env['KEYRUNG_SERVERS'])) {
    test(name, () => {
      throw new Error(missing)
    })
    return
  }
  const settings = missing === undefined ? {} : { skip: true, meta: { leftOut: missing } }
  describe(name, settings, () => {
    // The first to ask waits for the start, in whose time no test's own is spent.
    beforeAll(() => ask(kind).then(() => undefined), startMs)
    define({ createDatabase: () => ask(kind, 'database'), address: () => ask(kind) })
  })
}

/** Says whether a server that is missing is a failure, by what the run was told. */
export function mustFail(missing: string | undefined, wanted: string | undefined): boolean {
  return missing !== undefined && wanted === 'all'
}

async function ask(kind: ServerKind, wish = ''): Promise<DatabaseAddress> {
  const answer = await fetch(`${inject('serverDesk')}/${kind}/${wish}`)
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return JSON.parse(text) as DatabaseAddress
}
