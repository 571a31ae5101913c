import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitAnswer, LimitStore } from '../../src/ports/limit-store.js'
import { redisLimits } from '../../src/stores/redis.js'
import type { IoredisClient } from '../../src/stores/redis.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { describeOn } from '../servers/on-server.js'
import { startRedis } from '../servers/redis.js'
import type { RedisOptions } from '../servers/redis.js'
import type { TestServer } from '../servers/test-server.js'
import { clientMakers, clientNames } from './redis-clients.js'
import type { MadeClient } from './redis-clients.js'

const minuteMs = 60_000
const rules = parseLimits([
  { name: 'a-minute', limit: 5, windowMs: minuteMs },
  { name: 'b-hour', limit: 50, windowMs: 3_600_000 },
  { name: 'c-hours', limit: 50, windowMs: 3_600_001 },
  { name: 'd-day', limit: 50, calendar: 'day' },
])
const minutely = rules.slice(0, 1)

function spend(store: LimitStore, cost = 1, held = rules, workspaceId = 'ws_1'): Promise<LimitAnswer> {
  return Promise.resolve(store.spend({ workspaceId, charges: [{ subject: 'key:one', rules: held, cost }] }))
}

const usedOf = (answer: LimitAnswer) => answer.meters.map(({ used }) => used)

/** A client that can be led to another server, and says so only if it is told to. */
function switchedClient(first: IoredisClient) {
  const events = new EventEmitter()
  let target = first
  const client: IoredisClient = {
    evalsha: (digest, keys, ...rest) => target.evalsha(digest, keys, ...rest),
    eval: (script, keys, ...rest) => target.eval(script, keys, ...rest),
    del: (key) => target.del(key),
    on: (event, listener) => events.on(event, listener),
    off: (event, listener) => events.off(event, listener),
  }
  return {
    client,
    lead(other: IoredisClient, isTold: boolean) {
      target = other
      if (isTold) events.emit('ready')
    },
  }
}

describeOn('redis', 'where Redis loses what it knew', () => {
  const endings: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of endings.splice(0).toReversed()) await end()
  })

  async function start(options: RedisOptions = {}): Promise<TestServer> {
    const server = await startRedis(options)
    endings.push(() => server.stop())
    return server
  }

  function connect(server: TestServer, name: (typeof clientNames)[number] = 'ioredis'): MadeClient {
    const made = clientMakers[name](server)
    endings.push(() => made.end())
    return made
  }

  for (const name of clientNames) {
    describe(`seen through ${name}`, () => {
      it('short windows start full when it was restarted with nothing, longer ones empty', async () => {
        const [server, clock] = [await start(), manualClock()]
        const store = redisLimits({ client: connect(server, name).client, clock, timeoutMs: 10_000 })
        expect(usedOf(await spend(store, 2))).toEqual([2, 2, 2, 2])
        await server.restart()
        const refused = await spend(store)
        expect([refused.ok, usedOf(refused)]).toEqual([false, [5, 50, 0, 0]])
        // A workspace that it has not seen before may have been used through others.
        expect((await spend(store, 1, minutely, 'ws_2')).ok).toBe(false)
        const { retryAt } = refused.meters[0]!
        expect(retryAt! - refused.now).toBeGreaterThanOrEqual(minuteMs)
        expect(retryAt! - refused.now).toBeLessThanOrEqual(minuteMs * (61 / 60))
        await clock.advance(retryAt! - refused.now - 1)
        expect((await spend(store, 1, minutely)).ok).toBe(false)
        await clock.advance(1)
        expect((await spend(store, 5, minutely)).ok).toBe(true)
        expect((await spend(store, 1, minutely)).ok).toBe(false)
        expect((await spend(store, 5, minutely, 'ws_2')).ok).toBe(true)
        await clock.advance(3_600_000)
        expect(usedOf(await spend(store, 5))).toEqual([5, 5, 5, 5])
      })

      it('nothing is lost where it comes back with its log', async () => {
        const server = await start({ keepsData: true })
        const store = redisLimits({ client: connect(server, name).client, timeoutMs: 10_000 })
        expect((await spend(store, 3)).ok).toBe(true)
        await server.restart()
        expect(usedOf(await spend(store, 1))).toEqual([4, 4, 4, 4])
        expect((await spend(store, 2)).ok).toBe(false)
        expect((await spend(store, 5, rules, 'ws_2')).ok).toBe(true)
        expect((await spend(store, 1)).ok).toBe(true)
        expect((await spend(store, 1)).ok).toBe(false)
      })
    })
  }

  it('a snapshot is taken for what it is: short windows start full, longer ones as it says', async () => {
    const server = await start()
    const made = connect(server)
    const store = redisLimits({ client: made.client, timeoutMs: 10_000 })
    await spend(store, 2)
    await made.command('SAVE')
    await spend(store, 3)
    await server.restart()
    expect(usedOf(await spend(store, 0))).toEqual([5, 50, 2, 2])
    // Who has seen nothing of it sees it too.
    const other = redisLimits({ client: connect(server).client })
    expect(usedOf(await spend(other, 0))).toEqual([5, 50, 2, 2])
  })

  it('a database that was emptied is seen by each instance that knew it, and counts once', async () => {
    const [server, clock] = [await start(), manualClock()]
    const [one, two, new1] = [connect(server), connect(server), connect(server)].map(({ client }) =>
      redisLimits({ client, clock }),
    ) as [LimitStore, LimitStore, LimitStore]
    await spend(one)
    await spend(two)
    await connect(server).command('FLUSHALL')
    // It cannot know; but from the next call of one that can on, it does.
    expect((await spend(new1)).ok).toBe(true)
    expect((await spend(two)).ok).toBe(false)
    expect((await spend(new1)).ok).toBe(false)
    await clock.advance(61_000)
    expect((await spend(one, 5, minutely)).ok).toBe(true)
    expect((await spend(two, 1, minutely)).ok).toBe(false)
  })

  it('a workspace that comes for the first time starts with all of its limit', async () => {
    const server = await start()
    const store = redisLimits({ client: connect(server).client })
    for (const workspaceId of ['ws_1', 'ws_2', 'ws_3']) {
      expect((await spend(store, 5, rules, workspaceId)).ok).toBe(true)
    }
    expect((await spend(redisLimits({ client: connect(server).client }), 5, rules, 'ws_4')).ok).toBe(true)
  })

  it('a restart behind a connection that says nothing of it is seen with the next call', async () => {
    const server = await start()
    const first = connect(server)
    const { client, lead } = switchedClient(first.client as IoredisClient)
    const store = redisLimits({ client })
    await spend(store)
    first.end()
    await server.restart()
    const second = connect(server)
    await second.command('PING')
    lead(second.client as IoredisClient, false)
    expect((await spend(store)).ok).toBe(false)
    expect((await spend(store, 1, minutely, 'ws_2')).ok).toBe(false)
  })

  it('a replica that took over may lack the last of it: short windows start full', async () => {
    const server = await start({ keepsData: true })
    const { user, password, port } = server
    const replica = await start({
      keepsData: true,
      settings: { replicaof: `127.0.0.1 ${port}`, masteruser: user, masterauth: password },
    })
    const [first, second] = [connect(server), connect(replica)]
    const { client, lead } = switchedClient(first.client as IoredisClient)
    const store = redisLimits({ client })
    const deadline = performance.now() + 30_000
    while (!String(await second.command('INFO', 'replication')).includes('master_link_status:up')) {
      expect(performance.now()).toBeLessThan(deadline)
    }
    await spend(store)
    await first.command('WAIT', '1', '10000')
    await second.command('REPLICAOF', 'NO', 'ONE')
    lead(second.client as IoredisClient, true)
    expect(usedOf(await spend(store, 0))).toEqual([5, 50, 1, 1])
  }, 60_000)

  for (const keepsData of [true, false]) {
    it(`promise 7: restarted amid a flood ${keepsData ? 'with' : 'without'} its log, it admits no more than the limit`, async () => {
      const server = await start({ keepsData })
      const held = parseLimits([{ name: 'hour', limit: 400, windowMs: 3_600_000 }])
      const stores = [0, 1, 2, 3].map((i) =>
        redisLimits({ client: connect(server, clientNames[i % 2]).client, timeoutMs: 10_000 }),
      )
      // Each has counted for it before.
      let admitted = 0
      for (const store of stores) admitted += Number((await spend(store, 1, held)).ok)
      let restart: Promise<void> | undefined
      await Promise.all(
        Array.from({ length: 32 }, async (_, caller) => {
          for (let turn = 0; turn < 30; turn++) {
            const answer = await spend(stores[caller % 4]!, 1, held).catch(() => undefined)
            if (answer?.ok === true) admitted += 1
            if (admitted >= 150) restart ??= server.restart()
          }
        }),
      )
      await restart
      expect(restart).toBeDefined()
      expect(admitted).toBeLessThanOrEqual(400)
      expect(admitted).toBeGreaterThanOrEqual(keepsData ? 300 : 150)
      expect((await spend(stores[0]!, 1, held)).ok).toBe(false)
    }, 60_000)
  }
})
