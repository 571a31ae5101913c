import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitAnswer, LimitCharge, LimitRequest } from '../../src/ports/limit-store.js'
import { redisLimits } from '../../src/stores/redis.js'
import type { IoredisClient } from '../../src/stores/redis.js'
import { Batch } from '../../src/stores/redis/batch.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { describeOn } from '../servers/on-server.js'
import { ioredisAddress, startRedis } from '../servers/redis.js'
import { textLimits } from '../testing/text-limits.js'
import { clientMakers } from './redis-clients.js'
import type { MadeClient } from './redis-clients.js'

const lists = [
  parseLimits([
    { name: 'second', limit: 9, windowMs: 1_000 },
    { name: 'day', limit: 60, calendar: 'day' },
  ]),
  parseLimits([{ name: 'month', limit: 25, calendar: 'month' }]),
]
const subjects = ['workspace', 'key:one', 'key:two', 'key:three']

/** A subject has the same limits all the time, but for one. */
function chargeOf(index: number, cost: number, list: number): LimitCharge {
  return { subject: subjects[index]!, cost, rules: lists[index === 3 ? list : index % 2]! }
}

const request = fc
  .record({
    charges: fc.uniqueArray(
      fc.tuple(fc.nat({ max: 3 }), fc.constantFrom(0, 1, 1, 1, 1, 2, 7), fc.nat({ max: 1 })),
      { selector: ([index]) => index, minLength: 1, maxLength: 3 },
    ),
    force: fc.nat({ max: 9 }).map((die) => die === 0),
    copies: fc.nat({ max: 4 }),
  })
  .map(({ charges, force, copies }) =>
    Array.from({ length: copies + 1 }, (): LimitRequest => {
      return { workspaceId: 'ws_1', charges: charges.map((one) => chargeOf(...one)), force }
    }),
  )

/** An order in which requests of one turn may have come: as they are gathered, equal ones together. */
function gathered(requests: readonly LimitRequest[]): readonly LimitRequest[] {
  const batches = [new Batch()]
  const caller = { resolve: () => undefined, reject: () => undefined }
  for (const one of requests) {
    if (!batches.at(-1)!.add(one, one.workspaceId, caller)) {
      batches.push(new Batch())
      batches.at(-1)!.add(one, one.workspaceId, caller)
    }
  }
  const order = batches.flatMap(({ groups }) =>
    groups.flatMap((group) => group.callers.map(() => group.request)),
  )
  expect(order.length).toBe(requests.length)
  return order
}

const textOf = (answers: readonly LimitAnswer[]) => answers.map((one) => JSON.stringify(one)).toSorted()

describeOn('redis', 'what is spent in one turn', (server) => {
  let made: MadeClient
  beforeAll(async () => {
    made = clientMakers.ioredis(await server.createDatabase())
  })
  afterAll(() => made.end())

  /** How often the client was asked to run the script. */
  function counted(inner: IoredisClient): { readonly client: IoredisClient; calls: number } {
    const seen = {
      calls: 0,
      client: {
        evalsha: (...given: Parameters<IoredisClient['evalsha']>) => {
          seen.calls += 1
          return inner.evalsha(...given)
        },
        eval: (...given: Parameters<IoredisClient['eval']>) => inner.eval(...given),
        del: (key: string) => inner.del(key),
        on: () => undefined,
        off: () => undefined,
      },
    }
    return seen
  }

  it("one after the other on the server's own time, each is answered what the core says", async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 10, maxLength: 25 }), async (turns) => {
        const store = redisLimits({ client: made.client, prefix: `one${(runs += 1)}:`, timeoutMs: 15_000 })
        let now = 0
        const model = textLimits(() => now)
        for (const one of turns.flat()) {
          const answer = await store.spend(one)
          now = answer.now
          expect(answer).toEqual(await model.spend(one))
        }
        await store.close()
      }),
      { numRuns: 10 },
    )
  }, 60_000)

  it('of many at once, each is answered as if they had come in some order', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(request, { minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 8 }),
        async (turns) => {
          const clock = manualClock()
          const prefix = `many${(runs += 1)}:`
          const store = redisLimits({ client: made.client, prefix, clock, timeoutMs: 15_000 })
          const model = textLimits(() => clock.now())
          for (const turn of turns) {
            const requests = turn.flat()
            const answers = await Promise.all(requests.map((one) => store.spend(one)))
            const expected: LimitAnswer[] = []
            for (const one of gathered(requests)) expected.push(await model.spend(one))
            expect(textOf(answers)).toEqual(textOf(expected))
            await clock.advance(300)
          }
          await store.close()
        },
      ),
      { numRuns: 25 },
    )
  }, 60_000)

  it('exactly as many of equal ones are admitted as fit, and each is told what is used after it', async () => {
    const rules = parseLimits([{ name: 'hour', limit: 10, windowMs: 3_600_000 }])
    const seen = counted(made.client as IoredisClient)
    const store = redisLimits({ client: seen.client, prefix: 'equal:' })
    const spend = () =>
      store.spend({ workspaceId: 'ws_1', charges: [{ subject: 'key:one', rules, cost: 3 }] })
    await spend()
    const answers = await Promise.all(Array.from({ length: 5 }, spend))
    expect(answers.map(({ ok, meters }) => [ok, meters[0]!.used])).toEqual([
      [true, 6],
      [true, 9],
      [false, 9],
      [false, 9],
      [false, 9],
    ])
    expect(answers[4]!.meters[0]!.retryAt).toBe(answers[4]!.meters[0]!.resetAt)
    expect(seen.calls).toBe(2)
  })

  it('goes in one call for any workspaces, a call each where the server keeps them apart', async () => {
    const rules = parseLimits([{ name: 'hour', limit: 10, windowMs: 3_600_000 }])
    const flood = async (client: IoredisClient) => {
      const seen = counted(client)
      const store = redisLimits({ client: seen.client, prefix: 'apart:', timeoutMs: 10_000 })
      const turn = () =>
        Promise.all(
          Array.from({ length: 12 }, (_, i) =>
            store.spend({ workspaceId: `ws_${i % 4}`, charges: [{ subject: 'key:one', rules, cost: 1 }] }),
          ),
        )
      const first = await turn()
      const calls = [seen.calls]
      const second = await turn()
      calls.push(seen.calls - calls[0]!)
      expect(first.concat(second).every(({ ok }) => ok)).toBe(true)
      expect(second.at(-1)!.meters[0]!.used).toBe(6)
      return calls
    }
    expect(await flood(made.client as IoredisClient)).toEqual([1, 1])
    // A client that knows of no cluster, at a server that is all of one.
    const own = await startRedis({ cluster: true })
    const client = new Redis(ioredisAddress(own))
    client.on('error', () => undefined)
    await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    while (!String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    expect(await flood(client)).toEqual([5, 4])
    client.disconnect()
    await own.stop()
  })

  it('keeps its own end while a bucket lasts, and the next bucket moves it', async () => {
    const rules = parseLimits([{ name: 'minute', limit: 1_000, windowMs: 60_000 }])
    const store = redisLimits({ client: made.client, prefix: 'end:' })
    const spend = () =>
      store.spend({ workspaceId: 'ws_1', charges: [{ subject: 'key:one', rules, cost: 1 }] })
    const goneAt = async () => Number(await made.command('PEXPIRETIME', 'end:{aws_1}:key:one'))
    const seen = new Set<number>()
    for (let i = 0; i < 40; i++) {
      const { meters } = await spend()
      const at = await goneAt()
      seen.add(at)
      expect(at).toBeGreaterThanOrEqual(meters[0]!.resetAt)
      expect(at).toBeLessThan(meters[0]!.resetAt + 2_000)
    }
    expect(seen.size).toBeLessThan(40)
  })
})
