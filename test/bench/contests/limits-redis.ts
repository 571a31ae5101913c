import { Redis } from 'ioredis'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { createMeter } from '../../../src/service/meter.js'
import type { KeyRecord } from '../../../src/core/key.js'
import { parseLimits } from '../../../src/core/limit.js'
import { systemClock } from '../../../src/ports/system-clock.js'
import { redisLimits } from '../../../src/stores/redis.js'
import { ioredisAddress, startRedis } from '../../servers/redis.js'
import { report } from '../contest.js'
import {
  bothLimits,
  keysOf,
  limiterOf,
  load,
  oneLimit,
  reportRates,
  standingsOf,
  takeTurns,
  worstSecond,
} from './limits-load.js'
import type { Limiter } from './limits-load.js'

const rounds = 15
const leaseRounds = 9
const leasedKeys = 8
const most = 1_000_000_000
const prompt = { cost: 1, limit: null }

/** Limits counted on a Redis of its own, beside rate-limiter-flexible on the same client, and leases on it. */
export async function limitsRedisContest(only?: string): Promise<void> {
  const server = await startRedis()
  const client = new Redis(ioredisAddress(server))
  try {
    await client.ping()
    if (only !== 'leases') await compare(client)
    // 10,000 a second, which can be said in two ways: a lease lives inside one of the 60 buckets of its window.
    for (const windowMs of [60_000, 1_000]) await compareLeases(client, windowMs)
  } finally {
    client.disconnect()
    await server.stop()
  }
}

async function compare(client: Redis): Promise<void> {
  const store = redisLimits({ client })
  const peers = (tag: string, durations: readonly number[]) =>
    durations.map(
      (duration) =>
        new RateLimiterRedis({ storeClient: client, points: most, duration, keyPrefix: `${tag}${duration}` }),
    )
  const strict = new RateLimiterRedis({ storeClient: client, points: 40, duration: 1, keyPrefix: 'strict' })
  const isAdmitted = (limiter: RateLimiterRedis) => (key: string) =>
    limiter.consume(key).then(
      () => true,
      (refusal: unknown) => {
        if (refusal instanceof RateLimiterRes) return false
        throw refusal
      },
    )
  const peerOf = (name: string, durations: readonly number[]): Limiter => {
    const limiters = peers(`p${durations.length}:`, durations)
    const [first] = limiters
    const spend = (key: string) =>
      limiters.length === 1 ? first!.consume(key) : Promise.all(limiters.map((one) => one.consume(key)))
    return { name, spend, strict: isAdmitted(strict) }
  }
  const pairs = [
    ['keyrung', 'rate-limiter-flexible', bothLimits, [60, 86_400]],
    ['keyrung, one limit', 'rate-limiter-flexible, one limit', oneLimit, [60]],
  ] as const
  const limiters = pairs.flatMap(([ours, theirs, rules, durations]) => [
    limiterOf(ours, store, rules),
    peerOf(theirs, durations),
  ])
  const worst = new Map<string, number>()
  for (const { name, strict: spend } of limiters) worst.set(name, await worstSecond(spend))
  for (const inFlight of [64, 1]) {
    for (const many of [1, 1_000]) {
      const title = `Redis, a minute's limit and a day's, ${inFlight} in flight, ${many} ${many === 1 ? 'key' : 'keys'}`
      const held = await takeTurns(limiters, rounds, (spend) =>
        load(spend, keysOf(many), inFlight, 100, () => usedBy(client)),
      )
      const goals = inFlight === 64 ? [{ of: pairs[0][0], against: pairs[0][1], times: 1.5 }] : []
      report(title, standingsOf(held), goals)
      reportRates(held, worst)
    }
  }
  await store.close()
}

/** What one charge costs with leases and without, through everything that a request's charge goes through. */
async function compareLeases(client: Redis, windowMs: number): Promise<void> {
  const limit = 10 * windowMs
  const rules = parseLimits([{ name: 'rate', limit, windowMs }])
  const meters = [null, 10, 100].map((leaseUnits, i) => {
    const store = redisLimits({ client, prefix: `lease${i}:${windowMs}:` })
    const settings = {
      store,
      workspace: [],
      owner: [],
      share: null,
      leaseUnits,
      timeoutMs: 1_000,
      sources: null,
    }
    const meter = createMeter({
      ...{ keys: rules, workspace: [], owner: [], settings },
      ...{ clock: systemClock, notify: () => undefined },
    })
    const records = new Map<string, KeyRecord>()
    const recordOf = (id: string): KeyRecord => {
      const made = records.get(id) ?? ({ id, workspaceId: 'ws_1', ownerId: null, limits: null } as KeyRecord)
      records.set(id, made)
      return made
    }
    const spend = (id: string) => {
      const answer = meter.charge(recordOf(id), [], prompt)
      return answer instanceof Promise ? answer.then((came) => came?.ok) : answer?.ok
    }
    const name = leaseUnits === null ? 'without leases' : `leases of ${leaseUnits}`
    return { name, spend, strict: spend, close: () => meter.close() }
  })
  for (const [inFlight, isWanted] of [
    [1, windowMs === 60_000],
    [64, false],
  ] as const) {
    const keys = keysOf(leasedKeys)
    const held = await takeTurns(meters, leaseRounds, (spend) =>
      load(spend, keys, inFlight, 500, () => usedBy(client)),
    )
    report(
      `Redis, ${limit} in ${windowMs / 1_000} s for each of ${leasedKeys} keys in turn, ${inFlight} in flight, the whole charge`,
      standingsOf(held),
      isWanted
        ? [
            { of: 'leases of 10', against: 'without leases', times: 6 },
            { of: 'leases of 100', against: 'without leases', times: 20 },
          ]
        : [],
    )
    reportRates(held, new Map())
  }
  for (const { name, spend } of windowMs === 1_000 ? meters : []) {
    const admitted = await worstSecond(spend, 1_000, 500)
    console.log(`  ${name.padEnd(44)} admits ${admitted} of 10,000 in its worst second`)
  }
  for (const meter of meters) await meter.close()
}

/** The processor's time that the server has used, in microseconds. */
async function usedBy(client: Redis): Promise<number> {
  const text = await client.info('cpu')
  const of = (what: string) => Number(new RegExp(`^used_cpu_${what}:([0-9.]+)`, 'm').exec(text)![1])
  return (of('user') + of('sys')) * 1e6
}
