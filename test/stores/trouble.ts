import { expect, test } from 'vitest'
import type { RunServer } from '../servers/on-server.js'
import type { CommitFate } from '../servers/proxy.js'
import { roomy, tight, withHost } from './trouble-host.js'
import type { Times, TroubleKit, TroubledHost } from './trouble-host.js'

/** Waits for what is bound to come, and fails with the test's own time limit. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Everything that goes wrong between a host and its database, on a real one. */
export function describeTrouble(kit: TroubleKit, server: RunServer): void {
  async function on(times: Times, run: (host: TroubledHost) => Promise<void>, max?: number): Promise<void> {
    await withHost(kit, await server.createDatabase(), times, run, max)
  }

  test('an exhausted pool is a 503 in time, writes nothing, and is over when it is', async () => {
    await on(
      tight,
      async ({ pool, request, create, count, secret }) => {
        const giveBack = await pool.take()
        expect(await Promise.all([request(secret), request(secret)])).toEqual([503, 503])
        expect((await create()).refused).toContain('no connection in time')
        giveBack()
        expect(await request(secret)).toBe(200)
        expect(await count()).toBe(1)
        expect(await request((await create()).secret!)).toBe(200)
        expect(await count()).toBe(2)
      },
      1,
    )
  })

  test.each<CommitFate>(['lose-request', 'lose-answer'])(
    'a commit with %s is found out, and there exactly once',
    async (fate) => {
      await on(roomy, async ({ proxy, request, create, count }) => {
        const struck = proxy.strike(fate)
        const made = await create()
        await struck
        expect(made).toEqual({ secret: expect.any(String) })
        expect(await count()).toBe(2)
        expect(await request(made.secret!)).toBe(200)
      })
    },
  )

  test.each<[CommitFate, number]>([
    ['lose-request', 1],
    ['lose-answer', 2],
  ])('a commit with %s is refused where nobody can be asked, and whole or not there', async (fate, left) => {
    await on(tight, async ({ proxy, request, create, count, secret }) => {
      const struck = proxy.strike(fate).then(() => {
        proxy.refuse(true)
        proxy.cut()
      })
      const { refused } = await create()
      await struck
      expect(refused).toContain('its outcome could not be found out')
      expect(await request(secret)).toBe(503)
      expect(await count()).toBe(left)
      proxy.refuse(false)
      expect(await request(secret)).toBe(200)
      expect(await create()).toEqual({ secret: expect.any(String) })
      expect(await count()).toBe(left + 1)
    })
  })

  test('a commit that is held on its way never lands once it was said not to have', async () => {
    await on(tight, async ({ proxy, pool, keyrung, create, count }) => {
      const struck = proxy.strike('hold-request')
      const { refused } = await create()
      await struck
      expect(refused?.includes('could not be found out')).toBe(kit.holdsMarker)
      expect(await count()).toBe(1)
      await keyrung.close()
      await pool.end()
      proxy.release()
      await until(() => proxy.open === 0)
      // Where it could not be known it may have come to pass, but whole.
      const there = await count()
      if (!kit.holdsMarker) expect(there).toBe(1)
    })
  })

  test('an answer that never comes is a refusal in time, and the outcome is found out', async () => {
    await on(tight, async ({ proxy, request, create, count, secret }) => {
      const struck = proxy.strike('hold-answer')
      const made = await create()
      await struck
      expect(await request(made.secret!)).toBe(200)
      expect(await count()).toBe(2)
      proxy.stall()
      expect(await request(secret)).toBe(503)
      expect((await create()).refused).toBeDefined()
      proxy.release()
      expect(await request(secret)).toBe(200)
      expect(await count()).toBe(2)
    })
  })

  test('a locked table is a 503 in time, and what was given up on is not written later', async () => {
    await on(tight, async ({ administrator, request, create, count, secret }) => {
      const unlock = await administrator.lock('keyrung_keys')
      expect(await request(secret)).toBe(503)
      expect((await create()).refused).toBeDefined()
      await unlock()
      expect(await request(secret)).toBe(200)
      expect(await create()).toEqual({ secret: expect.any(String) })
      expect(await count()).toBe(2)
    })
  })

  test('connections that the server has ended while they lay idle are passed over', async () => {
    await on(roomy, async ({ administrator, pool, request, create, count, secret }) => {
      const taken = await Promise.all([pool.take(), pool.take()])
      for (const giveBack of taken) giveBack()
      await administrator.endOthers()
      expect(await request(secret)).toBe(200)
      await administrator.endOthers()
      expect(await create()).toEqual({ secret: expect.any(String) })
      expect(await count()).toBe(2)
    })
  })

  test('connections that are refused are a 503, until they are not', async () => {
    await on(tight, async ({ proxy, request, create, count, secret }) => {
      proxy.refuse(true)
      proxy.cut()
      expect(await request(secret)).toBe(503)
      expect((await create()).refused).toBeDefined()
      proxy.refuse(false)
      expect(await request(secret)).toBe(200)
      expect(await count()).toBe(1)
    })
  })

  test('a server that crashes and comes back is met again without a restart, with nothing half-written', async () => {
    const own = await kit.start()
    try {
      await withHost(kit, await own.createDatabase(), roomy, async ({ request, create, count, secret }) => {
        const crowd = Array.from({ length: 24 }, () => create())
        // In the middle of it: some are done, none of the others is.
        await Promise.race(crowd)
        await own.kill()
        expect(await request(secret)).toBe(503)
        const told = await Promise.all(crowd)
        await own.restart()
        await until(async () => (await request(secret)) === 200)
        const made = told.flatMap((one) => one.secret ?? [])
        for (const one of made) expect(await request(one)).toBe(200)
        const there = await count()
        expect(there).toBeGreaterThan(made.length)
        expect(await create()).toEqual({ secret: expect.any(String) })
        expect(await count()).toBe(there + 1)
      })
    } finally {
      await own.stop()
    }
  })
}
