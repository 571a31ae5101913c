import { describe, expect, it } from 'vitest'
import { readHostSecrets } from '../../../src/crypto/host-secret.js'
import { createPeppers } from '../../../src/crypto/pepper.js'
import type { CredentialRow } from '../../../src/core/key.js'
import { createRenewal } from '../../../src/service/keys/renewal.js'
import { admin, createWorld, dayMs, makeKey } from './fixture.js'
import { stores } from './stores.js'
import type { MakeStore } from './stores.js'

const oldSecret = 'an-old-secret-of-the-host-000000000000'
const newSecret = 'a-new-secret-of-the-host-1111111111111'

/** Every other secret is older than the one that writes. */
const newest = { isOlder: () => Promise.resolve(true) }

/** A key made under the old host secret, and what an instance that has both would find. */
async function underOld(store: MakeStore) {
  const world = await createWorld({ store, peppers: createPeppers(readHostSecrets(oldSecret)) })
  const { key, secret } = await makeKey(world)
  const peppers = createPeppers(readHostSecrets([newSecret, oldSecret]))
  const row = { ...(await world.credential(secret))! }
  const find = () => world.store.findCredential(peppers.current.digest(secret))
  return { world, key, secret, row, context: { store: world.store, peppers }, find }
}

describe.each(stores)('renewing a digest on the %s store', (_, store) => {
  it('replaces the digest of that one secret and nothing of its key', async () => {
    const { world, key, secret, row, context, find } = await underOld(store)
    const { secret: other } = await world.keys.rotate(admin, key.id, { graceMs: dayMs })
    const before = await world.keys.get(admin, key.id)
    const current = { ...(await world.credential(secret))! }
    await createRenewal(context, newest)(current, secret)
    expect((await find())?.secret).toMatchObject({
      id: row.secret.id,
      hostSecretId: context.peppers.current.id,
    })
    expect(await world.credential(secret)).toBeUndefined()
    expect(await world.credential(other)).toBeDefined()
    expect(await world.keys.get(admin, key.id)).toEqual(before)
    expect([...(await world.keys.countBySecret()).values()]).toMatchObject([{ keys: 1 }, { keys: 1 }])
    expect(await world.events()).toHaveLength(2)
  })

  it('leaves a digest alone that is the newest already', async () => {
    const { secret, row, context, find } = await underOld(store)
    await createRenewal(context, newest)(row, secret)
    const renewed = { ...(await find())! }
    await createRenewal(context, newest)(renewed, secret)
    expect((await find())?.secret.version).toBe(2)
  })

  it('never undoes a change that came between, whatever it was', async () => {
    const { world, key, secret, row, context, find } = await underOld(store)
    await world.keys.rotate(admin, key.id, { graceMs: 0 })
    await createRenewal(context, newest)(row, secret)
    expect(await find()).toBeUndefined()
    expect(await world.works(secret)).toBe(false)
    await world.keys.delete(admin, key.id)
    await createRenewal(context, newest)(row, secret)
    expect(await find()).toBeUndefined()
  })

  it('makes a rotation, a revocation and a deletion that meet it try again', async () => {
    for (const verb of ['rotate', 'revoke', 'delete'] as const) {
      const { world, key, secret, row, context, find } = await underOld(store)
      const { commit } = world.store
      Object.assign(world.store, {
        commit: async (...args: Parameters<typeof commit>) => {
          Object.assign(world.store, { commit })
          await createRenewal(context, newest)(row, secret)
          return commit(...args)
        },
      })
      if (verb === 'rotate') await world.keys.rotate(admin, key.id, { graceMs: 0 })
      else await world.keys[verb](admin, key.id)
      const found = await find()
      if (verb === 'delete') expect(found).toBeUndefined()
      else if (verb === 'rotate') expect(found?.secret.endsAt).toBe(0)
      else expect(found?.key.status).toBe('revoked')
    }
  })
})

it.each([
  ['a store that rejects', { commit: () => Promise.reject(new Error('down')) }],
  [
    'a store that throws',
    {
      commit: () => {
        throw new Error('down')
      },
    },
  ],
  ['a store that says no', { commit: () => ({ ok: false, failed: 0, why: 'duplicate' }) }],
])('never fails the use of a key because of %s', async (_, store) => {
  const { row, secret, context } = await underOld((clock) => stores[0]![1](clock))
  const broken = { ...context, store: { ...context.store, ...store } as typeof context.store }
  await expect(createRenewal(broken, newest)(row as CredentialRow, secret)).resolves.toBeUndefined()
})
