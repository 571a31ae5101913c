import { describe, expect, test } from 'vitest'
import { createDemand } from '../../src/core/demand.js'
import { ladders } from '../../src/core/ladder.js'
import { defineCatalog } from '../../src/core/catalog.js'
import type { Actor } from '../../src/core/actor.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { memoryStore } from '../../src/stores/memory.js'
import { failingStore } from '../../src/testing/failing-store.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { admin, catalog, hostSecret, sample } from './sample.js'

const dayMs = 86_400_000
const other: Actor = { type: 'user', id: 'cleo', workspaceId: 'ws_2', role: 'admin' }
const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10)

type Host = ReturnType<typeof sample>['keyrung']

const call = (keyrung: Host, secret: string, ...permissions: string[]) =>
  keyrung.admit(
    { authorization: [`Bearer ${secret}`] },
    createDemand(catalog, permissions as Parameters<typeof createDemand<typeof catalog>>[1]),
  )

const makeKey = (keyrung: Host, scopes: string[] = ['contacts:write-approval', 'email:send']) =>
  keyrung.keys.create(admin, { name: 'Agent', scopes: scopes as never })

describe('the usage of a key', () => {
  test('is told by day, permission and outcome, with sums of calls', async () => {
    const { clock, keyrung } = sample()
    const { key, secret } = await makeKey(keyrung)
    const today = dayOf(clock.now())
    await call(keyrung, secret, 'contacts:read')
    await call(keyrung, secret, 'contacts:read', 'contacts:write')
    await call(keyrung, secret, 'contacts:delete')
    await call(keyrung, secret, 'ai:use')
    await call(keyrung, 'tp_live_nonsense', 'ai:use')
    await clock.advance(dayMs)
    await call(keyrung, secret, 'email:send')
    expect((await keyrung.state()).recorder.waitingUsage).toBe(5)
    await keyrung.tick()
    expect((await keyrung.state()).recorder).toMatchObject({ waitingUsage: 0, lostUsage: 0 })

    const next = dayOf(clock.now())
    const usage = await keyrung.keys.usage(admin, key.id)
    expect(usage).toEqual({
      from: dayOf(clock.now() - 29 * dayMs),
      to: next,
      totals: { allow: 2, approval: 1, deny: 2, limited: 0 },
      days: [
        { day: today, allow: 1, approval: 1, deny: 2, limited: 0 },
        { day: next, allow: 1, approval: 0, deny: 0, limited: 0 },
      ],
      rows: [
        { day: today, permission: 'ai:use', outcome: 'deny', calls: 1 },
        { day: today, permission: 'contacts:delete', outcome: 'deny', calls: 1 },
        { day: today, permission: 'contacts:read', outcome: 'allow', calls: 1 },
        { day: today, permission: 'contacts:read', outcome: 'approval', calls: 1 },
        { day: today, permission: 'contacts:write', outcome: 'approval', calls: 1 },
        { day: next, permission: 'email:send', outcome: 'allow', calls: 1 },
      ],
    })
    const first = await keyrung.keys.usage(admin, key.id, { from: today, to: today })
    expect(first).toMatchObject({ from: today, to: today, totals: { allow: 1 } })
    expect(first.days).toHaveLength(1)
    expect(await keyrung.usage(admin)).toEqual(usage)
    expect((await keyrung.usage(other)).rows).toEqual([])
  })

  test('is told with what this instance has just counted', async () => {
    const { keyrung } = sample()
    const { key, secret } = await makeKey(keyrung)
    await call(keyrung, secret, 'contacts:read')
    expect((await keyrung.keys.usage(admin, key.id)).totals.allow).toBe(1)
    await call(keyrung, secret, 'contacts:read')
    expect((await keyrung.keys.advise(admin, key.id)).scopes).toEqual(['contacts:read'])
    expect((await keyrung.usage(admin)).totals.allow).toBe(2)
  })

  test('is written when the host closes', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const { keyrung } = sample({ clock, store: { ...store, close: () => undefined } })
    const { key, secret } = await makeKey(keyrung)
    await call(keyrung, secret, 'contacts:read')
    await keyrung.close()
    const again = sample({ clock, store })
    expect((await again.keyrung.keys.usage(admin, key.id)).totals.allow).toBe(1)
  })

  test('that two instances count adds up', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const [one, two] = [sample({ clock, store }), sample({ clock, store })]
    const { key, secret } = await makeKey(one.keyrung)
    for (const { keyrung } of [one, two, two]) await call(keyrung, secret, 'contacts:read')
    await Promise.all([one.keyrung.tick(), two.keyrung.tick()])
    expect((await one.keyrung.keys.usage(admin, key.id)).totals.allow).toBe(3)
  })

  test('is gone with the key, and what is written late brings nothing back', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const { keyrung } = sample({ clock, store })
    const { key, secret } = await makeKey(keyrung)
    await call(keyrung, secret, 'contacts:read')
    await keyrung.tick()
    await call(keyrung, secret, 'contacts:read')
    await keyrung.keys.delete(admin, key.id)
    await expect(keyrung.keys.usage(admin, key.id)).rejects.toMatchObject({ code: 'not_found' })
    expect((await keyrung.usage(admin)).totals.allow).toBe(0)
    await keyrung.tick()
    expect((await keyrung.usage(admin)).rows).toEqual([])
    expect((await keyrung.state()).recorder).toMatchObject({ waitingUsage: 0, lostUsage: 0 })
  })

  test('is kept for its retention, to the day', async () => {
    const { clock, keyrung } = sample({ usage: { retentionDays: 7 } })
    const { key, secret } = await makeKey(keyrung)
    await call(keyrung, secret, 'contacts:read')
    await keyrung.tick()
    await clock.advance(7 * dayMs)
    await keyrung.tick()
    expect((await keyrung.keys.usage(admin, key.id)).totals.allow).toBe(1)
    await clock.advance(dayMs)
    expect(await keyrung.tick()).toMatchObject({ purged: 2, done: true })
    expect((await keyrung.keys.usage(admin, key.id)).totals.allow).toBe(0)
  })

  test('is kept as long as its key where retention is 0', async () => {
    const { clock, keyrung } = sample({ usage: { retentionDays: 0 } })
    const { key, secret } = await makeKey(keyrung)
    const at = clock.now()
    await call(keyrung, secret, 'contacts:read')
    await keyrung.tick()
    await clock.advance(3_000 * dayMs)
    await keyrung.tick()
    const query = { from: dayOf(at), to: dayOf(at) }
    expect((await keyrung.keys.usage(admin, key.id, query)).totals.allow).toBe(1)
  })

  test('is not counted where the host says so, and asking for it says that', async () => {
    const { keyrung } = sample({ usage: false })
    const { key, secret } = await makeKey(keyrung)
    await call(keyrung, secret, 'contacts:read')
    expect((await keyrung.state()).recorder.waitingUsage).toBe(0)
    for (const ask of [
      () => keyrung.keys.usage(admin, key.id),
      () => keyrung.keys.advise(admin, key.id),
      () => keyrung.usage(admin),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'operation_disabled' })
    }
  })

  test('of another workspace is as unknown as an id that never was', async () => {
    const { keyrung } = sample()
    const { key } = await makeKey(keyrung)
    for (const id of [key.id, 'key_01h000000000000000000000zz', 'nonsense', 42 as never]) {
      await expect(keyrung.keys.usage(other, id)).rejects.toMatchObject({ code: 'not_found' })
      await expect(keyrung.keys.advise(other, id)).rejects.toMatchObject({ code: 'not_found' })
    }
  })

  test('is shown to those who may look at keys, and to nobody else', async () => {
    const verbs: string[] = []
    const { keyrung } = sample({
      keys: { prefix: 'tp', canManage: (actor, verb) => (verbs.push(verb), actor.type === 'user') },
    })
    const { key } = await makeKey(keyrung)
    verbs.length = 0
    await keyrung.keys.usage(admin, key.id)
    await keyrung.keys.advise(admin, key.id)
    await keyrung.usage(admin)
    expect(verbs).toEqual(['get', 'get', 'list'])
    const system: Actor = { type: 'system', name: 'job', workspaceId: 'ws_1' }
    await expect(keyrung.keys.usage(system, key.id)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(keyrung.usage(system)).rejects.toMatchObject({ code: 'forbidden' })
  })

  test.each([
    ['from', { from: '2026-02-30' }],
    ['from', { from: 1_767_225_600_000 }],
    ['from', { from: '2026-1-1' }],
    ['from', { from: '1970-01-01' }],
    ['to', { to: '2026-11-22T00:00:00Z' }],
    ['to', { from: '2026-02-02', to: '2026-02-01' }],
    ['from', { from: '2025-01-01', to: '2026-01-02' }],
    ['?', { '\u0000': 1 }],
    ['day', { day: '2026-02-02' }],
    ['', 7],
    ['', null],
  ])('is refused for a wrong %s', async (path, query) => {
    const { keyrung } = sample()
    const { key } = await makeKey(keyrung)
    const refused = { code: 'input_invalid', faults: [{ path }] }
    await expect(keyrung.keys.usage(admin, key.id, query as never)).rejects.toMatchObject(refused)
    await expect(keyrung.usage(admin, query as never)).rejects.toMatchObject(refused)
  })

  test('of a year is told at once', async () => {
    const { keyrung } = sample()
    const { key } = await makeKey(keyrung)
    const query = { from: '2025-01-01', to: '2026-01-01' }
    expect(await keyrung.keys.usage(admin, key.id, query)).toMatchObject(query)
  })

  test('that fills more than an answer is refused, not cut off', async () => {
    const clock = manualClock()
    const row = { day: 20_000, permission: 'contacts:read', outcome: 'allow', calls: 1 } as const
    const findUsage = ({ limit }: { limit: number }) => Array.from({ length: limit }, () => row)
    const { keyrung } = sample({ clock, store: { ...memoryStore({ clock }), findUsage } })
    const { key } = await makeKey(keyrung)
    const refused = (path: string) => ({ code: 'input_invalid', faults: [{ path }] })
    await expect(keyrung.keys.usage(admin, key.id)).rejects.toMatchObject(refused('from'))
    await expect(keyrung.keys.advise(admin, key.id)).rejects.toMatchObject(refused('days'))
  })

  test('never holds a request up, and fails none: a store that hangs or fails is waited for in the back', async () => {
    const clock = manualClock()
    const failing = failingStore(memoryStore({ clock }), { clock })
    const { keyrung } = sample({ clock, store: failing.store })
    const { key, secret } = await makeKey(keyrung)
    failing.trouble('recordUsage', { by: 'reject' })
    expect(await call(keyrung, secret, 'contacts:read')).toMatchObject({ ok: true })
    await keyrung.tick()
    failing.trouble('recordUsage', { by: 'throw' })
    expect(await call(keyrung, secret, 'contacts:read')).toMatchObject({ ok: true })
    await keyrung.tick()
    failing.heal()
    await keyrung.tick()
    expect((await keyrung.keys.usage(admin, key.id)).totals.allow).toBe(2)
  })
})

describe('the options of usage', () => {
  test.each([
    ['usage', true],
    ['usage', 90],
    ['usage.retentionDays', { retentionDays: -1 }],
    ['usage.retentionDays', { retentionDays: 1.5 }],
    ['usage.retentionDays', { retentionDays: 4_000 }],
    ['usage.retentionDays', { retentionDays: '90' }],
    ['usage.retention', { retention: 90 }],
  ])('are refused with their path %s', (path, usage) => {
    expect(() => sample({ usage: usage as never })).toThrow(
      expect.objectContaining({ code: 'config_invalid', faults: [expect.objectContaining({ path })] }),
    )
  })
})

describe('advice', () => {
  test('is the narrowest grant that would have allowed all the key did, and an edit can follow it', async () => {
    const { clock, keyrung } = sample()
    const { key, secret } = await makeKey(keyrung, ['contacts:delete', 'email:send', 'ai:use'])
    await clock.advance(3 * dayMs)
    await call(keyrung, secret, 'contacts:write')
    await call(keyrung, secret, 'email:read', 'contacts:read')
    await keyrung.tick()
    const advice = await keyrung.keys.advise(admin, key.id)
    expect(advice).toEqual({
      from: dayOf(clock.now() - 3 * dayMs),
      to: dayOf(clock.now()),
      version: 1,
      scopes: ['contacts:write', 'email:read'],
      unused: ['ai:use'],
      unknownScopes: [],
      unknownPermissions: [],
      diff: { allowed: [], queued: [], denied: ['contacts:delete', 'email:send', 'ai:use'] },
    })
    const { scopes, version } = advice
    await keyrung.keys.edit(admin, key.id, { scopes }, { version })
    expect(await call(keyrung, secret, 'contacts:write')).toMatchObject({ ok: true })
    expect(await keyrung.keys.advise(admin, key.id)).toMatchObject({
      scopes,
      unused: [],
      diff: { denied: [] },
    })
  })

  test('looks back so many days, today included, and never further than usage is kept', async () => {
    const { clock, keyrung } = sample({ usage: { retentionDays: 10 } })
    const { key, secret } = await makeKey(keyrung, ['contacts:read', 'email:read'])
    await call(keyrung, secret, 'contacts:read')
    await keyrung.tick()
    await clock.advance(2 * dayMs)
    await call(keyrung, secret, 'email:read')
    await keyrung.tick()
    const unused = async (days: number) => (await keyrung.keys.advise(admin, key.id, { days })).unused
    expect(await unused(3)).toEqual([])
    expect(await unused(2)).toEqual(['contacts:read'])
    await clock.advance(20 * dayMs)
    expect(await keyrung.keys.advise(admin, key.id)).toMatchObject({ from: dayOf(clock.now() - 9 * dayMs) })
    for (const days of [0, 11, 1.5, '3', null]) {
      await expect(keyrung.keys.advise(admin, key.id, { days: days as number })).rejects.toMatchObject({
        code: 'input_invalid',
        faults: [{ path: 'days' }],
      })
    }
  })

  test('counts what was refused or limited as not done', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const { keyrung } = sample({ clock, store })
    const { key } = await makeKey(keyrung, ['contacts:write', 'email:read'])
    const day = Math.floor(clock.now() / dayMs)
    await store.recordUsage([
      { keyId: key.id, day, permission: 'contacts:write', outcome: 'limited', calls: 9 },
      { keyId: key.id, day, permission: 'email:read', outcome: 'deny', calls: 9 },
    ])
    expect(await keyrung.keys.advise(admin, key.id)).toMatchObject({ scopes: [] })
  })

  test('of a key with Full Access is the scopes that would do', async () => {
    const { keyrung } = sample()
    const { key, secret } = await keyrung.keys.create(admin, { name: 'All', mode: 'full' })
    await call(keyrung, secret, 'contacts:read')
    await keyrung.tick()
    expect(await keyrung.keys.advise(admin, key.id)).toMatchObject({
      scopes: ['contacts:read'],
      unused: ['ai:use', 'email:send'],
    })
  })

  test('and usage are told by today’s names, and what the catalogue lost is told as lost', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const before = sample({ clock, store })
    const { key, secret } = await makeKey(before.keyrung, ['contacts:write', 'email:send'])
    await call(before.keyrung, secret, 'contacts:read')
    await call(before.keyrung, secret, 'email:send')
    await before.keyrung.tick()
    const renamed = createKeyrung({
      catalog: defineCatalog({
        resources: { people: { ladder: ladders.crud } },
        renamed: { contacts: 'people' },
      }),
      ...{ clock, store, secret: hostSecret, notify: () => undefined },
      keys: { prefix: 'tp', environments: ['live', 'test'] },
    })
    await renamed.admit({ authorization: [`Bearer ${secret}`] }, renamed.demand('people:read'))
    await renamed.tick()
    expect((await renamed.keys.usage(admin, key.id)).rows).toEqual([
      { day: dayOf(clock.now()), permission: 'email:send', outcome: 'allow', calls: 1 },
      { day: dayOf(clock.now()), permission: 'people:read', outcome: 'allow', calls: 2 },
    ])
    expect(await renamed.keys.advise(admin, key.id)).toMatchObject({
      scopes: ['people:read'],
      unused: [],
      unknownScopes: ['email:send'],
      unknownPermissions: ['email:send'],
    })
  })
})
