import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { redisLimits } from '../../src/stores/redis.js'
import { limitStoreSuite } from '../../src/testing/limit-store-suite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { LimitStoreUnderTest } from '../../src/testing/suite/limit-case.js'
import { describeOn } from '../servers/on-server.js'
import { clientMakers, clientNames } from './redis-clients.js'
import type { MadeClient } from './redis-clients.js'

/** The suite asks for order, not for haste. */
const timeoutMs = 15_000

describeOn('redis', 'redisLimits', (server) => {
  const cases = limitStoreSuite()
  let made = 0

  it('is asked enough', () => expect(cases.length).toBeGreaterThan(20))

  for (const name of clientNames) {
    describe(`keeps its promises through ${name}`, () => {
      let one: MadeClient
      let other: MadeClient
      beforeAll(async () => {
        const address = await server.createDatabase()
        ;[one, other] = [clientMakers[name](address), clientMakers[name](address)]
      })
      afterAll(() => [one, other].forEach((client) => client.end()))

      function make(): LimitStoreUnderTest {
        made += 1
        const clock = manualClock()
        const options = { prefix: `t${made}:`, clock, timeoutMs }
        const store = redisLimits({ client: one.client, ...options })
        return {
          store,
          clock,
          another: () => redisLimits({ client: other.client, ...options }),
          dispose: () => void store.close(),
        }
      }

      for (const { name: promise, run } of cases) it(promise, () => run(make))
    })
  }
})
