import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Store } from '../../../src/ports/store.js'
import type { KeyView } from '../../../src/service/keys/view.js'
import type { ManualClock } from '../../../src/testing/manual-clock.js'
import { admin, createWorld, dayMs, makeKey, outcome } from './fixture.js'
import type { World } from './fixture.js'
import { stores } from './stores.js'
import type { MakeStore } from './stores.js'

/** Lets every call to a store take time on its way there and back, as a network does. */
function latent(store: Store, clock: ManualClock, delays: readonly number[]): Store {
  let call = 0
  const delay = (): Promise<void> => clock.sleep(delays[call++ % delays.length]!)
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]): Promise<unknown> => {
        await delay()
        const answer: unknown = await Reflect.apply(value, target, args)
        await delay()
        return answer
      }
    },
  })
}

/** A world with a key in it, whose store answers late from then on. */
async function racing(
  make: MakeStore,
  delays: readonly number[],
  prepare?: (world: World) => Promise<unknown>,
) {
  let calm = true
  const world = await createWorld({
    async store(clock) {
      const store = await make(clock)
      const slow = latent(store, clock, delays)
      return new Proxy(store, { get: (target, name) => Reflect.get(calm ? target : slow, name) as unknown })
    },
  })
  const { key, secret } = await makeKey(world)
  await prepare?.(world)
  const { version } = await world.keys.get(admin, key.id)
  calm = false

  /** Runs calls at once, and the clock until all are done. */
  async function race(...calls: Promise<unknown>[]): Promise<string[]> {
    const running = new Set(calls)
    const outcomes = calls.map((call) => outcome(call).finally(() => running.delete(call)))
    while (running.size > 0) await world.clock.advance(1)
    calm = true
    return Promise.all(outcomes)
  }

  return { world, key, secret, version, race }
}

const full = process.env['KEYRUNG_PROOF'] === 'full'

/** How long the calls to a store take, one after the other. */
const delays = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 12 })

async function check(property: (delays: readonly number[]) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(delays, property), { numRuns: full ? 500 : 12 })
}

/** How often a word comes up. */
const count = (words: readonly string[], word: string): number => words.filter((one) => one === word).length

describe.each(stores)('at the same time on the %s store', (_, make) => {
  it('two rotations give one successor; the other is told conflict', async () => {
    await check(async (delays) => {
      const { world, key, race } = await racing(make, [5, ...delays])
      const rotate = () => world.keys.rotate(admin, key.id, { graceMs: dayMs })
      const codes = await race(rotate(), rotate())
      // One that began when the other was done is a second rotation in its own right.
      const { version, secrets } = await world.keys.get(admin, key.id)
      expect(version).toBe(1 + count(codes, 'ok'))
      expect(count(codes, 'ok') + count(codes, 'conflict')).toBe(2)
      expect(secrets).toHaveLength(2)
      expect((await world.events()).filter(({ action }) => action === 'key.rotated')).toHaveLength(
        count(codes, 'ok'),
      )
    })
  })

  it('two rotations that read the same key have exactly one winner', async () => {
    const { world, key, race } = await racing(make, [1])
    const codes = await race(world.keys.rotate(admin, key.id), world.keys.rotate(admin, key.id))
    expect(codes.sort()).toEqual(['conflict', 'ok'])
  })

  it('two edits of one version have exactly one winner, and nothing of the other’s', async () => {
    await check(async (delays) => {
      const { world, key, race } = await racing(make, delays)
      const codes = await race(
        world.keys.edit(admin, key.id, { name: 'one', scopes: ['contacts:read'] }, { version: 1 }),
        world.keys.edit(admin, key.id, { name: 'two', metadata: { two: true } }, { version: 1 }),
      )
      expect([...codes].sort()).toEqual(['conflict', 'ok'])
      const after = await world.keys.get(admin, key.id)
      const won = (({ name, scopes, metadata, version }: KeyView) => ({ name, scopes, metadata, version }))(
        after,
      )
      expect(won).toEqual(
        codes[0] === 'ok'
          ? { name: 'one', scopes: ['contacts:read'], metadata: {}, version: 2 }
          : { name: 'two', scopes: ['contacts:write'], metadata: { two: true }, version: 2 },
      )
      expect(await world.event('key.edited')).toMatchObject({ after: { name: won.name } })
    })
  })

  it('a revocation wins against any number of edits and rotations', async () => {
    await check(async (delays) => {
      const { world, key, secret, race } = await racing(make, delays)
      const edit = (version: number) => world.keys.edit(admin, key.id, { name: `v${version}` }, { version })
      const [revoked, ...others] = await race(
        world.keys.revoke(admin, key.id, { reason: 'leaked' }),
        edit(1),
        edit(2),
        world.keys.rotate(admin, key.id),
        edit(3),
      )
      expect(revoked).toBe('ok')
      expect(others.filter((code) => !['ok', 'conflict', 'key_not_active'].includes(code))).toEqual([])
      const after = await world.keys.get(admin, key.id)
      expect(after).toMatchObject({ status: 'revoked', revokedReason: 'leaked' })
      expect(after.version).toBe(2 + count(others, 'ok'))
      expect(await world.works(secret)).toBe(false)
    })
  })

  it('of many revocations one is made, and all return', async () => {
    await check(async (delays) => {
      const { world, key, race } = await racing(make, delays)
      const revoke = (reason: string) => world.keys.revoke(admin, key.id, { reason })
      expect(await race(revoke('a'), revoke('b'), revoke('c'))).toEqual(['ok', 'ok', 'ok'])
      const { reason } = await world.event('key.revoked')
      expect((await world.keys.get(admin, key.id)).revokedReason).toBe(reason)
      expect(world.settled).toBe(3)
    })
  })

  it('a deletion wins against edits, rotations and revocations, and nothing comes back', async () => {
    await check(async (delays) => {
      const { world, key, secret, race } = await racing(make, delays)
      const [deleted, ...others] = await race(
        world.keys.delete(admin, key.id),
        world.keys.edit(admin, key.id, { name: 'x' }, { version: 1 }),
        world.keys.rotate(admin, key.id),
        world.keys.revoke(admin, key.id),
      )
      expect(deleted).toBe('ok')
      expect(
        others.filter((code) => !['ok', 'conflict', 'not_found', 'key_not_active'].includes(code)),
      ).toEqual([])
      expect(await outcome(world.keys.get(admin, key.id))).toBe('not_found')
      expect(await world.credential(secret)).toBeUndefined()
      expect((await world.keys.countBySecret()).size).toBe(0)
      world.plan.maxKeys = 1
      expect(await outcome(makeKey(world))).toBe('ok')
    })
  })

  it('of two deletions one is made; the other finds nothing', async () => {
    await check(async (delays) => {
      const { world, key, race } = await racing(make, delays)
      const codes = await race(world.keys.delete(admin, key.id), world.keys.delete(admin, key.id))
      expect(codes.sort()).toEqual(['not_found', 'ok'])
      await world.event('key.deleted')
    })
  })

  it('activations and revocations leave one state, its events, and the right number of active keys', async () => {
    await check(async (delays) => {
      const { world, key, race } = await racing(make, delays, async (calm) => {
        const [{ id }] = (await calm.keys.list(admin)).keys as [KeyView]
        await calm.keys.revoke(admin, id)
      })
      world.plan.maxKeys = 1
      const activate = () => world.keys.activate(admin, key.id)
      const [first, second, revoked] = await race(activate(), activate(), world.keys.revoke(admin, key.id))
      expect([first, second].filter((code) => !['ok', 'conflict'].includes(code!))).toEqual([])
      expect(revoked).toBe('ok')
      const { status, version } = await world.keys.get(admin, key.id)
      const events = (await world.events()).map(({ action }) => action)
      expect(version).toBe(events.length)
      const isActive = count(events, 'key.activated') === count(events, 'key.revoked')
      expect(status).toBe(isActive ? 'active' : 'revoked')
      expect(await outcome(makeKey(world))).toBe(isActive ? 'key_limit_reached' : 'ok')
    })
  })

  it('creations and activations stay within the plan’s maximum', async () => {
    await check(async (delays) => {
      const { world, key, race } = await racing(make, delays, async (calm) => {
        const [{ id }] = (await calm.keys.list(admin)).keys as [KeyView]
        await calm.keys.revoke(admin, id)
      })
      world.plan.maxKeys = 2
      const codes = await race(
        world.keys.activate(admin, key.id),
        ...Array.from({ length: 8 }, () => makeKey(world)),
      )
      expect(count(codes, 'ok')).toBe(2)
      expect(count(codes, 'key_limit_reached')).toBe(7)
      expect((await world.keys.list(admin, { status: 'active' })).keys).toHaveLength(2)
    })
  })

  it('keys that expired use up nothing, and one that is made valid again counts from then on', async () => {
    await check(async (delays) => {
      const { world, key, race } = await racing(make, delays, async (calm) => {
        const [{ id }] = (await calm.keys.list(admin)).keys as [KeyView]
        await calm.keys.edit(admin, id, { expiresAt: calm.clock.now() + 1 }, { version: 1 })
        await calm.clock.advance(1)
      })
      world.plan.maxKeys = 2
      const expiresAt = world.clock.now() + dayMs
      const [revived, ...made] = await race(
        world.keys.edit(admin, key.id, { expiresAt }, { version: 2 }),
        ...Array.from({ length: 4 }, () => makeKey(world)),
      )
      const active = (await world.keys.list(admin, { status: 'active' })).keys.length
      expect(active).toBe(count([revived!, ...made], 'ok'))
      expect(active).toBeLessThanOrEqual(2)
      if (active < 2) expect(await outcome(makeKey(world))).toBe('ok')
      expect(await outcome(makeKey(world))).toBe(active < 2 && active + 1 < 2 ? 'ok' : 'key_limit_reached')
    })
  })

  it('an expiry that comes between reading and writing stops a rotation', async () => {
    const { world, key, race } = await racing(make, [3], (calm) =>
      calm.keys.list(admin).then(async ({ keys: [made] }) => {
        const expiresAt = calm.clock.now() + 8
        await calm.keys.edit(admin, made!.id, { expiresAt }, { version: 1 })
      }),
    )
    // Read after 3 ms while it is valid, written after 9.
    expect(await race(world.keys.rotate(admin, key.id))).toEqual(['key_not_active'])
    expect((await world.keys.get(admin, key.id)).secrets).toHaveLength(1)
  })
})
