import { KeyrungError } from '../core/errors.js'
import { describeGiven } from '../core/given.js'
import { isDuration } from '../core/time.js'
import { checkClock } from './clock-check.js'
import type { Clock } from '../ports/clock.js'
import type { LimitStore } from '../ports/limit-store.js'
import { refundCall } from './redis/call.js'
import { findFace } from './redis/client.js'
import type { RedisClient, RedisFace } from './redis/client.js'
import { RedisConnection } from './redis/connection.js'
import { subjectKey, workspaceKey } from './redis/keys.js'
import { refundScript } from './redis/script.js'
import { Spending } from './redis/spending.js'
import { MemoryWatch } from './redis/watch.js'

export type { IoredisClient, NodeRedisClient, NodeRedisEval, RedisClient } from './redis/client.js'

/** What a limit store on Redis is given. */
export interface RedisLimitsOptions {
  /**
   * The host's own client, of ioredis or of node-redis (`redis`, version 4 or later), or its cluster; it stays the
   * host's, with its settings, and is never closed here.
   */
  readonly client: RedisClient
  /** What all keys begin with; `keyrung:limits:` if left out. Without braces, which are Redis Cluster's. */
  readonly prefix?: string
  /** How long a call may take, with waiting for a connection: 1,000 if left out. */
  readonly timeoutMs?: number
  /** What the store's now is; the server's clock if left out, which all instances share. */
  readonly clock?: Pick<Clock, 'now'>
}

/** The longest that a call can be told to wait. */
const longestTimeoutMs = 60_000

/** Printable ASCII without braces. */
const prefixPattern = /^[!-z|~]{0,100}$/

function configInvalid(message: string): KeyrungError {
  return new KeyrungError('config_invalid', { message })
}

function checkedFace(options: RedisLimitsOptions): RedisFace {
  const { client, prefix = '', timeoutMs = 1, clock } = (options ?? {}) as Partial<RedisLimitsOptions>
  const face = findFace(client)
  if (!face) {
    const given = describeGiven(client)
    throw configInvalid(
      `redisLimits needs \`client\`, a client of ioredis or of node-redis; given was ${given}.`,
    )
  }
  checkClock(clock, ['now'])
  if (typeof prefix !== 'string' || !prefixPattern.test(prefix)) {
    throw configInvalid(
      'prefix must be at most 100 printable characters of ASCII, without braces and spaces.',
    )
  }
  if (!isDuration(timeoutMs, longestTimeoutMs) || timeoutMs < 1) {
    throw configInvalid(`timeoutMs must be whole milliseconds, 1 to ${longestTimeoutMs}.`)
  }
  return face
}

/**
 * Makes a limit store on Redis, through the host's own client; Redis 5 or later.
 *
 * All charges of a request are one script, run in one round trip on the server's own time, together with the requests of
 * the same turn of the event loop; the keys of a workspace lie in one slot of a cluster, where each has a call of its own. The store listens to the client's `error` events until it is closed.
 *
 * Counts are kept as long as the server keeps them. Where it has lost them, windows of up to an hour start full: nothing
 * of them is admitted until one window has passed since the loss was seen. Longer ones start empty. A loss is seen
 *
 * - where the server runs anew, or another one answers, and it does not write a log of all it does (`appendonly yes`),
 *   or is a replica that took over: at the first call behind a new connection, within a second behind a proxy that says
 *   nothing;
 * - where a workspace that this instance has counted for within two hours is not known to the server any more (flushed,
 *   evicted, or a log that was lost), and from then on for each workspace that comes anew.
 *
 * It is not seen where single keys are evicted (`maxmemory-policy` has to be `noeviction`), where the last second of a log
 * is lost with the machine's power (`appendfsync everysec`), or where all instances start together with an empty server.
 *
 * @throws KeyrungError `config_invalid` for options that cannot be meant
 * @example
 * ```ts
 * import { Redis } from 'ioredis'
 *
 * const limits = redisLimits({ client: new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1') })
 * ```
 */
export function redisLimits(options: RedisLimitsOptions): LimitStore {
  const face = checkedFace(options)
  const { prefix = 'keyrung:limits:', timeoutMs = 1_000, clock } = options
  const connection = new RedisConnection(face, timeoutMs)
  const spending = new Spending({
    ...{ connection, now: () => clock?.now() },
    ...{ watch: new MemoryWatch(face.cluster), apart: face.cluster },
  })
  const time = (): string => (clock ? String(clock.now()) : '')

  async function ask(send: () => Promise<unknown>): Promise<void> {
    connection.enter()
    try {
      await connection.ask(send)
    } finally {
      connection.leave(1)
    }
  }

  return {
    name: 'redis',
    synchronous: false,
    shared: true,
    spend: (request) => spending.spend(request, workspaceKey(prefix, request.workspaceId)),
    async refund(refund) {
      if (refund.units === 0) return
      const { keys, values } = refundCall(refund, workspaceKey(prefix, refund.workspaceId), time())
      await ask(() => connection.run(refundScript, keys, values))
    },
    async forget(workspaceId, subject) {
      const key = subjectKey(workspaceKey(prefix, workspaceId), subject)
      await ask(() => connection.remove(key))
    },
    close: () => connection.close(),
  }
}
