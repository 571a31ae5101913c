import { afterEach, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { LimitStore } from '../../src/ports/limit-store.js'
import { redisLimits } from '../../src/stores/redis.js'
import { describeOn } from '../servers/on-server.js'
import { startRedis } from '../servers/redis.js'
import { clientMakers } from './redis-clients.js'

const minute = parseLimits([{ name: 'minute', limit: 5, windowMs: 60_000 }])

function spend(store: LimitStore, cost: number) {
  return store.spend({ workspaceId: 'ws_1', charges: [{ subject: 'key:one', rules: minute, cost }] })
}

describeOn('redis', 'where the user may not do INFO', () => {
  const endings: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of endings.splice(0).toReversed()) await end()
  })

  /** A server, and a store on it whose user may not ask for the server's run, before and after it was started anew. */
  async function start() {
    const server = await startRedis()
    endings.push(() => server.stop())
    const made = clientMakers.ioredis(server)
    endings.push(() => made.end())
    const forbid = () => made.command('ACL', 'SETUSER', server.user, '-info')
    await forbid()
    await expect(made.command('INFO')).rejects.toThrow('NOPERM')
    const store = redisLimits({ client: made.client, timeoutMs: 10_000 })
    return {
      store,
      save: () => made.command('SAVE'),
      async restart() {
        await server.restart()
        await forbid()
      },
    }
  }

  it('counts as ever, and a server that lost a workspace it has counted for is seen: the window starts full', async () => {
    const { store, restart } = await start()
    expect((await spend(store, 5)).ok).toBe(true)
    expect((await spend(store, 1)).ok).toBe(false)
    await restart()
    expect((await spend(store, 1)).ok).toBe(false)
  })

  it('a server that came back with an older snapshot is not seen: what it knows counts', async () => {
    const { store, restart, save } = await start()
    await spend(store, 2)
    await save()
    await spend(store, 3)
    await restart()
    expect((await spend(store, 0)).meters[0]!.used).toBe(2)
  })
})
