import { describe, expect, test } from 'vitest'
import { createKeyrung } from '../../../src/service/create-keyrung.js'
import { memoryStore } from '../../../src/stores/memory.js'
import { manualClock } from '../../../src/testing/manual-clock.js'
import { catalog, hostSecret } from '../sample.js'

const leaks = { type: 'system', name: 'leaks' } as const
const host = { ...leaks, workspaceId: 'ws_1' } as const
const refused = (code: string) => expect.objectContaining({ code }) as Error

function open(options: object = {}) {
  const clock = manualClock()
  const store = memoryStore({ clock })
  const keyrung = createKeyrung({
    ...{ catalog, clock, store, secret: hostSecret, notify: () => undefined },
    ...{ keys: { prefix: 'tp', environments: ['live', 'test'] }, ...options },
  })
  const create = (input: object) =>
    keyrung.keys.create(host, { name: 'leaky', scopes: ['contacts:read'], ...input })
  return { clock, store, keyrung, create }
}

type World = ReturnType<typeof open>

describe('a leaked secret leads to its key', () => {
  test.each<[string, object, (world: World, id: string) => unknown, string]>([
    ['that is in force', {}, () => undefined, 'active'],
    ['of another environment', { environment: 'test' }, () => undefined, 'active'],
    ['with an address list', { addressRules: ['192.0.2.0/24'] }, () => undefined, 'active'],
    ['that is not valid yet', { notBefore: 1_800_000_000_000 }, () => undefined, 'not_yet_valid'],
    ['that has expired', { expiresAt: 1_767_225_700_000 }, ({ clock }) => clock.advance(200_000), 'expired'],
    ['that was revoked', {}, ({ keyrung }, id) => keyrung.keys.revoke(host, id), 'revoked'],
    ['in its grace period', {}, ({ keyrung }, id) => keyrung.keys.rotate(host, id), 'active'],
    [
      'that was rotated at once',
      {},
      ({ keyrung }, id) => keyrung.keys.rotate(host, id, { graceMs: 0 }),
      'rotated',
    ],
  ])('%s', async (_, input, change, status) => {
    const world = open()
    const { key, secret } = await world.create(input)
    await change(world, key.id)
    for (const actor of [leaks, host]) {
      expect(await world.keyrung.keys.identify(actor, secret)).toEqual({
        ...{ id: key.id, name: 'leaky', workspaceId: 'ws_1', environment: key.environment, ownerId: null },
        ...{ secretId: key.secrets[0]!.id, status },
      })
    }
  })

  test('under an older secret of the host', async () => {
    const { store, clock, create } = open({ secret: 'an older secret of the host: x7Kq' })
    const { key, secret } = await create({})
    const later = open({ store, clock, secret: [hostSecret, 'an older secret of the host: x7Kq'] })
    expect(await later.keyrung.keys.identify(leaks, secret)).toMatchObject({ id: key.id })
  })

  test('and leaves no trace', async () => {
    const { store, clock, create, keyrung } = open({ secret: 'an older secret of the host: x7Kq' })
    const { key, secret } = await create({})
    const later = open({ store, clock, secret: [hostSecret, 'an older secret of the host: x7Kq'] })
    const counts = await later.keyrung.keys.countBySecret()
    const before = await store.findKey('ws_1', key.id)
    await later.keyrung.keys.identify(leaks, secret)
    await later.keyrung.tick()
    expect(await store.findKey('ws_1', key.id)).toEqual(before)
    expect(await later.keyrung.keys.countBySecret()).toEqual(counts)
    expect((await keyrung.audit.list(host)).events).toHaveLength(1)
    expect((await keyrung.keys.usage(host, key.id)).totals).toMatchObject({ allow: 0, deny: 0 })
  })
})

describe('nothing is found', () => {
  test('of what is no secret of a key', async () => {
    const { keyrung, create } = open()
    const { key, secret } = await create({})
    await keyrung.keys.delete(host, key.id)
    for (const text of [secret, '', 'tp_live_nonsense', key.id, null, undefined, 7, {}, [secret]]) {
      await expect(keyrung.keys.identify(leaks, text as string)).rejects.toEqual(refused('not_found'))
    }
  })

  test('in another workspace than the actor’s own', async () => {
    const { keyrung, create } = open()
    const { secret } = await create({})
    const other = { ...leaks, workspaceId: 'ws_2' }
    await expect(keyrung.keys.identify(other, secret)).rejects.toEqual(refused('not_found'))
  })

  test('by anybody but the host', async () => {
    const { keyrung, create } = open({ keys: { prefix: 'tp', canManage: () => true } })
    const { secret } = await create({})
    const known = await keyrung.authenticate(secret)
    if (!known.ok) throw new Error(known.code)
    const codes: [unknown, string][] = [
      [null, 'actor_missing'],
      [{ type: 'user', id: 'ann', workspaceId: 'ws_1', role: 'admin' }, 'forbidden'],
      [{ type: 'principal', principal: known.principal }, 'forbidden'],
      [{ type: 'user', id: 'ann', role: 'admin' }, 'input_invalid'],
      [{ type: 'system' }, 'input_invalid'],
      [{ type: 'system', name: 'leaks', workspaceId: null }, 'input_invalid'],
      [{ type: 'system', name: 'leaks', workspaceId: '' }, 'input_invalid'],
    ]
    for (const [actor, code] of codes) {
      await expect(keyrung.keys.identify(actor as never, secret)).rejects.toEqual(refused(code))
    }
  })

  test('where the host’s own rule does not let it', async () => {
    const { keyrung, create } = open({
      keys: { prefix: 'tp', canManage: (_: unknown, verb: string) => verb === 'create' },
    })
    const { secret } = await create({})
    await expect(keyrung.keys.identify(leaks, secret)).rejects.toEqual(refused('forbidden'))
  })
})
