import { describe, expect, it } from 'vitest'
import type { Actor, UserActor } from '../../../src/core/actor.js'
import { admin, createWorld, dayMs, hourMs, makeKey, outcome, refusal } from './fixture.js'
import type { World } from './fixture.js'
import { stores } from './stores.js'
import type { MakeStore } from './stores.js'

const bob: UserActor = { type: 'user', id: 'bob', workspaceId: 'ws', role: 'whatever the caller says' }

/** A workspace whose directory lets bob manage with these rights, beside ann who has all. */
async function withBob(store: MakeStore, scopes: 'full' | string[]): Promise<World> {
  const members = { ann: { role: 'admin', scopes: 'full' }, bob: { role: 'admin', scopes } } as const
  return await createWorld({ store, members })
}

describe.each(stores)('what a user may hand out on the %s store', (_, store) => {
  it('is what the directory says now: nothing above it is created', async () => {
    const world = await withBob(store, ['contacts:write', 'email:read'])
    const create = (input: object) => outcome(world.keys.create(bob, { name: 'k', ...input } as never))
    expect(await create({ scopes: ['contacts:write'] })).toBe('ok')
    expect(await create({ scopes: ['contacts:read', 'email:read'] })).toBe('ok')
    expect(await create({ scopes: ['contacts:delete-approval'] })).toBe('beyond_own_rights')
    expect(await create({ scopes: ['contacts:write', 'users:read'] })).toBe('beyond_own_rights')
    expect(await create({ mode: 'full' })).toBe('beyond_own_rights')
    world.members.set('bob', { role: 'admin', scopes: ['contacts:read'] })
    expect(await create({ scopes: ['contacts:write'] })).toBe('beyond_own_rights')
    world.members.delete('bob')
    expect(await create({ scopes: ['contacts:read'] })).toBe('forbidden')
  })

  it('is nothing for who is no member any more by the time it is asked about', async () => {
    const members = { ann: { role: 'admin', scopes: 'full' } } as const
    const settings = { canManage: () => world.members.delete('ann') }
    const world: World = await createWorld({ store, members, settings })
    await refusal(makeKey(world), 'forbidden')
  })

  it('is not full access because every scope is held: that grows with the catalogue', async () => {
    const everything = ['contacts:delete', 'email:send', 'forms:delete', 'forms:send', 'users:read']
    const world = await withBob(store, everything)
    expect(await outcome(world.keys.create(bob, { name: 'k', mode: 'full' }))).toBe('beyond_own_rights')
    world.members.set('bob', { role: 'admin', scopes: 'full' })
    expect(await outcome(world.keys.create(bob, { name: 'k', mode: 'full' }))).toBe('ok')
  })

  it('covers neither renewing nor reactivating a key above it', async () => {
    const world = await withBob(store, ['contacts:read'])
    const { key } = await makeKey(world)
    await refusal(world.keys.rotate(bob, key.id), 'beyond_own_rights')
    await world.keys.revoke(bob, key.id)
    await refusal(world.keys.activate(bob, key.id), 'beyond_own_rights')
    expect((await world.keys.get(admin, key.id)).status).toBe('revoked')
    await world.keys.delete(bob, key.id)
  })

  it('covers no key with a scope this instance cannot judge', async () => {
    const world = await withBob(store, ['contacts:write'])
    const { key } = await makeKey(world)
    const set = { scopes: 'contacts:write invoices:read' }
    await world.store.commit([{ do: 'update', type: 'key', id: key.id, expectVersion: 1, set }])
    await refusal(world.keys.rotate(bob, key.id), 'beyond_own_rights')
    expect(await outcome(world.keys.rotate(admin, key.id))).toBe('ok')
  })

  it.each([
    ['raises a scope', {}, { scopes: ['contacts:delete'] }],
    ['adds a scope', {}, { scopes: ['contacts:write', 'users:read'] }],
    ['switches to full access', {}, { mode: 'full' }],
    ['takes an expiry away', { expiresAt: 1 }, { expiresAt: null }],
    ['puts an expiry off', { expiresAt: 1 }, { expiresAt: 2 }],
    ['takes a beginning away', { notBefore: 2 }, { notBefore: null }],
    ['begins earlier', { notBefore: 2 }, { notBefore: 1 }],
    ['takes an allow-list away', { addressRules: ['192.0.2.1'] }, { addressRules: [] }],
    ['widens an allow-list', { addressRules: ['192.0.2.0/25'] }, { addressRules: ['192.0.2.0/24'] }],
    ['adds an address', { addressRules: ['192.0.2.1'] }, { addressRules: ['192.0.2.1', '192.0.2.2'] }],
    ['exchanges an address', { addressRules: ['192.0.2.1'] }, { addressRules: ['2001:db8::1'] }],
    ['changes the owner', { ownerId: 'ann' }, { ownerId: 'bob' }],
    ['removes the owner', { ownerId: 'ann' }, { ownerId: null }],
    ['widens beside narrowing', {}, { scopes: ['contacts:read', 'users:read'], expiresAt: 2 }],
  ])('covers no edit that %s', async (_, made, change) => {
    const world = await withBob(store, [])
    const { key } = await makeKey(world, inTime(world, made))
    const edit = (actor: Actor) =>
      world.keys.edit(actor, key.id, inTime(world, change) as never, { version: 1 })
    await refusal(edit(bob), 'beyond_own_rights')
    expect(await world.keys.get(admin, key.id)).toEqual(key)
    expect(await world.events()).toHaveLength(1)
    expect((await edit(admin)).version).toBe(2)
  })

  it.each([
    ['renames', {}, { name: 'other' }],
    ['changes metadata', {}, { metadata: { a: 1 } }],
    ['lowers a scope', {}, { scopes: ['contacts:write-approval'] }],
    ['takes all scopes away', {}, { scopes: [] }],
    ['ends full access', { mode: 'full', scopes: undefined }, { scopes: ['users:read', 'contacts:delete'] }],
    ['sets an expiry', {}, { expiresAt: 1 }],
    ['brings an expiry forward', { expiresAt: 2 }, { expiresAt: 1 }],
    ['sets a beginning', {}, { notBefore: 1 }],
    ['begins later', { notBefore: 1 }, { notBefore: 2 }],
    ['sets an allow-list', {}, { addressRules: ['192.0.2.1'] }],
    ['narrows an allow-list', { addressRules: ['192.0.2.0/24'] }, { addressRules: ['192.0.2.128/25'] }],
    ['sets an owner', {}, { ownerId: 'ann' }],
  ])('is not asked for by an edit that only %s', async (_, made, change) => {
    const world = await withBob(store, [])
    const { key } = await makeKey(world, inTime(world, made))
    const after = await world.keys.edit(bob, key.id, inTime(world, change) as never, { version: 1 })
    expect(after.version).toBe(2)
  })
})

/** Turns small numbers of days into instants. */
function inTime<T extends object>(world: World, fields: T): T {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'number' ? world.clock.now() + value * dayMs : (value as unknown),
    ]),
  ) as T
}

describe.each(stores)('an owner on the %s store', (_, store) => {
  it('has to be a member of the workspace now', async () => {
    const world = await withBob(store, [])
    for (const ownerId of ['stranger', 'zoe']) {
      const error = await refusal(makeKey(world, { ownerId }), 'input_invalid')
      expect(error.faults.map((fault) => fault.path)).toEqual(['ownerId'])
    }
    const { key } = await makeKey(world, { ownerId: 'bob' })
    expect(key.ownerId).toBe('bob')
    world.members.delete('bob')
    // What is not changed is not looked up again.
    expect(
      (await world.keys.edit(admin, key.id, { name: 'x', ownerId: 'bob' }, { version: 1 })).version,
    ).toBe(2)
  })

  it('cannot be set where no directory could look it up', async () => {
    const world = await createWorld({ store })
    await refusal(makeKey(world, { ownerId: 'bob' }), 'input_invalid')
    const { key } = await makeKey(world, { ownerId: null })
    await refusal(world.keys.edit(admin, key.id, { ownerId: 'bob' }, { version: 1 }), 'input_invalid')
  })
})

describe.each(stores)('a key that may manage keys on the %s store', (_, store) => {
  const settings = { canManage: () => true }
  const members = {
    ann: { role: 'admin', scopes: 'full' },
    bob: { role: 'x', scopes: ['contacts:read'] },
  } as const

  async function keyed(input: Record<string, unknown> = {}, grace?: number) {
    const world = await createWorld({ store, settings, members })
    const { key, secret } = await makeKey(world, input)
    if (grace !== undefined) await world.keys.rotate(admin, key.id, { graceMs: grace })
    return { world, key, secret, actor: await world.principal(secret) }
  }

  it('manages nothing by default', async () => {
    const world = await createWorld({ store })
    const { key, secret } = await makeKey(world, { mode: 'full', scopes: undefined })
    const actor = await world.principal(secret)
    await refusal(world.keys.create(actor, { name: 'k', scopes: ['users:read'] }), 'forbidden')
    await refusal(world.keys.list(actor), 'forbidden')
    await refusal(world.keys.get(actor, key.id), 'forbidden')
    await refusal(world.keys.edit(actor, key.id, { name: 'k' }, { version: 1 }), 'forbidden')
    await refusal(world.keys.rotate(actor, key.id), 'forbidden')
    await refusal(world.keys.revoke(actor, key.id), 'forbidden')
    await refusal(world.keys.delete(actor, key.id), 'forbidden')
  })

  it('hands out its own scopes and no more', async () => {
    const { world, actor, key } = await keyed({ scopes: ['contacts:write', 'users:read'] })
    const { key: child } = await world.keys.create(actor, { name: 'child', scopes: ['contacts:read'] })
    expect(child.createdBy).toBe(`key:${key.id}`)
    await refusal(world.keys.create(actor, { name: 'k', scopes: ['contacts:delete'] }), 'beyond_own_rights')
    await refusal(world.keys.create(actor, { name: 'k', mode: 'full' }), 'beyond_own_rights')
  })

  it('is capped by its owner and by the plan, as they are now', async () => {
    const { world, actor } = await keyed({ scopes: ['contacts:write'], ownerId: 'bob' })
    const create = (scope: string) =>
      outcome(world.keys.create(actor, { name: 'k', scopes: [scope], ownerId: 'bob' } as never))
    expect(await create('contacts:write')).toBe('beyond_own_rights')
    expect(await create('contacts:read')).toBe('ok')
    world.plan.ceiling = ['users:read']
    expect(await create('contacts:read')).toBe('not_entitled')
    expect(await create('contacts:write')).toBe('beyond_own_rights')
    world.plan.ceiling = 'full'
    expect(await create('contacts:read')).toBe('ok')
    world.members.delete('bob')
    expect(await create('contacts:read')).not.toBe('ok')
  })

  it('makes, renews and revives nothing in the name of a user who does not own it', async () => {
    const { world, actor } = await keyed({ mode: 'full', scopes: undefined })
    const create = (ownerId: string | null) =>
      outcome(world.keys.create(actor, { name: 'k', scopes: ['contacts:read'], ownerId }))
    expect(await create(null)).toBe('ok')
    for (const ownerId of ['ann', 'bob']) {
      expect(await create(ownerId)).toBe('beyond_own_rights')
      const { key } = await makeKey(world, { scopes: ['contacts:read'], ownerId })
      await refusal(world.keys.rotate(actor, key.id), 'beyond_own_rights')
      await world.keys.revoke(admin, key.id)
      await refusal(world.keys.activate(actor, key.id), 'beyond_own_rights')
    }
  })

  it('with full access in a workspace whose plan has a ceiling cannot hand out full access', async () => {
    const { world, actor } = await keyed({ mode: 'full', scopes: undefined })
    expect(await outcome(world.keys.create(actor, { name: 'k', mode: 'full' }))).toBe('ok')
    world.plan.ceiling = ['contacts:delete']
    const error = await refusal(world.keys.create(actor, { name: 'k', mode: 'full' }), 'not_entitled')
    expect(error.message).toBe("The workspace's plan does not include Full Access.")
  })

  it('is told by name what the plan does not include, whatever it does to a key', async () => {
    const { world, actor, key } = await keyed({ mode: 'full', scopes: undefined })
    const { key: wide } = await makeKey(world, { scopes: ['contacts:write', 'email:send', 'users:read'] })
    const { key: narrow } = await makeKey(world, { scopes: ['contacts:read'] })
    const { key: revoked } = await makeKey(world, { scopes: ['email:send'] })
    await world.keys.revoke(admin, revoked.id)
    world.plan.ceiling = ['contacts:read', 'users:read']
    const told = async (call: Promise<unknown>) => (await refusal(call, 'not_entitled')).message
    const text = (lacking: string) => `The workspace's plan does not include ${lacking}.`
    const create = world.keys.create(actor, { name: 'k', scopes: ['contacts:write', 'email:send'] })
    expect(await told(create)).toBe(text('contacts:write, email:send'))
    const edit = world.keys.edit(actor, narrow.id, { scopes: ['contacts:write'] }, { version: 1 })
    expect(await told(edit)).toBe(text('contacts:write'))
    expect(await told(world.keys.rotate(actor, wide.id))).toBe(text('contacts:write, email:send'))
    expect(await told(world.keys.rotate(actor, key.id))).toBe(text('Full Access'))
    expect(await told(world.keys.activate(actor, revoked.id))).toBe(text('email:send'))
  })

  it('makes no key that lives longer, reaches from elsewhere, or has another owner or environment', async () => {
    const { world, key, secret } = await keyed({
      expiresAt: 1_767_225_600_000 + dayMs,
      notBefore: 1_767_225_600_000,
      addressRules: ['192.0.2.0/24'],
      ownerId: 'bob',
      scopes: ['contacts:read'],
    })
    const actor = await world.principal(secret, '192.0.2.9')
    const like = {
      name: 'k',
      scopes: ['contacts:read'],
      expiresAt: key.expiresAt,
      addressRules: ['192.0.2.7'],
      ownerId: 'bob',
    }
    const create = (input: object) => outcome(world.keys.create(actor, { ...like, ...input } as never))
    expect(await create({})).toBe('ok')
    expect(await create({ expiresAt: key.expiresAt! + 1 })).toBe('beyond_own_rights')
    expect(await create({ expiresAt: null })).toBe('beyond_own_rights')
    expect(await create({ addressRules: [] })).toBe('beyond_own_rights')
    expect(await create({ addressRules: ['198.51.100.1'] })).toBe('beyond_own_rights')
    expect(await create({ ownerId: null })).toBe('beyond_own_rights')
    expect(await create({ ownerId: 'ann' })).toBe('beyond_own_rights')
    expect(await create({ environment: 'test' })).toBe('beyond_own_rights')
  })

  it('never raises itself', async () => {
    const { world, actor, key } = await keyed({ expiresAt: 1_767_225_600_000 + dayMs })
    const edit = (input: object, version: number) =>
      outcome(world.keys.edit(actor, key.id, input as never, { version }))
    for (const raise of [
      { scopes: ['contacts:delete'] },
      { scopes: ['contacts:write', 'users:read'] },
      { mode: 'full' },
      { expiresAt: null },
      { expiresAt: key.expiresAt! + 1 },
    ]) {
      expect(await edit(raise, 1)).toBe('beyond_own_rights')
    }
    expect(await edit({ scopes: ['contacts:read'] }, 1)).toBe('ok')
    expect(await edit({ scopes: ['contacts:write'] }, 2)).toBe('beyond_own_rights')
    expect(await outcome(world.keys.rotate(actor, key.id))).toBe('ok')
  })

  it('does not outlive its grace period by rotating itself or making another', async () => {
    const { world, actor, key } = await keyed({}, hourMs)
    await refusal(world.keys.rotate(actor, key.id), 'beyond_own_rights')
    const child = { name: 'k', scopes: ['contacts:read'] } as const
    await refusal(world.keys.create(actor, child), 'beyond_own_rights')
    const until = world.clock.now() + hourMs
    expect(await outcome(world.keys.create(actor, { ...child, expiresAt: until }))).toBe('ok')
  })

  it('is looked up now: what it could do when it was let in does not count', async () => {
    const { world, actor, key } = await keyed({ scopes: ['contacts:write'] })
    await world.keys.edit(admin, key.id, { scopes: ['contacts:read'] }, { version: 1 })
    await refusal(world.keys.create(actor, { name: 'k', scopes: ['contacts:write'] }), 'beyond_own_rights')
    await world.keys.revoke(admin, key.id)
    expect(await outcome(world.keys.create(actor, { name: 'k', scopes: ['contacts:read'] }))).not.toBe('ok')
    await world.keys.delete(admin, key.id)
    expect(await outcome(world.keys.create(actor, { name: 'k', scopes: ['contacts:read'] }))).not.toBe('ok')
  })

  /** Lets something happen right before a store is called for the nth time. */
  function before(
    world: World,
    call: 'commit' | 'findCredentialById',
    nth: number,
    happen: () => Promise<unknown>,
  ) {
    const original = world.store[call] as (arg: unknown) => unknown
    let calls = 0
    Object.assign(world.store, {
      [call]: async (arg: unknown) => {
        if (++calls === nth) await happen()
        return original(arg)
      },
    })
  }

  it.each([
    ['revoked', 'key_revoked', (world: World, id: string) => world.keys.revoke(admin, id)],
    ['deleted', 'credential_invalid', (world: World, id: string) => world.keys.delete(admin, id)],
    ['expired', 'key_expired', (world: World) => world.clock.advance(dayMs)],
  ])('hands out nothing if it is %s right after it was admitted', async (_, code, end) => {
    const expiresAt = 1_767_225_600_000 + dayMs
    const { world, actor, key } = await keyed({ expiresAt })
    before(world, 'findCredentialById', 2, () => end(world, key.id))
    const child = { name: 'k', scopes: ['contacts:read'], expiresAt } as const
    await refusal(world.keys.create(actor, child), code as never)
  })

  it('renews nothing if it is narrowed before the commit', async () => {
    const { world, actor, key } = await keyed()
    const { key: other } = await makeKey(world)
    before(world, 'commit', 1, () =>
      world.keys.edit(admin, key.id, { scopes: ['contacts:read'] }, { version: 1 }),
    )
    await refusal(world.keys.rotate(actor, other.id), 'conflict')
    expect((await world.keys.get(admin, other.id)).version).toBe(1)
  })

  it('hands out nothing without a plan, or with an owner nobody can look up', async () => {
    const { world, actor } = await keyed()
    const { key } = await makeKey(world, { scopes: ['users:read'] })
    world.plan.access = false
    const edit = () => world.keys.edit(actor, key.id, { scopes: ['contacts:read'] }, { version: 1 })
    await refusal(edit(), 'not_entitled')
    const owned = await keyed({ ownerId: 'bob', scopes: ['contacts:read'] })
    Object.assign(owned.world.context.rights, { hasDirectory: false })
    const child = { name: 'k', scopes: ['contacts:read'] } as const
    await refusal(owned.world.keys.create(owned.actor, child), 'beyond_own_rights')
  })

  it('hands out nothing if it is changed before the commit', async () => {
    const { world, actor, key } = await keyed()
    before(world, 'commit', 1, () => world.keys.revoke(admin, key.id))
    await refusal(world.keys.create(actor, { name: 'k', scopes: ['contacts:write'] }), 'conflict')
    expect((await world.keys.list(admin)).keys).toHaveLength(1)
  })
})
