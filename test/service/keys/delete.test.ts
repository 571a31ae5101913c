import { describe, expect, it } from 'vitest'
import { admin, createWorld, dayMs, makeKey, refusal } from './fixture.js'
import { stores } from './stores.js'

describe.each(stores)('deleting a key on the %s store', (_, store) => {
  it('makes the key and its secrets unknown at once; the audit trail keeps id and name', async () => {
    const world = await createWorld({ store })
    const { key, secret: old } = await makeKey(world)
    const { secret } = await world.keys.rotate(admin, key.id, { graceMs: dayMs })
    expect(await world.keys.delete(admin, key.id, { reason: 'gone' }, { requestId: 'r3' })).toBeUndefined()
    expect(world.settled).toBe(2)
    expect([await world.credential(old), await world.credential(secret)]).toEqual([undefined, undefined])
    expect(await world.keys.countBySecret()).toEqual(new Map())
    await refusal(world.keys.get(admin, key.id), 'not_found')
    expect(await world.event('key.deleted')).toMatchObject({
      action: 'key.deleted',
      target: { id: key.id, name: 'CI' },
      reason: 'gone',
      requestId: 'r3',
      before: { name: 'CI' },
      after: null,
    })
  })

  it('finds nothing the second time', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    await world.keys.delete(admin, key.id)
    await refusal(world.keys.delete(admin, key.id), 'not_found')
    expect(await world.events()).toHaveLength(2)
  })

  it('frees a place in the plan for an active key, and none for a revoked one', async () => {
    const world = await createWorld({ store })
    world.plan.maxKeys = 1
    const { key } = await makeKey(world)
    await world.keys.revoke(admin, key.id)
    const { key: second } = await makeKey(world)
    await world.keys.delete(admin, key.id)
    await refusal(makeKey(world), 'key_limit_reached')
    await world.keys.delete(admin, second.id)
    await makeKey(world)
  })

  it('is not undone by a late use of the key', async () => {
    const world = await createWorld({ store })
    const { key, secret } = await makeKey(world)
    await world.keys.delete(admin, key.id)
    await world.store.recordUses([{ keyId: key.id, at: world.clock.now() }])
    await refusal(world.keys.get(admin, key.id), 'not_found')
    expect(await world.credential(secret)).toBeUndefined()
  })
})
