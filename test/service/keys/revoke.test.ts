import { describe, expect, it } from 'vitest'
import { admin, createWorld, host, hourMs, makeKey, refusal } from './fixture.js'
import { stores } from './stores.js'

describe.each(stores)('revoking a key on the %s store', (_, store) => {
  it('ends it at once, with who, when and why, and keeps it listed', async () => {
    const world = await createWorld({ store })
    const { key, secret } = await makeKey(world)
    await world.clock.advance(hourMs)
    const now = world.clock.now()
    const after = await world.keys.revoke(admin, key.id, { reason: ' leaked ' }, { requestId: 'r1' })
    expect(after).toMatchObject({
      status: 'revoked',
      revokedAt: now,
      revokedBy: 'user:ann',
      revokedReason: 'leaked',
      version: 2,
      updatedAt: now,
    })
    expect(await world.keys.get(admin, key.id)).toEqual(after)
    expect(await world.works(secret)).toBe(false)
    expect(world.settled).toBe(1)
    expect((await world.keys.list(admin, { status: 'revoked' })).keys).toEqual([after])
    expect(await world.event('key.revoked')).toMatchObject({
      action: 'key.revoked',
      reason: 'leaked',
      requestId: 'r1',
      before: { status: 'active' },
      after: { status: 'revoked' },
    })
  })

  it('leaves a revoked key as it is, with its first reason, and still waits until that holds', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    const first = await world.keys.revoke(admin, key.id, { reason: 'first' })
    const second = await world.keys.revoke(host, key.id, { reason: 'second' })
    expect(second).toEqual(first)
    expect(await world.events()).toHaveLength(2)
    expect(world.settled).toBe(2)
  })

  it('frees a place in the plan, once', async () => {
    const world = await createWorld({ store })
    world.plan.maxKeys = 1
    const { key } = await makeKey(world)
    await refusal(makeKey(world), 'key_limit_reached')
    await world.keys.revoke(admin, key.id)
    await world.keys.revoke(admin, key.id)
    await makeKey(world)
    await refusal(makeKey(world), 'key_limit_reached')
  })

  it('needs no plan and no rights of one’s own', async () => {
    const world = await createWorld({ store, members: { ann: { role: 'admin', scopes: 'full' } } })
    const { key } = await makeKey(world, { mode: 'full', scopes: undefined })
    world.members.set('ann', { role: 'admin', scopes: [] })
    world.plan.access = false
    expect((await world.keys.revoke(admin, key.id)).status).toBe('revoked')
  })

  it('refuses a reason that is no single line of at most 500 characters', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    for (const reason of ['a\nb', 'a\u2028b', '\u202eabc', '\ud800', 'x'.repeat(501), 7, null, {}]) {
      await refusal(world.keys.revoke(admin, key.id, { reason } as never), 'input_invalid')
    }
    expect((await world.keys.revoke(admin, key.id, { reason: '💥'.repeat(500) })).status).toBe('revoked')
  })
})

describe.each(stores)('activating a key on the %s store', (_, store) => {
  it('puts a revoked key back to work and forgets why it was revoked', async () => {
    const world = await createWorld({ store })
    const { key, secret } = await makeKey(world)
    await world.keys.revoke(admin, key.id, { reason: 'holiday' })
    const after = await world.keys.activate(admin, key.id, { reason: 'back' }, { requestId: 'r2' })
    expect(after).toEqual({ ...key, version: 3 })
    expect(await world.works(secret)).toBe(true)
    expect(world.settled).toBe(2)
    expect(await world.event('key.activated')).toMatchObject({
      action: 'key.activated',
      reason: 'back',
      requestId: 'r2',
    })
  })

  it('leaves an active key as it is', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    expect(await world.keys.activate(admin, key.id)).toEqual(key)
    expect(await world.events()).toHaveLength(1)
  })

  it('stays within the plan: its number of keys, and its access', async () => {
    const world = await createWorld({ store })
    world.plan.maxKeys = 1
    const { key } = await makeKey(world)
    await world.keys.revoke(admin, key.id)
    await makeKey(world)
    await refusal(world.keys.activate(admin, key.id), 'key_limit_reached')
    world.plan.maxKeys = null
    world.plan.access = false
    await refusal(world.keys.activate(admin, key.id), 'not_entitled')
    expect((await world.keys.get(admin, key.id)).status).toBe('revoked')
  })

  it('activates an expired key, which stays expired', async () => {
    const world = await createWorld({ store })
    const { key, secret } = await makeKey(world, { expiresAt: world.clock.now() + 1 })
    await world.keys.revoke(admin, key.id)
    await world.clock.advance(1)
    expect((await world.keys.activate(admin, key.id)).status).toBe('expired')
    expect(await world.works(secret)).toBe(false)
  })
})
