import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type Answer } from '../../examples/telling/client.js'
import { startHost, type Host } from '../../examples/trustpair/host.js'
import { wideLimits } from './wide-limits.js'

/** A token as the management API answers it when it is made. */
interface MadeToken {
  readonly id: string
  readonly secret: string
}

/** A running Trustpair with an empty data folder, asked over HTTP. */
export interface World {
  readonly host: Host
  readonly dataDir: string
  /** Management as a demo user; without one, as nobody. */
  as(user: string | undefined, method: string, path: string, body?: unknown): Promise<Answer>
  /** The API with a token; without one, with no credential. */
  api(token: string | undefined, method: string, path: string, body?: unknown): Promise<Answer>
  /** A token with limits that no test reaches, unless others are given; `null`: those of every token. */
  makeToken(user: string, scopes: readonly string[], limits?: readonly object[] | null): Promise<MadeToken>
  /** Changes what the workspace of an admin subscribes to. */
  subscribe(user: string, modules: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** Starts a host on a free port. */
export async function createWorld(): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'trustpair-'))
  const host = await startHost({ dataDir, port: 0 })
  const clients = new Map<string, Client>()

  async function clientOf(user: string | undefined): Promise<Client> {
    if (user === undefined) return new Client(host.url)
    const client = clients.get(user) ?? new Client(host.url)
    if (!clients.has(user)) await client.send({ method: 'POST', path: '/demo/login', body: { user } })
    clients.set(user, client)
    return client
  }

  const world: World = {
    host,
    dataDir,
    as: async (user, method, path, body) => (await clientOf(user)).send({ method, path, body }),
    api: (token, method, path, body) => new Client(host.url).send({ method, path, body, key: token }),
    async makeToken(user, scopes, limits = wideLimits) {
      const given = { name: 'A token', scopes, limits }
      const { status, body } = await world.as(user, 'POST', '/admin/keys', given)
      if (status !== 201) throw new Error(`no token: ${status} ${JSON.stringify(body)}`)
      const { key, secret } = body as { key: { id: string }; secret: string }
      return { id: key.id, secret }
    },
    async subscribe(user, modules) {
      const { status } = await world.as(user, 'POST', '/demo/subscription', { modules })
      if (status !== 200) throw new Error(`no subscription: ${status}`)
    },
    async close() {
      await host.close()
      rmSync(dataDir, { recursive: true })
    },
  }
  return world
}
