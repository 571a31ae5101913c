import { describe, expect, it } from 'vitest'
import type { Actor } from '../../../src/core/actor.js'
import type { KeySettingsOptions, KeyVerb } from '../../../src/service/key-settings.js'
import { admin, createWorld, host, makeKey, otherAdmin, outcome, refusal } from './fixture.js'
import type { World } from './fixture.js'
import { stores } from './stores.js'

/** Every call that is about one key. */
const calls = {
  get: (world: World, actor: Actor, id: string) => world.keys.get(actor, id),
  edit: (world: World, actor: Actor, id: string) => world.keys.edit(actor, id, { name: 'x' }, { version: 1 }),
  rotate: (world: World, actor: Actor, id: string) => world.keys.rotate(actor, id),
  activate: (world: World, actor: Actor, id: string) => world.keys.activate(actor, id),
  revoke: (world: World, actor: Actor, id: string) => world.keys.revoke(actor, id),
  delete: (world: World, actor: Actor, id: string) => world.keys.delete(actor, id),
} as const
const verbs = Object.entries(calls)

const member: Actor = { type: 'user', id: 'mel', workspaceId: 'ws', role: 'member' }

describe.each(stores)('who may do what on the %s store', (_, store) => {
  it.each(verbs)('answers %s alike for a foreign, an unknown and a malformed id', async (_verb, call) => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    const unknown = `${key.id.slice(0, -1)}${key.id.endsWith('0') ? '1' : '0'}`
    const ids = [
      key.id,
      unknown,
      'key_1',
      '',
      key.id.toUpperCase(),
      `${key.id} `,
      '__proto__',
      7,
      null,
      {},
      [key.id],
    ]
    const answers = []
    for (const id of ids) answers.push(await refusal(call(world, otherAdmin, id as string), 'not_found'))
    expect(new Set(answers.map((error) => JSON.stringify(error))).size).toBe(1)
    expect(new Set(answers.map(({ internal }) => internal))).toEqual(new Set([undefined]))
    expect(await world.keys.get(admin, key.id)).toEqual(key)
    expect(await world.events()).toHaveLength(1)
  })

  it.each(verbs)('refuses %s by a member alike, whether or not there is such a key', async (_verb, call) => {
    const world = await createWorld({ store })
    const { key } = await makeKey(world)
    const there = await refusal(call(world, member, key.id), 'forbidden')
    const missing = await refusal(call(world, member, 'key_01kdvdna00eghac9743k59tpyt'), 'forbidden')
    expect(JSON.stringify(there)).toBe(JSON.stringify(missing))
    expect(await world.keys.get(admin, key.id)).toEqual(key)
  })

  it('lets members create and list nothing either', async () => {
    const world = await createWorld({ store })
    await refusal(world.keys.create(member, { name: 'k', mode: 'full' }), 'forbidden')
    await refusal(world.keys.list(member), 'forbidden')
  })

  it('takes the directory’s word for a role, not the caller’s', async () => {
    const world = await createWorld({
      store,
      members: { mel: { role: 'admin', scopes: 'full' }, ann: { role: 'member', scopes: 'full' } },
    })
    expect(await outcome(world.keys.list(member))).toBe('ok')
    await refusal(world.keys.list(admin), 'forbidden')
  })

  it('lets the host itself do everything', async () => {
    const world = await createWorld({ store })
    const { key } = await world.keys.create(host, { name: 'k', mode: 'full' })
    for (const [verb, call] of verbs)
      expect([verb, await outcome(call(world, host, key.id))]).toEqual([verb, 'ok'])
  })

  const broken = [
    null,
    undefined,
    {},
    'ann',
    7,
    [],
    () => admin,
    { ...admin, workspaceId: '' },
    { ...admin, workspaceId: undefined },
    { ...admin, workspaceId: ['ws'] },
    { ...admin, id: '' },
    { ...admin, id: null },
    { ...admin, role: 1 },
    { ...admin, type: 'root' },
    { type: 'system', workspaceId: 'ws' },
    { type: 'principal' },
    { type: 'principal', principal: null },
    { type: 'principal', principal: { workspaceId: 'ws' } },
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap')
        },
      },
    ),
    Object.create(admin, {
      workspaceId: {
        get: () => {
          throw new Error('trap')
        },
      },
    }),
  ]

  it.each(broken.map((actor, i) => [i, actor] as const))(
    'refuses broken actor %i everywhere',
    async (_i, actor) => {
      const world = await createWorld({ store })
      const { key } = await makeKey(world)
      const codes = new Set<string>()
      for (const [, call] of verbs) codes.add(await outcome(call(world, actor as Actor, key.id)))
      codes.add(await outcome(world.keys.list(actor as Actor)))
      codes.add(await outcome(world.keys.create(actor as Actor, { name: 'k', mode: 'full' })))
      expect(codes.size).toBe(1)
      expect(['actor_missing', 'forbidden', 'input_invalid']).toContain([...codes][0])
      expect(await world.keys.get(admin, key.id)).toEqual(key)
    },
  )

  it('shows the host’s own rule the actor, the verb, and the key it is about', async () => {
    const asked: [KeyVerb, string | undefined][] = []
    const settings: KeySettingsOptions = {
      canManage(_actor, verb, key) {
        asked.push([verb, key?.name])
        return key?.name !== 'secret'
      },
    }
    const world = await createWorld({ store, settings })
    const { key } = await makeKey(world)
    await world.keys.list(admin)
    for (const [, call] of verbs) await call(world, admin, key.id)
    expect(asked).toEqual([
      ['create', undefined],
      ['list', undefined],
      ...['get', 'edit'].map((verb) => [verb, 'CI']),
      ...['rotate', 'activate', 'revoke', 'delete'].map((verb) => [verb, 'x']),
    ])
    const { key: hidden } = await makeKey(world, { name: 'secret' })
    await refusal(world.keys.get(admin, hidden.id), 'forbidden')
  })

  it.each([1, 'true', {}, null, undefined, Promise.resolve(1)])(
    'admits by true itself only, not by %s',
    async (answer) => {
      const world = await createWorld({ store, settings: { canManage: () => answer as boolean } })
      await refusal(world.keys.list(admin), 'hook_failed')
    },
  )
})

const presets = {
  editable: { edit: 'ok', rotate: 'ok', revoke: 'ok', activate: 'ok', delete: 'ok' },
  immutable: {
    edit: 'operation_disabled',
    rotate: 'operation_disabled',
    revoke: 'ok',
    activate: 'operation_disabled',
    delete: 'operation_disabled',
  },
} as const

describe.each(Object.entries(presets))('the lifecycle %s', (lifecycle, expected) => {
  it.each(Object.entries(expected))('answers %s with %s', async (verb, code) => {
    const world = await createWorld({ settings: { lifecycle: lifecycle as keyof typeof presets } })
    const { key } = await makeKey(world)
    const call = calls[verb as keyof typeof expected]
    expect(await outcome(call(world, admin, key.id))).toBe(code)
    // Switched off is switched off, whether or not there is such a key.
    if (code !== 'ok') expect(await outcome(call(world, admin, 'key_x'))).toBe(code)
    expect(await outcome(world.keys.get(admin, key.id))).toBe(
      verb === 'delete' && code === 'ok' ? 'not_found' : 'ok',
    )
  })
})

it.each(['edit', 'rotate', 'revoke', 'activate', 'delete'] as const)(
  'switches %s off by itself',
  async (verb) => {
    const world = await createWorld({ settings: { lifecycle: { [verb]: false } } })
    for (const other of ['edit', 'rotate', 'revoke', 'activate', 'delete'] as const) {
      const { key } = await makeKey(world)
      const code = await outcome(calls[other](world, admin, key.id))
      expect([other, code]).toEqual([other, other === verb ? 'operation_disabled' : 'ok'])
    }
  },
)
