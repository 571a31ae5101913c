import { expect } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { isKeyrungError } from '../../src/core/errors.js'
import { ladders } from '../../src/core/ladder.js'
import { createGate } from '../../src/http/gate.js'
import type { Store } from '../../src/ports/store.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { startProxy } from '../servers/proxy.js'
import type { DatabaseAddress, TestServer } from '../servers/test-server.js'
import type { WireProtocol } from '../servers/wire.js'

/** How long a call of the store may take, in milliseconds; finding a lost commit out may take as long again. */
export interface Times {
  readonly timeoutMs: number
}

/** Where the time limit is to be met: short, as it is waited for. */
export const tight: Times = { timeoutMs: 500 }

/** Where it is not: so long that no busy machine meets it. */
export const roomy: Times = { timeoutMs: 4_000 }

/** What a busy machine may take on top before a timer's end is seen. */
const slackMs = 2_000

/** A pool of the host's own and the store on it. */
export interface StoreOnPool {
  readonly store: Store
  /** Takes a connection from the pool and leaves it idle until it is given back. */
  take(): Promise<() => void>
  end(): Promise<void>
}

/** A direct line to the database for each call, past every proxy. */
export interface Administrator {
  /** The first row's numbers. */
  ask(sql: string): Promise<readonly number[]>
  /** Keeps everybody else from a table until it is unlocked. */
  lock(table: string): Promise<() => Promise<void>>
  /** Ends every other connection to the database. */
  endOthers(): Promise<void>
}

/** What differs between the kinds of databases. */
export interface TroubleKit {
  readonly protocol: WireProtocol
  open(address: DatabaseAddress, settings: { readonly max: number; readonly timeoutMs: number }): StoreOnPool
  administer(address: DatabaseAddress): Administrator
  /** A server of the test's own, that keeps what it has acknowledged when it crashes. */
  start(): Promise<TestServer>
  /** Whether a held commit holds its marker too, so that nobody can know how it ends while it is held. */
  readonly holdsMarker: boolean
}

const catalog = defineCatalog({ resources: { contacts: { ladder: ladders.crud } } })
const operator = { type: 'system', name: 'test', workspaceId: 'ws_1' } as const

/** A host behind a proxy, with one key, and how it is asked. */
async function openHost(kit: TroubleKit, address: DatabaseAddress, { timeoutMs }: Times, max = 4) {
  const storeTimeoutMs = timeoutMs * 3
  const proxy = await startProxy(address, kit.protocol)
  const administrator = kit.administer(address)
  const pool = kit.open({ ...address, host: proxy.host, port: proxy.port }, { max, timeoutMs })
  const keyrung = createKeyrung({
    catalog,
    store: pool.store,
    secret: 'a secret of the host, long enough to be one',
    keys: { prefix: 'tp' },
    freshness: 'strict',
    storeTimeoutMs,
    hookLeaseMs: 0,
    notify: () => undefined,
  })
  await keyrung.ready({ migrate: true })
  const gate = createGate(keyrung, 'contacts:read')
  let made = 0

  /** The status that a request with this key is answered with, in time whatever it is. */
  async function request(secret: string): Promise<number> {
    const start = performance.now()
    const result = await gate({
      headers: (name) => (name === 'authorization' ? [`Bearer ${secret}`] : []),
      peer: '127.0.0.1',
      method: 'GET',
      target: '/contacts',
    })
    expect(performance.now() - start).toBeLessThan(storeTimeoutMs + slackMs)
    return result.ok ? 200 : result.answer.status
  }

  /** Makes a key and answers its secret, or the internal word of why that was not possible. */
  async function create(): Promise<{ readonly secret?: string; readonly refused?: string }> {
    const start = performance.now()
    made += 1
    try {
      const { secret } = await keyrung.keys.create(operator, {
        name: `Key ${made}`,
        scopes: ['contacts:read'],
      })
      return { secret }
    } catch (error) {
      if (!isKeyrungError(error) || error.code !== 'store_unavailable') throw error
      return { refused: error.internal ?? '' }
    } finally {
      expect(performance.now() - start).toBeLessThan(storeTimeoutMs + slackMs)
    }
  }

  /** How many keys there are: each whole, with its secret and its event. */
  async function count(): Promise<number> {
    const [keys, secrets, events, whole] = await administrator.ask(
      'select (select count(*) from keyrung_keys), (select count(*) from keyrung_secrets), (select count(*) from keyrung_events), (select count(*) from keyrung_keys k join keyrung_secrets s on s.key_id = k.id join keyrung_events e on e.target_id = k.id)',
    )
    expect([secrets, events, whole]).toEqual([keys, keys, keys])
    return keys!
  }

  const { secret } = await create()
  return {
    ...{ proxy, administrator, pool, keyrung, request, create, count },
    secret: secret!,
    async close() {
      proxy.release()
      proxy.refuse(false)
      await keyrung.close()
      await pool.end()
      await proxy.close()
    },
  }
}

/** A host in front of a database that trouble can be made with. */
export type TroubledHost = Awaited<ReturnType<typeof openHost>>

/** Runs with a host, and ends it. */
export async function withHost(
  kit: TroubleKit,
  address: DatabaseAddress,
  times: Times,
  run: (host: TroubledHost) => Promise<void>,
  max?: number,
): Promise<void> {
  const host = await openHost(kit, address, times, max)
  try {
    await run(host)
  } finally {
    await host.close()
  }
}
