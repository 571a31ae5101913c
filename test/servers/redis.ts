import { realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findAccount } from './account.js'
import { findProgram, whyMissing } from './program.js'
import { startServer } from './start.js'
import type { DatabaseAddress, TestServer } from './test-server.js'

/** How a Redis is started. */
export interface RedisOptions {
  /** Whether it writes all that it acknowledges to a log that it reads when it comes back: no if left out. */
  readonly keepsData?: boolean
  /** Whether it is to be one of a cluster, in which it is alone at first, and without slots: no if left out. */
  readonly cluster?: boolean
  /** Settings of the server beside those of a throw-away one: `{ 'cluster-enabled': 'yes' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** What ioredis takes. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly db: number
}

/** What node-redis takes. */
export interface NodeRedisAddress {
  readonly socket: { readonly host: string; readonly port: number }
  readonly username: string
  readonly password: string
  readonly database: number
}

/** How many callers can have a database of their own on one server. */
const databases = 512

/**
 * Starts a Redis of the test's own; without data to come back to, if not told otherwise.
 *
 * @throws where its program is missing, with what to install
 */
export async function startRedis(options: RedisOptions = {}): Promise<TestServer> {
  const program = findProgram('redis-server')
  if (program === undefined) throw new Error(whyMissing('redis'))
  let given = 0
  return startServer({
    kind: 'redis',
    account: findAccount('redis'),
    ending: 'KILL',
    database: '0',
    identity: (folder) => realpathSync(folder),
    command(folder, { port, user, password }) {
      const settings = {
        bind: '127.0.0.1',
        port: String(port),
        dir: folder,
        databases: String(databases),
        save: '""',
        appendonly: options.keepsData ? 'yes' : 'no',
        appendfsync: 'always',
        'enable-debug-command': 'yes',
        user: `${user} on >${password} ~* &* +@all`,
        // The cluster's own port is ten thousand above the port if it is not told, where there may be none.
        ...(options.cluster && {
          'cluster-enabled': 'yes',
          'cluster-announce-ip': '127.0.0.1',
          'cluster-port': String(port - 10_000),
          databases: '1',
        }),
        ...options.settings,
      }
      const file = join(folder, 'redis.conf')
      // Nobody gets in without the password, so that whoever does has reached this very server. The one who is off may
      // still do all: Redis 7.0 reads transactions in its log with that user's rights, and drops what it may not do.
      const lines = [
        ...Object.entries(settings).map(([name, value]) => `${name} ${value}`),
        'user default off ~* &* +@all',
      ]
      writeFileSync(file, [...lines, ''].join('\n'), { mode: 0o644 })
      return [program, file]
    },
    identify: (address) =>
      ask(address, async (client) => ((await client.config('GET', 'dir')) as string[])[1] ?? ''),
    // They are there from the start, and go by numbers.
    async createDatabase() {
      given += 1
      if (given >= databases) throw new Error('this Redis has no more databases')
      return String(given)
    },
  })
}

/** Where a database of a Redis is, in ioredis's words. */
export function ioredisAddress({ host, port, user, password, database }: DatabaseAddress): RedisAddress {
  return { host, port, username: user, password, db: Number(database) }
}

/** The same, in the words of node-redis. */
export function nodeRedisAddress({
  host,
  port,
  user,
  password,
  database,
}: DatabaseAddress): NodeRedisAddress {
  return { socket: { host, port }, username: user, password, database: Number(database) }
}

/** Asks one question on a connection of its own. */
async function ask<T>(address: DatabaseAddress, question: (client: Redis) => Promise<T>): Promise<T> {
  const settings = { lazyConnect: true, retryStrategy: () => null, connectTimeout: 2_000 }
  const client = new Redis({ ...ioredisAddress(address), ...settings })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await question(client)
  } finally {
    client.disconnect()
  }
}
