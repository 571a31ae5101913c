import { describe, expect, it } from 'vitest'
import { admin, createWorld, dayMs, hourMs, makeKey, refusal } from './fixture.js'
import { stores } from './stores.js'

describe.each(stores)('editing a key on the %s store', (_, store) => {
  it('changes what is named and nothing else', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world, { metadata: { a: 1 }, addressRules: ['192.0.2.1'] })
    await world.clock.advance(hourMs)
    const after = await world.keys.edit(admin, key.id, { name: 'Deploy' }, { version: 1, requestId: 'r' })
    expect(after).toEqual({ ...key, name: 'Deploy', version: 2, updatedAt: world.clock.now() })
    expect(await world.keys.get(admin, key.id)).toEqual(after)
    expect(await world.event('key.edited')).toMatchObject({
      action: 'key.edited',
      requestId: 'r',
      before: { name: 'CI' },
      after: { name: 'Deploy' },
    })
    expect((await world.keys.list(admin, { text: 'deploy' })).keys).toHaveLength(1)
  })

  it('changes every field that can be edited', async () => {
    const world = await createWorld({
      store,
      members: { ann: { role: 'admin', scopes: 'full' }, bob: { role: 'x', scopes: [] } },
    })
    const { key } = await makeKey(world)
    const now = world.clock.now()
    const change = {
      name: 'All',
      scopes: ['email:read', 'users:read'],
      expiresAt: now + dayMs,
      notBefore: now + hourMs,
      addressRules: ['2001:db8::/32'],
      metadata: { deep: [{ b: null }] },
      ownerId: 'bob',
    } as const
    const after = await world.keys.edit(admin, key.id, change, { version: 1 })
    expect(after).toMatchObject(change)
    const none = { expiresAt: null, notBefore: null, addressRules: [], metadata: {}, ownerId: null }
    const back = await world.keys.edit(admin, key.id, { ...none, mode: 'full' }, { version: 2 })
    expect(back).toMatchObject({ ...none, mode: 'full', scopes: [] })
  })

  it('waits out what changes a right, and not a name or metadata', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    await world.keys.edit(admin, key.id, { name: 'b', metadata: { x: 1 } }, { version: 1 })
    expect(world.settled).toBe(0)
    await world.keys.edit(admin, key.id, { scopes: ['contacts:read'] }, { version: 2 })
    expect(world.settled).toBe(1)
  })

  it('does nothing at all where nothing changes', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    const same = {
      name: ' CI ',
      scopes: ['contacts:write', 'contacts:read'],
      metadata: {},
      expiresAt: null,
    } as const
    expect(await world.keys.edit(admin, key.id, same, { version: 1 })).toEqual(key)
    expect(await world.keys.edit(admin, key.id, {}, { version: 1 })).toEqual(key)
    expect(await world.events()).toHaveLength(1)
    expect(world.settled).toBe(0)
  })

  it('demands the version it starts from, and refuses a stale one', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    const edit = (options: unknown) => world.keys.edit(admin, key.id, { name: 'x' }, options as never)
    for (const options of [undefined, {}, { version: undefined }]) {
      const { message } = await refusal(edit(options), 'version_required')
      expect(message).toBe('Say which version you are changing: pass { version }, as the key was read.')
    }
    for (const version of [0, -1, 1.5, NaN, Infinity, '1', null, [1]]) {
      await refusal(edit({ version }), 'input_invalid')
    }
    await edit({ version: 1 })
    await refusal(edit({ version: 1 }), 'conflict')
    await refusal(edit({ version: 3 }), 'conflict')
    expect((await world.keys.get(admin, key.id)).version).toBe(2)
  })

  it('keeps scopes this instance does not know unless scopes are named', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    await world.store.commit([
      {
        do: 'update',
        type: 'key',
        id: key.id,
        expectVersion: 1,
        set: { scopes: 'contacts:write invoices:read' },
      },
    ])
    const renamed = await world.keys.edit(admin, key.id, { name: 'x' }, { version: 2 })
    expect(renamed).toMatchObject({ scopes: ['contacts:write'], unknownScopes: ['invoices:read'] })
    const narrowed = await world.keys.edit(admin, key.id, { scopes: ['contacts:read'] }, { version: 3 })
    expect(narrowed).toMatchObject({ scopes: ['contacts:read'], unknownScopes: [] })
  })

  it('lets scopes be taken down to none, and switches between the modes only when told how', async () => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    const edit = (input: unknown, version: number) =>
      world.keys.edit(admin, key.id, input as never, { version })
    expect(await edit({ scopes: [] }, 1)).toMatchObject({ mode: 'custom', scopes: [] })
    expect(await edit({ mode: 'full' }, 2)).toMatchObject({ mode: 'full', scopes: [] })
    await refusal(edit({ mode: 'custom' }, 3), 'input_invalid')
    await refusal(edit({ mode: 'full', scopes: ['users:read'] }, 3), 'input_invalid')
    expect(await edit({ scopes: ['users:read'] }, 3)).toMatchObject({
      mode: 'custom',
      scopes: ['users:read'],
    })
    expect(await edit({ mode: 'custom' }, 4)).toMatchObject({ version: 4 })
  })

  it('judges new times by now and by each other', async () => {
    const world = await createWorld({ store })
    const now = world.clock.now()
    const { key } = await makeKey(world, { expiresAt: now + dayMs })
    const edit = (input: object, version: number) => world.keys.edit(admin, key.id, input, { version })
    const paths = async (input: object) =>
      (await refusal(edit(input, 1), 'input_invalid')).faults.map((fault) => fault.path)
    expect(await paths({ expiresAt: now })).toEqual(['expiresAt'])
    expect(await paths({ notBefore: now + dayMs })).toEqual(['notBefore'])
    expect(await paths({ expiresAt: now + 1, notBefore: now + 1 })).toEqual(['notBefore'])
    await world.clock.advance(2 * dayMs)
    // The key has expired: what does not touch its times can still be edited.
    await edit({ name: 'old', notBefore: now + 1 }, 1)
    expect((await edit({ expiresAt: now + 3 * dayMs }, 2)).expiresAt).toBe(now + 3 * dayMs)
  })
})
