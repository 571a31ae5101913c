import { inspect } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { KeyrungError } from '../../src/core/errors.js'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitStore } from '../../src/ports/limit-store.js'
import { redisLimits } from '../../src/stores/redis.js'
import { describeOn } from '../servers/on-server.js'
import { startRedis } from '../servers/redis.js'
import type { RedisOptions } from '../servers/redis.js'
import type { TestServer } from '../servers/test-server.js'
import { clientMakers, clientNames } from './redis-clients.js'
import type { MadeClient } from './redis-clients.js'

const timeoutMs = 500

/** A machine under load may be late, but not by so much. */
const patienceMs = 1_500

const rules = parseLimits([{ name: 'day', limit: 1_000, calendar: 'day' }])

function spend(store: LimitStore, cost = 1) {
  return Promise.resolve(
    store.spend({ workspaceId: 'ws_secret', charges: [{ subject: 'key:secret', rules, cost }] }),
  )
}

/** What a call that has to fail failed with, in time. */
async function failure(call: PromiseLike<unknown> | undefined | void): Promise<KeyrungError> {
  const from = performance.now()
  const error: unknown = await Promise.resolve(call).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(performance.now() - from).toBeLessThan(timeoutMs + patienceMs)
  expect(error).toBeInstanceOf(KeyrungError)
  expect(error).toMatchObject({ code: 'store_unavailable' })
  const text = inspect(error, { showHidden: true }) + JSON.stringify(error)
  expect(text).not.toMatch(/secret|EVALSHA|127\.0\.0\.1/i)
  return error as KeyrungError
}

for (const name of clientNames) {
  describeOn('redis', `redisLimits in trouble, through ${name}`, () => {
    const endings: (() => unknown)[] = []
    afterEach(async () => {
      for (const end of endings.splice(0).toReversed()) await end()
    })

    async function start(options: RedisOptions = {}): Promise<[TestServer, MadeClient]> {
      const server = await startRedis(options)
      const made = clientMakers[name](server)
      endings.push(
        () => server.stop(),
        () => made.end(),
      )
      return [server, made]
    }

    it('says within the time that a server which was killed does not answer, and goes on when it is back', async () => {
      const [server, { client }] = await start({ keepsData: true })
      const store = redisLimits({ client, timeoutMs })
      // On a machine under load what has to succeed is given its time.
      const patient = redisLimits({ client, timeoutMs: 10_000 })
      expect((await spend(patient, 3)).meters[0]!.used).toBe(3)
      await server.kill()
      await failure(spend(store))
      await Promise.all(Array.from({ length: 100 }, () => failure(spend(store, 7))))
      await failure(store.forget('ws_secret', 'key:secret'))
      await failure(
        store.refund({ workspaceId: 'ws_secret', subject: 'key:secret', rules, units: 1, spentAt: 1 }),
      )
      await server.restart()
      // Nothing of what was given up on had waited in the client's queue.
      expect((await spend(patient)).meters[0]!.used).toBe(4)
    })

    it('gives up on a server that is silent, and a late answer harms nobody', async () => {
      const [server, { client }] = await start()
      const store = redisLimits({ client, timeoutMs })
      const patient = redisLimits({ client, timeoutMs: 10_000 })
      await spend(patient)
      server.pause()
      await Promise.all(Array.from({ length: 10 }, () => failure(spend(store))))
      server.resume()
      // Spent after all: it fails closed.
      expect((await spend(patient)).meters[0]!.used).toBe(12)
    })

    it('waits for a client that is still connecting, and no longer than the time', async () => {
      const [server] = await start()
      const early = clientMakers[name](server)
      endings.push(() => early.end())
      expect((await spend(redisLimits({ client: early.client, timeoutMs: 10_000 }))).ok).toBe(true)
      await server.kill()
      const late = clientMakers[name](server)
      endings.push(() => late.end())
      const error = await failure(spend(redisLimits({ client: late.client, timeoutMs })))
      expect(error.internal).toBe('redis: timeout')
    })

    it('fails at once with a client that was closed, and after its own close', async () => {
      const [, made] = await start()
      const [store, closed] = [
        redisLimits({ client: made.client, timeoutMs: 60_000 }),
        redisLimits({ client: made.client, timeoutMs: 60_000 }),
      ]
      await spend(closed)
      await closed.close()
      await closed.close()
      expect((await failure(spend(closed))).internal).toBe('redis: closed')
      expect((await spend(store)).ok).toBe(true)
      made.end()
      await failure(spend(store))
    })

    it('calls what the server refuses by its first word, and spends nothing', async () => {
      const [, made] = await start()
      const store = redisLimits({ client: made.client, timeoutMs: 10_000 })
      await spend(store)
      await made.command('CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction')
      expect((await failure(spend(store))).internal).toMatch(/^redis: (OOM|ERR)$/)
      await made.command('CONFIG', 'SET', 'maxmemory', '0')
      expect((await spend(store, 0)).meters[0]!.used).toBe(1)
    })

    it('what cannot be read fails those who ask about it, and nobody beside them', async () => {
      const [, made] = await start()
      const store = redisLimits({ client: made.client, timeoutMs: 10_000 })
      const key = 'keyrung:limits:{aws_secret}:key:secret'
      const of = (...subjects: readonly string[]) =>
        Promise.resolve(
          store.spend({
            workspaceId: 'ws_secret',
            charges: subjects.map((subject) => ({ subject, rules, cost: 1 })),
          }),
        )
      await of('key:secret')
      const kept = (await made.command('GETRANGE', key, '0', '13')) as string
      expect(kept).toMatch(/^day,/)
      for (const text of ['not what was written', kept, `${kept}|`, `${kept}|${'x'.repeat(400)}`, '']) {
        await made.command('SET', key, text)
        const calls = [of('key:other'), of('workspace', 'key:secret'), of('workspace'), of('key:secret')]
        const settled = await Promise.allSettled(calls)
        expect(settled.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'fulfilled',
          'rejected',
        ])
        await failure(calls[1])
      }
      expect((await of('workspace')).meters[0]!.used).toBe(6)
    })
  })
}

it('lets only so many wait for an answer at a time', async () => {
  let asked = 0
  const silent = () => {
    asked += 1
    return new Promise<never>(() => undefined)
  }
  const client = { evalsha: silent, eval: silent, del: silent, on: () => undefined, off: () => undefined }
  const store = redisLimits({ client, timeoutMs: 500 })
  const calls = Array.from({ length: 10_001 }, () =>
    spend(store).catch((error: KeyrungError) => error.internal),
  )
  expect(await calls.at(-1)).toBe('redis: too many wait for it')
  expect(asked).toBe(0)
  expect(new Set(await Promise.all(calls.slice(0, -1)))).toEqual(new Set(['redis: timeout']))
})

it.each([
  ['nothing', undefined],
  ['a text', 'OK'],
  ['too little', [1, '', 1]],
  ['too much', [1, '', 1, 1, 1]],
  ['no numbers', [1, '', 'x', 'y']],
  ['what is no whole number', [1, '', 1, 1.5]],
  ['more than was asked', [1, '', 2, 2]],
  ['more than was asked, with the rest', [1, '', -4, 2, 2, 0]],
  ['a note that is none', [1, 'so', 1, 1]],
])('an answer of %s is none', async (_, answer) => {
  const reply = () => Promise.resolve(answer)
  const client = { evalsha: reply, eval: reply, del: reply, on: () => undefined, off: () => undefined }
  await failure(spend(redisLimits({ client })))
})
