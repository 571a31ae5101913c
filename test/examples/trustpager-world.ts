import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type Answer } from '../../examples/telling/client.js'
import { startHost, type Host } from '../../examples/trustpager/host.js'
import { wideLimits } from './wide-limits.js'

/** A key as the management API answers it when it is made. */
interface MadeKey {
  readonly id: string
  readonly secret: string
}

/** A running TrustPager with an empty data folder, and someone logged in for each demo user. */
export interface World {
  readonly host: Host
  readonly dataDir: string
  /** Management as a demo user; without one, as nobody. */
  as(
    user: string | undefined,
    method: string,
    path: string,
    body?: unknown,
    ifMatch?: string,
  ): Promise<Answer>
  /** The API with a key; without one, with no credential. */
  api(key: string | undefined, method: string, path: string, body?: unknown): Promise<Answer>
  /** A key with limits that no test reaches, unless `input` says otherwise. */
  makeKey(user: string, input: object): Promise<MadeKey>
  /** Replaces a key's scopes. */
  setScopes(user: string, id: string, scopes: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** Starts a host on a free port. */
export async function createWorld(): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'trustpager-'))
  const host = await startHost({ dataDir, port: 0 })
  const nobody = new Client(host.url)
  const clients = new Map<string, Client>()

  async function clientOf(user: string): Promise<Client> {
    const known = clients.get(user)
    if (known) return known
    const client = new Client(host.url)
    await client.send({ method: 'POST', path: '/demo/login', body: { user } })
    clients.set(user, client)
    return client
  }

  const world: World = {
    host,
    dataDir,
    async as(user, method, path, body, ifMatch) {
      const client = user === undefined ? nobody : await clientOf(user)
      return client.send({ method, path, body, ifMatch })
    },
    api: (key, method, path, body) => nobody.send({ method, path, body, key }),
    async makeKey(user, input) {
      const given = { name: 'A key', limits: wideLimits, ...input }
      const { status, body } = await world.as(user, 'POST', '/admin/keys', given)
      if (status !== 201) throw new Error(`no key: ${status} ${JSON.stringify(body)}`)
      const { key, secret } = body as { key: { id: string }; secret: string }
      return { id: key.id, secret }
    },
    async setScopes(user, id, scopes) {
      const { etag } = await world.as(user, 'GET', `/admin/keys/${id}`)
      const { status, body } = await world.as(
        user,
        'PATCH',
        `/admin/keys/${id}`,
        { scopes },
        etag ?? undefined,
      )
      if (status !== 200) throw new Error(`no edit: ${status} ${JSON.stringify(body)}`)
    },
    async close() {
      await host.close()
      rmSync(dataDir, { recursive: true })
    },
  }
  return world
}
