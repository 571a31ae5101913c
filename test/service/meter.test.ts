import { describe, expect, test } from 'vitest'
import type { Limit } from '../../src/core/limit.js'
import type { KeyrungError } from '../../src/core/errors.js'
import type { Admission } from '../../src/service/admission.js'
import { memoryStore } from '../../src/stores/memory.js'
import { memorySink } from '../../src/sinks/memory.js'
import { createGate } from '../../src/http/gate.js'
import { day, keyOf, metered, minute } from './meter-sample.js'
import { admin, sample } from './sample.js'

const codeOf = (admission: Admission) => (admission.ok ? 'ok' : admission.code)

/** How the limits of an admitted request stand: what is left, by name. */
const leftOf = (admission: Admission) =>
  Object.fromEntries(admission.limits?.meters.map(({ rule, remaining }) => [rule.name, remaining]) ?? [])

describe('whose limits hold', () => {
  test('without any limits nothing is counted, and the store is never asked', async () => {
    const world = metered()
    const { request } = await keyOf(world)
    const admission = await world.keyrung.admit(request, world.keyrung.demand('contacts:read'))
    expect(admission).toMatchObject({ ok: true, limits: null })
    expect(world.limits.requests).toEqual([])
  })

  test("a key's own limit stands before the plan's, and the plan's before the default, name by name", async () => {
    const world = metered({
      defaults: [minute(60), { name: 'hour', limit: 1_000, windowMs: 3_600_000 }, day(9_000)],
      entitlements: { of: () => ({ access: true, limits: [minute(30), day(5_000)] }) },
    })
    const { request } = await keyOf(world, { name: 'a', scopes: ['contacts:read'], limits: [minute(10)] })
    const admission = await world.keyrung.admit(request, world.keyrung.demand('contacts:read'))
    expect(leftOf(admission)).toEqual({ minute: 9, day: 4_999, hour: 999 })
  })

  test('a limit by another name is held beside the defaults', async () => {
    const world = metered({ defaults: [minute(60)] })
    const { request } = await keyOf(world, { name: 'a', scopes: ['contacts:read'], limits: [day(2)] })
    const demand = world.keyrung.demand('contacts:read')
    expect(leftOf(await world.keyrung.admit(request, demand))).toEqual({ minute: 59, day: 1 })
  })

  test('an edited limit holds from the next request on; what was counted stays counted', async () => {
    const world = metered({ defaults: [minute(60)] })
    const { keyrung } = world
    const { id, version, request } = await keyOf(world)
    const demand = keyrung.demand('contacts:read')
    for (let i = 0; i < 5; i++) await keyrung.admit(request, demand)
    const lowered = await keyrung.keys.edit(admin, id, { limits: [minute(5)] }, { version })
    expect(lowered.limits).toEqual([minute(5)])
    expect(codeOf(await keyrung.admit(request, demand))).toBe('limited')
    const raised = await keyrung.keys.edit(admin, id, { limits: [minute(7)] }, { version: lowered.version })
    expect(leftOf(await keyrung.admit(request, demand))).toEqual({ minute: 1 })
    await keyrung.keys.edit(admin, id, { limits: null }, { version: raised.version })
    expect(leftOf(await keyrung.admit(request, demand))).toEqual({ minute: 53 })
  })

  test("a plan's changed limits hold once changed() has returned", async () => {
    let limits: Limit[] = [minute(2)]
    const world = metered({ entitlements: { of: () => ({ access: true, limits }) }, hookLeaseMs: 0 })
    const { keyrung } = world
    const { request } = await keyOf(world)
    const demand = keyrung.demand('contacts:read')
    expect(leftOf(await keyrung.admit(request, demand))).toEqual({ minute: 1 })
    limits = [minute(100)]
    await keyrung.changed({ workspaceId: 'ws_1' })
    expect(leftOf(await keyrung.admit(request, demand))).toEqual({ minute: 98 })
  })

  test('keys of one workspace and of one owner share their limits; other keys have their own', async () => {
    const world = metered({
      defaults: [minute(60)],
      limits: {
        workspace: [{ name: 'workspace', limit: 100, windowMs: 60_000 }],
        owner: [{ name: 'owner', limit: 10, windowMs: 60_000 }],
      },
      directory: { rightsOf: () => ({ role: 'admin', scopes: 'full' }) },
    })
    const { keyrung } = world
    const demand = keyrung.demand('contacts:read')
    const first = await keyOf(world, { name: 'a', scopes: ['contacts:read'], ownerId: 'bob' })
    const second = await keyOf(world, { name: 'b', scopes: ['contacts:read'], ownerId: 'bob' })
    const third = await keyOf(world)
    await keyrung.admit(first.request, demand)
    expect(leftOf(await keyrung.admit(second.request, demand))).toEqual({
      minute: 59,
      owner: 8,
      workspace: 98,
    })
    expect(leftOf(await keyrung.admit(third.request, demand))).toEqual({ minute: 59, workspace: 97 })
  })

  test('an operation with a limit of its own counts it for each key, at its cost', async () => {
    const world = metered({ defaults: [minute(60)] })
    const { keyrung } = world
    const limit = { name: 'exports', limit: 10, windowMs: 3_600_000 }
    const exporting = keyrung.demand('contacts:read', { cost: 5, limit })
    const one = await keyOf(world)
    const other = await keyOf(world)
    await keyrung.admit(one.request, exporting)
    expect(leftOf(await keyrung.admit(one.request, exporting))).toEqual({ minute: 50, exports: 0 })
    expect(codeOf(await keyrung.admit(one.request, exporting))).toBe('limited')
    expect(codeOf(await keyrung.admit(one.request, keyrung.demand('contacts:read')))).toBe('ok')
    expect(leftOf(await keyrung.admit(other.request, exporting))).toEqual({ minute: 55, exports: 5 })
  })

  test('two operations cannot call different limits by one name', () => {
    const { keyrung } = metered()
    keyrung.demand('contacts:read', { limit: { name: 'exports', limit: 10, windowMs: 60_000 } })
    keyrung.demand('ai:use', { limit: { name: 'exports', limit: 10, windowMs: 60_000 } })
    expect(() =>
      keyrung.demand('ai:use', { limit: { name: 'exports', limit: 11, windowMs: 60_000 } }),
    ).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})

describe('what costs what', () => {
  test('allowed, denied, hidden and queued requests cost one each; all of them are in the answer', async () => {
    const world = metered({ defaults: [minute(60)] })
    const { keyrung } = world
    const { request } = await keyOf(world, { name: 'a', scopes: ['contacts:write-approval'] })
    const outcomes: [string, number | undefined][] = []
    for (const permission of ['contacts:read', 'contacts:delete', 'ai:use', 'contacts:write'] as const) {
      const admission = await keyrung.admit(request, keyrung.demand(permission))
      outcomes.push([codeOf(admission), leftOf(admission)['minute']])
    }
    expect(outcomes).toEqual([
      ['ok', 59],
      ['insufficient', 58],
      ['hidden', 57],
      ['approval_required', 56],
    ])
  })

  test('a request beyond a limit is free, names the caller and no decision, and is told when it fits', async () => {
    const sink = memorySink()
    const world = metered({ defaults: [minute(2), day(100)], sinks: [sink] })
    const { keyrung, clock, limits } = world
    const { id, request } = await keyOf(world)
    const demand = keyrung.demand('contacts:read')
    await keyrung.admit(request, demand)
    await keyrung.admit(request, demand)
    for (let i = 0; i < 3; i++) {
      expect(await keyrung.admit(request, demand)).toMatchObject({
        ok: false,
        code: 'limited',
        principal: { keyId: id },
        decision: null,
        limits: {
          now: clock.now(),
          meters: [
            { rule: { name: 'day' }, used: 2, fits: true },
            { rule: { name: 'minute' }, used: 2, remaining: 0, fits: false },
          ],
        },
      })
    }
    expect(limits.used(`key:${id}`, limits.requests[0]!.charges[0]!.rules)).toEqual({ day: 2, minute: 2 })
    await keyrung.tick()
    expect(sink.decisions).toMatchObject([{ code: 'limited', keyId: id, count: 3, permission: null }])
    await clock.advance(61_000)
    expect(codeOf(await keyrung.admit(request, demand))).toBe('ok')
  })

  test('nothing is spent anywhere where one of several limits does not fit', async () => {
    const world = metered({
      defaults: [minute(60)],
      limits: { workspace: [{ name: 'workspace', limit: 1, windowMs: 60_000 }] },
    })
    const { request } = await keyOf(world)
    const demand = world.keyrung.demand('contacts:read')
    await world.keyrung.admit(request, demand)
    expect(codeOf(await world.keyrung.admit(request, demand))).toBe('limited')
    expect(leftOf(await world.keyrung.admit(request, demand))).toEqual({ minute: 59, workspace: 0 })
  })

  test('a cost of 0 is free, and so are authenticate, authorize, management and unknown credentials', async () => {
    const world = metered({ defaults: [minute(1)] })
    const { keyrung, limits } = world
    const { id, version, request } = await keyOf(world)
    const free = keyrung.demand('contacts:read', { cost: 0 })
    expect(await keyrung.admit(request, free)).toMatchObject({ ok: true, limits: null })
    const known = await keyrung.authenticate(request.authorization[0]!.slice(7))
    if (!known.ok) throw new Error(known.code)
    await keyrung.authorize(known.principal, 'contacts:read')
    await keyrung.keys.edit(admin, id, { name: 'b' }, { version })
    await keyrung.admit({ authorization: ['Bearer nonsense'] }, keyrung.demand('contacts:read'))
    expect(limits.requests).toEqual([])
  })

  test('a request that passes two guards is charged once', async () => {
    const world = metered({ defaults: [minute(60)] })
    const { request } = await keyOf(world)
    const incoming = {
      headers: (name: string) => (name === 'authorization' ? request.authorization : []),
      ...{ peer: undefined, method: 'GET', target: '/', identity: {} },
    }
    for (const gate of [createGate(world.keyrung), createGate(world.keyrung, 'contacts:read')]) {
      expect((await gate(incoming)).ok).toBe(true)
    }
    expect(world.limits.requests).toHaveLength(1)
  })

  test('a further guard charges what the first did not: its own limit, and what it costs beyond', async () => {
    const world = metered({ defaults: [minute(60)] })
    const { id, request } = await keyOf(world)
    const limit = { name: 'exports', limit: 10, windowMs: 3_600_000 }
    const first = createGate(world.keyrung)
    const exporting = createGate(world.keyrung, 'contacts:read', { cost: 5, limit })
    const again = createGate(world.keyrung, 'contacts:read')
    const call = async () => {
      const incoming = {
        headers: (name: string) => (name === 'authorization' ? request.authorization : []),
        ...{ peer: undefined, method: 'GET', target: '/', identity: {} },
      }
      if (!(await first(incoming)).ok) return 0
      const result = await exporting(incoming)
      if (!result.ok) return result.answer.status
      return (await again(incoming)).ok ? 200 : 0
    }
    expect([await call(), await call(), await call()]).toEqual([200, 200, 429])
    const [rule] = world.limits.requests[0]!.charges[0]!.rules
    expect(world.limits.used(`key:${id}`, [rule!])).toEqual({ minute: 11 })
    expect(world.limits.requests[1]!.charges).toMatchObject([
      { subject: `key:${id}`, cost: 4 },
      { subject: `operation:exports:${id}`, cost: 5 },
    ])
  })

  test('answers at once where the limit store does', async () => {
    const world = metered({ defaults: [minute(60)] })
    const { request } = await keyOf(world)
    expect(world.keyrung.admit(request, world.keyrung.demand('contacts:read'))).toMatchObject({ ok: true })
  })

  test('of 100 callers at once, as many get through as there are units left', async () => {
    const world = metered({ defaults: [minute(7)] })
    const { request } = await keyOf(world)
    world.limits.delay = () => new Promise((resolve) => setImmediate(resolve))
    const demand = world.keyrung.demand('contacts:read')
    const made = await Promise.all(Array.from({ length: 100 }, () => world.keyrung.admit(request, demand)))
    expect(made.filter(({ ok }) => ok)).toHaveLength(7)
    expect(made.filter((admission) => codeOf(admission) === 'limited')).toHaveLength(93)
  })
})

describe('limits of a key', () => {
  test('are shown in canonical order, and the change event says what they were', async () => {
    const world = metered()
    const { id, version } = await keyOf(world)
    await world.keyrung.keys.edit(admin, id, { limits: [minute(5), day(9)] }, { version })
    expect((await world.keyrung.keys.get(admin, id)).limits).toEqual([day(9), minute(5)])
    const { events } = await world.keyrung.audit.list(admin)
    const edited = events.find(({ action }) => action === 'key.edited')
    expect(edited).toMatchObject({ before: { limits: null }, after: { limits: [day(9), minute(5)] } })
  })

  test('an empty list is none', async () => {
    const world = metered()
    const { id } = await keyOf(world, { name: 'a', scopes: ['contacts:read'], limits: [] })
    expect((await world.keyrung.keys.get(admin, id)).limits).toBeNull()
  })

  test('are refused by their path where they are none', async () => {
    const { keyrung } = metered()
    const limits = [{ name: 'Minute', limit: -1, windowMs: 60 }] as never
    await expect(
      keyrung.keys.create(admin, { name: 'a', scopes: ['contacts:read'], limits }),
    ).rejects.toMatchObject({
      code: 'input_invalid',
      faults: [{ path: 'limits.0.name' }, { path: 'limits.0.limit' }, { path: 'limits.0.windowMs' }],
    })
  })

  test('are raised only by who holds what the key does; lowered by everyone who may edit', async () => {
    const world = metered({
      defaults: [minute(60)],
      directory: { rightsOf: () => ({ role: 'admin', scopes: ['contacts:read'] }) },
    })
    const { keyrung } = world
    const host = { type: 'system', name: 'seed', workspaceId: 'ws_1' } as const
    const { key } = await keyrung.keys.create(host, { name: 'a', scopes: ['contacts:write'] })
    const edit = (limits: Limit[] | null, version: number) =>
      keyrung.keys.edit(admin, key.id, { limits }, { version })
    const lower = await edit([minute(59)], key.version)
    await expect(edit([minute(61)], lower.version)).rejects.toMatchObject({ code: 'beyond_own_rights' })
    await expect(edit(null, lower.version)).rejects.toMatchObject({ code: 'beyond_own_rights' })
    expect((await edit([minute(59), day(1)], lower.version)).limits).toHaveLength(2)
  })

  test('go with a deleted key, those of operations too', async () => {
    const world = metered({ defaults: [minute(60)] })
    const { id } = await keyOf(world)
    world.keyrung.demand('ai:use', { limit: { name: 'ai', limit: 1, windowMs: 60_000 } })
    await world.keyrung.keys.delete(admin, id)
    await new Promise((resolve) => setImmediate(resolve))
    expect(world.limits.forgotten).toEqual([`key:${id}`, `operation:ai:${id}`])
  })
})

describe('a store in memory', () => {
  test('counts by itself, on its own clock', async () => {
    const world = sample({ keys: { prefix: 'tp', limits: [minute(2)] } })
    const { request } = await keyOf(world as never)
    const admit = () => world.keyrung.admit(request, world.keyrung.demand('contacts:read'))
    expect([await admit(), await admit(), await admit()].map(codeOf)).toEqual(['ok', 'ok', 'limited'])
    await world.clock.advance(61_000)
    expect(codeOf(await admit())).toBe('ok')
    expect((await world.keyrung.state()).limits).toMatchObject({ store: 'memory', mode: 'ok' })
  })

  test('counts all of a cost in each of several limits', async () => {
    const world = sample({
      keys: { prefix: 'tp', limits: [minute(60), day(20)] },
      limits: { workspace: [{ name: 'workspace', limit: 100, windowMs: 60_000 }] },
    })
    const { request } = await keyOf(world as never)
    const demand = world.keyrung.demand('contacts:read', {
      cost: 5,
      limit: { name: 'exports', limit: 30, windowMs: 3_600_000 },
    })
    expect(leftOf(await world.keyrung.admit(request, demand))).toEqual({
      ...{ minute: 55, day: 15, workspace: 95, exports: 25 },
    })
  })
})

describe('options', () => {
  const faultsOf = (options: object): string[] => {
    try {
      metered(options as never)
      return []
    } catch (error) {
      return (error as KeyrungError).faults.map(({ path }) => path)
    }
  }

  test.each([
    ['limits', { stores: 1 }, ['limits.stores']],
    ['limits', { store: {} }, ['limits.store']],
    ['limits', { workspace: 'x', owner: [{}] }, ['limits.workspace', 'limits.owner.0.name']],
    ['limits', { onFailure: { share: 0 } }, ['limits.onFailure']],
    ['limits', { onFailure: { share: 1.01 } }, ['limits.onFailure']],
    ['limits', { onFailure: { share: NaN } }, ['limits.onFailure']],
    ['limits', { onFailure: 'allow' }, ['limits.onFailure']],
    ['limits', { leases: { units: 0 } }, ['limits.leases']],
    ['limits', { leases: 10 }, ['limits.leases']],
    ['limits', { timeoutMs: 0 }, ['limits.timeoutMs']],
    ['limits', { timeoutMs: '1000' }, ['limits.timeoutMs']],
    ['defaults', [{ name: 'minute', limit: 1.5, windowMs: 60_000 }], ['keys.limits.0.limit']],
    ['defaults', [minute(1), minute(2)], ['keys.limits.1.name']],
  ])('%s: %o is a fault at %j', (name, value, paths) => {
    expect(faultsOf({ [name]: value })).toEqual(expect.arrayContaining(paths))
  })

  test.each([
    { cost: -1 },
    { cost: 1.5 },
    { cost: '1' },
    { limit: minute(-1) },
    { limit: [minute(1)] },
    { costs: 1 },
  ])('an operation with %o is refused when it is made', (options) => {
    expect(() => metered().keyrung.demand('contacts:read', options as never)).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })

  test('limits without a store that counts are refused at once, with a word on which to pass', () => {
    const store = { ...memoryStore(), limits: undefined } as never
    expect(() => sample({ store, keys: { prefix: 'tp', limits: [minute(1)] } })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        faults: [{ path: 'limits.store', message: expect.stringContaining('memoryLimits()') as string }],
      }),
    )
    const { keyrung } = sample({ store })
    expect(() => keyrung.demand('ai:use', { limit: minute(1) })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })

  test('a plan with limits that nobody counts is an outage, never unlimited, and told once', async () => {
    const store = { ...memoryStore(), limits: undefined } as never
    const world = sample({ store, entitlements: { of: () => ({ access: true, limits: [minute(1)] }) } })
    const { request } = await keyOf(world as never)
    const demand = world.keyrung.demand('contacts:read')
    for (let i = 0; i < 2; i++) {
      expect(() => world.keyrung.admit(request, demand)).toThrow(
        expect.objectContaining({ code: 'limits_unavailable' }),
      )
    }
    expect(world.notices.map(({ code }) => code)).toEqual(['limits_failing'])
  })

  test('a key cannot be given limits where nobody counts', async () => {
    const { keyrung } = sample({ store: { ...memoryStore(), limits: undefined } as never })
    await expect(
      keyrung.keys.create(admin, { name: 'a', scopes: ['contacts:read'], limits: [minute(1)] }),
    ).rejects.toMatchObject({ code: 'input_invalid', faults: [{ path: 'limits' }] })
  })
})
