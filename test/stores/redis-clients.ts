import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { RedisClient } from '../../src/stores/redis.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { ioredisAddress, nodeRedisAddress } from '../servers/redis.js'

/** A client that a test made, and how it is let go of. */
export interface MadeClient {
  readonly client: RedisClient
  command(...words: string[]): Promise<unknown>
  end(): void
}

/** Waits little between attempts, so that a test of a restart does not. */
const retryMs = 20

/** Both clients, each as a host makes it, but for the waiting between attempts. */
export const clientMakers = {
  ioredis(address: DatabaseAddress): MadeClient {
    const client = new Redis({ ...ioredisAddress(address), retryStrategy: () => retryMs })
    client.on('error', () => undefined)
    return {
      client,
      command: (name, ...words) => client.call(name!, ...words),
      end: () => client.disconnect(),
    }
  },
  'node-redis'(address: DatabaseAddress): MadeClient {
    const { socket, ...login } = nodeRedisAddress(address)
    const client = createClient({ ...login, socket: { ...socket, reconnectStrategy: () => retryMs } })
    client.on('error', () => undefined)
    void client.connect().catch(() => undefined)
    return { client, command: (...words) => client.sendCommand(words), end: () => client.destroy() }
  },
} as const

/** The names of the clients. */
export const clientNames = ['ioredis', 'node-redis'] as const
