import { describe, expect, it } from 'vitest'
import { admin, createWorld, dayMs, host, hourMs, makeKey, outcome, refusal } from './fixture.js'
import type { World } from './fixture.js'
import { stores } from './stores.js'

const input = { name: 'CI', scopes: ['contacts:write'], metadata: { a: 1 } } as const

describe.each(stores)('creating under an idempotency key on the %s store', (_, store) => {
  const create = (world: World, idempotencyKey = 'once', given: object = input, actor = admin) =>
    world.keys.create(actor, given as typeof input, { idempotencyKey })

  it('makes one key, and answers a repetition without the secret', async () => {
    const world = await createWorld({ store })
    const first = await create(world)
    expect(first.secret).toMatch(/^tp_live_/)
    const second = await create(world, 'once', {
      ...input,
      scopes: ['contacts:read', 'contacts:write'],
      name: 'CI ',
    })
    expect(second).toEqual({ key: first.key, secret: null, webhookSecret: null, repeated: true })
    expect(await world.events()).toHaveLength(1)
  })

  it('refuses another input under the same key, whatever differs', async () => {
    const world = await createWorld({ store })
    await create(world)
    const now = world.clock.now()
    for (const other of [
      { name: 'CJ' },
      { scopes: ['contacts:read'] },
      { environment: 'test' },
      { expiresAt: now + dayMs },
      { notBefore: now + dayMs },
      { addressRules: ['192.0.2.1'] },
      { metadata: {} },
    ]) {
      await refusal(create(world, 'once', { ...input, ...other }), 'idempotency_mismatch')
    }
    await refusal(create(world, 'once', { name: 'CI', mode: 'full' }), 'idempotency_mismatch')
    expect((await world.keys.list(admin)).keys).toHaveLength(1)
  })

  it('belongs to one actor of one workspace: no two claims share their bytes', async () => {
    const world = await createWorld({ store })
    const user = (id: string, workspaceId: string) =>
      ({ type: 'user', id, workspaceId, role: 'admin' }) as const
    const ids = []
    for (const [actor, key] of [
      [user('a', 'ws'), 'k'],
      [user('a', 'w'), 'sk'],
      [user('a', 'ws'), 'k1'],
      [user('ak', 'ws'), 'k'],
      [user('a', 'wsuser:a'), 'k'],
      [user('4:user', 'ws'), 'k'],
      [host, 'k'],
    ] as const) {
      ids.push((await create(world, key, input, actor as typeof admin)).key.id)
    }
    expect(new Set(ids).size).toBe(7)
  })

  it('makes one key of many concurrent repetitions, also at the plan’s maximum', async () => {
    const world = await createWorld({ store })
    world.plan.maxKeys = 1
    const made = await Promise.all(Array.from({ length: 20 }, () => create(world)))
    expect(made.filter(({ repeated }) => !repeated)).toHaveLength(1)
    expect(new Set(made.map(({ key }) => key.id)).size).toBe(1)
    expect(await world.events()).toHaveLength(1)
  })

  it('repeats whatever has changed since: times, plan, rights', async () => {
    const world = await createWorld({ store, members: { ann: { role: 'admin', scopes: 'full' } } })
    world.plan.maxKeys = 1
    const short = { ...input, expiresAt: world.clock.now() + hourMs }
    const { key } = await create(world, 'once', short)
    await world.clock.advance(2 * hourMs)
    world.plan.access = false
    world.members.set('ann', { role: 'admin', scopes: [] })
    expect((await create(world, 'once', short)).key.id).toBe(key.id)
  })

  it('is forgotten after 24 hours, to the millisecond, whether or not it was purged', async () => {
    const world = await createWorld({ store })
    const { key } = await create(world)
    await world.clock.advance(dayMs - 1)
    expect((await create(world)).repeated).toBe(true)
    await world.clock.advance(1)
    const again = await create(world, 'once', { ...input, name: 'another' })
    expect(again.repeated).toBe(false)
    expect(again.key.id).not.toBe(key.id)
    expect((await create(world, 'once', { ...input, name: 'another' })).repeated).toBe(true)
    await world.clock.advance(dayMs)
    const made = await Promise.all([create(world), create(world), create(world)])
    expect(made.filter(({ repeated }) => !repeated)).toHaveLength(1)
  })

  it('does not make a key anew that has been deleted since', async () => {
    const world = await createWorld({ store })
    const { key } = await create(world)
    await world.keys.delete(admin, key.id)
    await refusal(create(world), 'not_found')
  })

  it('is not used up by a creation that was refused', async () => {
    const world = await createWorld({ store })
    world.plan.maxKeys = 0
    await refusal(create(world), 'key_limit_reached')
    world.plan.maxKeys = 1
    expect((await create(world)).repeated).toBe(false)
  })

  it('has to be one line of at most 255 characters', async () => {
    const world = await createWorld({ store })
    for (const bad of ['', 'a\nb', '\ud800', 'x'.repeat(256), 1, null, ['k'], {}]) {
      await refusal(create(world, bad as string), 'input_invalid')
    }
    expect(await outcome(makeKey(world))).toBe('ok')
  })
})

it('refuses an answer to another claim than the one it asked about', async () => {
  const world = await createWorld()
  const create = () => world.keys.create(admin, input, { idempotencyKey: 'once' })
  await create()
  const { findIdempotency } = world.store
  world.store.findIdempotency = async (id) => ({ ...(await findIdempotency(id))!, workspaceId: 'other' })
  await refusal(create(), 'store_unavailable')
})
