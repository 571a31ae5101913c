import { describe, expect, it } from 'vitest'
import { KeyrungError } from '../../../src/core/errors.js'
import type { Store } from '../../../src/ports/store.js'
import { mostAttempts } from '../../../src/service/keys/commit.js'
import { admin, createWorld, makeKey, outcome, refusal } from './fixture.js'
import type { World } from './fixture.js'
import { stores } from './stores.js'

const down = (): never => {
  throw new KeyrungError('store_unavailable')
}

const verbs = {
  create: (world: World) => makeKey(world),
  edit: (world: World, id: string) =>
    world.keys.edit(admin, id, { scopes: ['contacts:read'] }, { version: 1 }),
  rotate: (world: World, id: string) => world.keys.rotate(admin, id),
  revoke: (world: World, id: string) => world.keys.revoke(admin, id),
  delete: (world: World, id: string) => world.keys.delete(admin, id),
} as const

describe.each(stores)('when the %s store fails', (_, make) => {
  it.each(Object.entries(verbs))('%s leaves neither change nor event', async (_verb, call) => {
    const world = await createWorld({ store: make })
    const { key, secret } = await makeKey(world)
    const { commit } = world.store
    Object.assign(world.store, { commit: down })
    await refusal(call(world, key.id), 'store_unavailable')
    Object.assign(world.store, { commit })
    expect(await world.keys.get(admin, key.id)).toEqual(key)
    expect((await world.keys.list(admin)).keys).toHaveLength(1)
    expect(await world.events()).toHaveLength(1)
    expect(await world.works(secret)).toBe(true)
    expect(world.settled).toBe(0)
  })

  it.each(Object.entries(verbs))('%s says so, even if the change was made', async (_verb, call) => {
    const world = await createWorld({ store: make })
    const { key } = await makeKey(world)
    const { commit } = world.store
    Object.assign(world.store, {
      commit: async (...args: Parameters<Store['commit']>) => {
        await commit(...args)
        down()
      },
    })
    await refusal(call(world, key.id), 'store_unavailable')
    expect(await world.events()).toHaveLength(2)
  })

  it.each(['findKey', 'listKeys', 'findIdempotency', 'countSecrets'] as const)(
    'refuses what needs %s',
    async (query) => {
      const world = await createWorld({ store: make })
      const { key } = await makeKey(world)
      Object.assign(world.store, { [query]: down })
      const input = { name: 'k', scopes: ['users:read'] } as const
      const codes = [
        await outcome(world.keys.get(admin, key.id)),
        await outcome(world.keys.list(admin)),
        await outcome(world.keys.create(admin, input, { idempotencyKey: 'i' })),
        await outcome(world.keys.countBySecret()),
      ]
      expect(codes.filter((code) => code !== 'ok')).toEqual(['store_unavailable'])
    },
  )
})

describe('a store that answers wrongly', () => {
  it.each([
    ['another key', { id: 'key_01kdvdna00eghac9743k59tpyt' }],
    ['another workspace’s key', { workspaceId: 'other' }],
  ])('with %s is not believed', async (_, wrong) => {
    const world = await createWorld()
    const { key } = await makeKey(world)
    const { findKey, listKeys } = world.store
    Object.assign(world.store, {
      findKey: async (...args: Parameters<Store['findKey']>) => {
        const row = (await findKey(...args))!
        return { ...row, key: { ...row.key, ...wrong } }
      },
      listKeys: async (...args: Parameters<Store['listKeys']>) => {
        const rows = await listKeys(...args)
        return rows.map((row) => ({ ...row, key: { ...row.key, ...wrong } }))
      },
    })
    const error = await refusal(world.keys.get(admin, key.id), 'store_unavailable')
    expect(error.internal).toMatch(/key/)
    if (!('id' in wrong)) await refusal(world.keys.list(admin), 'store_unavailable')
    await refusal(world.keys.revoke(admin, key.id), 'store_unavailable')
  })

  it.each([
    ['metadata cut off', { metadata: '{"a":' }],
    ['metadata that is a list', { metadata: '[]' }],
    ['metadata that is null', { metadata: 'null' }],
    ['limits that are none', { limits: '[{"name":7}]' }],
    ['a webhook that is none', { webhook: '{"url":7}' }],
  ])('with %s shows the rest of the key, which can still be revoked', async (_, wrong) => {
    const world = await createWorld()
    const { key } = await makeKey(world)
    const { findKey } = world.store
    Object.assign(world.store, {
      findKey: async (...args: Parameters<Store['findKey']>) => {
        const row = (await findKey(...args))!
        return { ...row, key: { ...row.key, ...wrong } }
      },
    })
    expect(await world.keys.get(admin, key.id)).toMatchObject({ metadata: {}, limits: null, webhook: null })
    expect((await world.keys.revoke(admin, key.id)).status).toBe('revoked')
  })

  it('about which change failed is not believed', async () => {
    const world = await createWorld()
    Object.assign(world.store, { commit: () => ({ ok: false, failed: 99, why: 'version' }) })
    await refusal(makeKey(world), 'store_unavailable')
  })

  it('and lets nobody win is given up on', async () => {
    const world = await createWorld()
    const { key } = await makeKey(world)
    let commits = 0
    Object.assign(world.store, { commit: () => (commits++, { ok: false, failed: 0, why: 'version' }) })
    await refusal(world.keys.revoke(admin, key.id), 'store_unavailable')
    await refusal(world.keys.delete(admin, key.id), 'store_unavailable')
    expect(commits).toBe(2 * mostAttempts)
    await refusal(world.keys.rotate(admin, key.id), 'conflict')
  })

  it('and forgets a key between reading and writing makes it not found', async () => {
    for (const call of [
      (world: World, id: string) => world.keys.edit(admin, id, { name: 'x' }, { version: 1 }),
      (world: World, id: string) => world.keys.rotate(admin, id),
      (world: World, id: string) => world.keys.revoke(admin, id),
    ]) {
      const world = await createWorld()
      const { key } = await makeKey(world)
      const { commit } = world.store
      Object.assign(world.store, {
        commit: async (...args: Parameters<Store['commit']>) => {
          Object.assign(world.store, { commit })
          await world.keys.delete(admin, key.id)
          return commit(...args)
        },
      })
      await refusal(call(world, key.id), 'not_found')
    }
    const world = await createWorld()
    const { key } = await makeKey(world)
    await world.keys.revoke(admin, key.id)
    const { commit } = world.store
    Object.assign(world.store, {
      commit: async (...args: Parameters<Store['commit']>) => {
        Object.assign(world.store, { commit })
        await world.keys.delete(admin, key.id)
        return commit(...args)
      },
    })
    await refusal(world.keys.activate(admin, key.id), 'not_found')
  })
})
