import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitRequest } from '../../src/ports/limit-store.js'
import { redisLimits } from '../../src/stores/redis.js'
import { describeOn } from '../servers/on-server.js'
import { startRedis } from '../servers/redis.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { clientMakers, clientNames } from './redis-clients.js'
import type { MadeClient } from './redis-clients.js'

const rules = parseLimits([
  { name: 'hour', limit: 37, windowMs: 3_600_000 },
  { name: 'month', limit: 1_000, calendar: 'month' },
])

function requestOf(workspaceId: string, ...subjects: readonly string[]): LimitRequest {
  return { workspaceId, charges: subjects.map((subject) => ({ subject, rules, cost: 1 })) }
}

/** How often the server was sent each command, by its own statistics. */
async function callsOf(made: MadeClient): Promise<Record<string, number>> {
  const text = String(await made.command('INFO', 'commandstats'))
  return Object.fromEntries(
    [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, calls]) => [name, Number(calls)]),
  )
}

for (const name of clientNames) {
  describeOn('redis', `redisLimits through ${name}`, (server) => {
    let address: DatabaseAddress
    let made: MadeClient
    beforeAll(async () => {
      address = await server.createDatabase()
      made = clientMakers[name](address)
    })
    afterAll(() => made.end())

    it('of 128 at once from 4 clients exactly the limit is admitted', async () => {
      const clients = Array.from({ length: 4 }, () => clientMakers[name](address))
      const stores = clients.map(({ client }) => redisLimits({ client, timeoutMs: 15_000 }))
      const answers = await Promise.all(
        Array.from({ length: 128 }, (_, i) => stores[i % 4]!.spend(requestOf('flood', 'key:one'))),
      )
      expect(answers.filter(({ ok }) => ok).length).toBe(37)
      clients.forEach((client) => client.end())
    })

    it('takes one round trip for all charges of a request, whatever they are', async () => {
      // The statistics are of the whole server, which others use too.
      const own = await startRedis()
      const alone = clientMakers[name](own)
      const store = redisLimits({ client: alone.client, timeoutMs: 10_000 })
      await store.spend(requestOf('ws_1', 'key:one'))
      const before = await callsOf(alone)
      for (let i = 0; i < 50; i++)
        await store.spend(requestOf(`ws_${i % 2}`, 'key:one', 'workspace', 'owner:a'))
      const after = await callsOf(alone)
      expect(after['evalsha']! - before['evalsha']!).toBe(50)
      expect(after['eval'] ?? 0).toBe(before['eval'] ?? 0)
      alone.end()
      await own.stop()
    })

    it('keeps one value a subject, which goes by itself', async () => {
      const store = redisLimits({ client: made.client, prefix: 'kept:' })
      const { meters } = await store.spend(requestOf('ws_1', 'key:one', 'workspace'))
      const keys = (await made.command('KEYS', 'kept:*')) as string[]
      expect(keys.toSorted()).toEqual(['kept:{aws_1}', 'kept:{aws_1}:key:one', 'kept:{aws_1}:workspace'])
      const goneAt = Number(await made.command('PEXPIRETIME', 'kept:{aws_1}:key:one'))
      const last = Math.max(...meters.map(({ resetAt }) => resetAt))
      expect(goneAt).toBeGreaterThanOrEqual(last)
      expect(goneAt).toBeLessThan(last + 2_000)
      expect(Number(await made.command('PTTL', 'kept:{aws_1}'))).toBeLessThan(4 * 3_600_000)
      const looked = redisLimits({ client: made.client, prefix: 'look:' })
      await looked.spend({ workspaceId: 'ws_1', charges: [{ subject: 'key:one', rules, cost: 0 }] })
      expect(await made.command('EXISTS', 'look:{aws_1}:key:one')).toBe(0)
    })

    it('has all keys of a workspace in one slot, whatever the ids are', async () => {
      const ids = ['', '{}', '}{', 'a}b', '{', '%7b', '\ud800', 'ws_1', '🗝', 'x'.repeat(200)]
      for (const [i, id] of ids.entries()) {
        const prefix = `slot${i}:`
        const store = redisLimits({ client: made.client, prefix })
        await store.spend(requestOf(id, ...ids.map((subject) => `s:${subject}`)))
        const keys = (await made.command('KEYS', `${prefix}*`)) as string[]
        expect(keys.length).toBe(ids.length + 1)
        for (const key of keys) expect(key).toMatch(/^slot\d:\{a[^{}]*\}(:[^{}]*)?$/s)
        await store.close()
      }
    })

    it('runs its script by its text where the server has forgotten it', async () => {
      const store = redisLimits({ client: made.client, prefix: 'script:' })
      const { now } = await store.spend(requestOf('ws_1', 'key:one'))
      for (let again = 0; again < 2; again++) {
        await made.command('SCRIPT', 'FLUSH')
        expect((await store.spend(requestOf('ws_1', 'key:one'))).meters[0]!.used).toBe(again + 2)
      }
      await made.command('SCRIPT', 'FLUSH')
      await store.refund({ workspaceId: 'ws_1', subject: 'key:one', rules, units: 3, spentAt: now })
      expect((await store.spend(requestOf('ws_1', 'key:one'))).meters[1]!.used).toBe(1)
    })

    it('answers on the time of the server', async () => {
      const store = redisLimits({ client: made.client })
      const timeOf = async () => {
        const [seconds, micros] = (await made.command('TIME')) as [string, string]
        return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
      }
      const before = await timeOf()
      const { now } = await store.spend(requestOf('time', 'key:one'))
      expect(now).toBeGreaterThanOrEqual(before)
      expect(now).toBeLessThanOrEqual(await timeOf())
    })
  })
}

describe('redisLimits refuses', () => {
  const client = { evalsha: ask, eval: ask, del: ask, on: () => undefined, off: () => undefined }
  function ask(): Promise<unknown> {
    return Promise.reject(new Error('not asked'))
  }
  it.each([
    ['no client', { client: undefined }],
    ['what is no client', { client: { evalsha: ask } }],
    ['a prefix with braces', { client, prefix: 'a{b}:' }],
    ['a prefix that is no text', { client, prefix: 7 }],
    ['a time-out of nothing', { client, timeoutMs: 0 }],
    ['a time-out that is no number', { client, timeoutMs: Number.NaN }],
  ])('%s', (_, options) => {
    expect(() => redisLimits(options as never)).toThrowError(
      expect.objectContaining({ code: 'config_invalid' }) as Error,
    )
  })
})
