import { describe, expect, it } from 'vitest'
import { admin, createWorld, hourMs, makeKey, refusal } from './fixture.js'
import { stores } from './stores.js'

const members = {
  ann: { role: 'admin', scopes: 'full' },
  bob: { role: 'member', scopes: 'full' },
} as const

describe.each(stores)('a user who leaves, on the %s store', (_, store) => {
  it('loses every key, also expired ones, over many pages, and nobody else loses any', async () => {
    const world = await createWorld({ store, members })
    for (let i = 0; i < 205; i++) await makeKey(world, { name: `k${i}`, ownerId: 'bob' })
    await makeKey(world, { ownerId: 'bob', expiresAt: world.clock.now() + hourMs })
    const kept = await makeKey(world, { ownerId: 'ann' })
    const earlier = await makeKey(world, { ownerId: 'bob' })
    await world.keys.revoke(admin, earlier.key.id)
    await world.clock.advance(hourMs)
    expect(await world.keys.revokeAll(admin, { ownerId: 'bob', reason: 'left' })).toEqual({ revoked: 206 })
    expect(await world.keys.revokeAll(admin, { ownerId: 'bob' })).toEqual({ revoked: 0 })
    expect((await world.keys.get(admin, kept.key.id)).status).toBe('active')
    const events = (await world.events()).filter(({ action }) => action === 'key.revoked')
    expect(events).toHaveLength(207)
  })
})

it('refuses what names nobody, and whom the host does not admit', async () => {
  const world = await createWorld({ members, settings: { canManage: (_a, verb) => verb !== 'revoke' } })
  await makeKey(world, { ownerId: 'bob' })
  for (const input of [
    undefined,
    null,
    {},
    { ownerId: '' },
    { ownerId: null },
    { ownerId: 'bob', all: true },
  ]) {
    await refusal(world.keys.revokeAll(admin, input as never), 'input_invalid')
  }
  await refusal(world.keys.revokeAll(admin, { ownerId: 'bob' }), 'forbidden')
})
