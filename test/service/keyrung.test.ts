import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Principal } from '../../src/core/principal.js'
import type { Keyrung } from '../../src/service/keyrung.js'
import { memoryStore } from '../../src/stores/memory.js'
import { failingStore } from '../../src/testing/failing-store.js'
import { memorySink } from '../../src/sinks/memory.js'
import { admin, hostSecret, sample } from './sample.js'

async function principalOf(
  keyrung: Pick<Keyrung, 'authenticate'>,
  secret: string,
  ip?: string,
): Promise<Principal> {
  const known = await keyrung.authenticate(secret, ip === undefined ? {} : { ip })
  if (!known.ok) throw new Error(known.code)
  return known.principal
}

const durable = () => ({ ...memoryStore(), durable: true })

describe('readiness', () => {
  test('a store that outlives the process is not asked before ready; everything is 503 not_ready', async () => {
    const { keyrung } = sample({ store: durable() })
    const notReady = expect.objectContaining({ code: 'not_ready' })
    const principal = { keyId: 'x', secretId: 'x', workspaceId: 'x' } as Principal
    expect(() => keyrung.authenticate('x')).toThrow(notReady)
    expect(() => keyrung.authorize(principal, 'contacts:read')).toThrow(notReady)
    expect(() => keyrung.admit({ authorization: [] }, keyrung.demand([]))).toThrow(notReady)
    await expect(keyrung.explain(principal, 'contacts:read')).rejects.toEqual(notReady)
    await expect(keyrung.access(principal)).rejects.toEqual(notReady)
    await expect(keyrung.keys.list(admin)).rejects.toEqual(notReady)
    await expect(keyrung.audit.list(admin)).rejects.toEqual(notReady)
    expect((await keyrung.state()).phase).toBe('starting')
    await keyrung.ready()
    expect((await keyrung.state()).phase).toBe('ready')
    expect(await keyrung.authenticate('x')).toEqual({ ok: false, code: 'credential_invalid' })
  })

  test('what is asked too early says how to begin', async () => {
    const { keyrung } = sample({ store: durable() })
    const text = 'call `await keyrung.ready({ migrate: true })`'
    expect(() => keyrung.authenticate('x')).toThrow(text)
    await expect(keyrung.keys.list(admin)).rejects.toThrow(text)
    const { keyrung: bare } = sample({ store: { ...durable(), findSchema: () => 'missing' as const } })
    await expect(bare.ready()).rejects.toThrow(text)
    expect(() => bare.authenticate('x')).toThrow(text)
  })

  test.each(['migrate', 'findSchema', 'findSettings', 'commit'] as const)(
    'a start that failed at %s can be tried again',
    async (call) => {
      const store = durable()
      let failures = 1
      const failing = {
        ...store,
        [call]: (...given: never[]) => {
          if (failures-- > 0) throw new Error('the database is not there yet')
          return (store[call] as (...args: never[]) => unknown)(...given)
        },
      }
      const { keyrung } = sample({ store: failing })
      await expect(keyrung.ready({ migrate: true })).rejects.toThrow()
      expect((await keyrung.state()).phase).toBe('starting')
      await keyrung.ready({ migrate: true })
      expect(await keyrung.authenticate('x')).toEqual({ ok: false, code: 'credential_invalid' })
    },
  )

  test('a store in memory is ready at once', async () => {
    expect(await sample().keyrung.authenticate('x')).toEqual({ ok: false, code: 'credential_invalid' })
  })

  test.each([
    ['missing', 'has no tables'],
    ['outdated', 'older keyrung'],
    ['newer', 'newer keyrung'],
  ] as const)('a schema that is %s stops the start, and says what to do', async (schema, text) => {
    const { keyrung } = sample({ store: { ...durable(), findSchema: () => schema } })
    await expect(keyrung.ready()).rejects.toMatchObject({
      code: 'config_invalid',
      faults: [{ path: 'store', message: expect.stringContaining(text) }],
    })
    expect((await keyrung.state()).phase).toBe('starting')
  })

  test('after close everything is 503 closed, and close can be called again', async () => {
    const { keyrung } = sample()
    await keyrung.close()
    await keyrung.close()
    const closed = expect.objectContaining({ code: 'closed' })
    expect(() => keyrung.authenticate('x')).toThrow(closed)
    await expect(keyrung.keys.list(admin)).rejects.toEqual(closed)
    await expect(keyrung.ready()).rejects.toEqual(closed)
    expect((await keyrung.state()).phase).toBe('closed')
  })
})

describe('host secrets', () => {
  const other = 'another secret of the host, as long'

  test('one that was never used with the store stops the start, and is not shown', async () => {
    const store = durable()
    await sample({ store }).keyrung.ready()
    const error: unknown = await sample({ store, secret: other })
      .keyrung.ready()
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'config_invalid', faults: [{ path: 'secret' }] })
    expect(inspect(error)).not.toContain(other)
    const none = sample({ store, pepper: 'none' })
    await expect(none.keyrung.ready()).rejects.toMatchObject({ code: 'config_invalid' })
  })

  test('rotate by [old, new], [new, old], [new]: no key is refused, and each is renewed when it is used', async () => {
    const store = durable()
    const { keyrung } = sample({ store })
    await keyrung.ready()
    const { secret } = await keyrung.keys.create(admin, { name: 'Used', scopes: ['contacts:read'] })
    const { secret: idle } = await keyrung.keys.create(admin, { name: 'Idle', scopes: ['contacts:read'] })
    const idOf = async (instance: typeof keyrung) =>
      [...(await instance.keys.countBySecret())].map(([id, { keys }]) => [id, keys] as [string, number])

    const [[oldId]] = (await idOf(keyrung)) as [[string, number]]
    for (const secrets of [
      [hostSecret, other],
      [other, hostSecret],
    ]) {
      const { keyrung: instance } = sample({ store, secret: secrets })
      await instance.ready()
      for (const one of [secret, idle]) {
        if (one === idle && secrets[0] === other) continue
        expect(await instance.authenticate(one)).toMatchObject({ ok: true })
      }
      await Promise.resolve()
    }
    const last = sample({ store, secret: other })
    await last.keyrung.ready()
    expect(await last.keyrung.authenticate(secret)).toMatchObject({ ok: true })
    expect(await last.keyrung.authenticate(idle, { ip: '192.0.2.1' })).toEqual({
      ...{ ok: false, code: 'credential_invalid' },
    })
    expect((await idOf(last.keyrung)).find(([id]) => id === oldId)?.[1]).toBe(1)
    expect(last.notices).toMatchObject([{ code: 'secrets_orphaned' }])
  })

  test('an instance starts although its secrets cannot be counted in time', async () => {
    const failing = failingStore(memoryStore())
    failing.trouble('countSecrets', { by: 'reject' })
    const { keyrung } = sample({ store: failing.store })
    await keyrung.ready()
    expect(await keyrung.state()).toMatchObject({ phase: 'ready' })
  })

  test.each([undefined, '', 'short', 7, [], ['x'.repeat(32), 'x'.repeat(32)]])(
    '%j is refused at once',
    (secret) => {
      expect(() => sample({ secret: secret as never })).toThrow(
        expect.objectContaining({ code: 'config_invalid' }),
      )
    },
  )

  test('where there is no pepper, one that nothing in the store was sealed under stops the start too', async () => {
    const store = durable()
    const start = (secret: unknown, rest = {}) =>
      sample({ store, pepper: 'none', secret: secret as never, ...rest }).keyrung.ready()
    await start(undefined)
    await start(hostSecret)
    const error: unknown = await start(other).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      ...{ code: 'config_invalid' },
      faults: [{ path: 'secret', message: expect.stringContaining('[old, new]') }],
    })
    expect(inspect(error)).not.toContain(other)
    await expect(start([other, 'a third secret of the host, as long'])).rejects.toEqual(error)
    for (const secrets of [[hostSecret, other], [other, hostSecret], other, undefined]) await start(secrets)
    // What is sealed under a secret says nothing of keys: these have no pepper.
    await expect(start(other, { pepper: undefined })).rejects.toMatchObject({ code: 'config_invalid' })
  })

  test('none is needed where there is no pepper', async () => {
    const { keyrung } = sample({ pepper: 'none', secret: undefined as never })
    const { secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    expect(await keyrung.authenticate(secret)).toMatchObject({ ok: true })
  })
})

describe('authenticate', () => {
  test.each([undefined, null, 7, {}, [], ['x'], true, '', ' ', 'tp_live_', 'x'.repeat(1_000_000)])(
    'a value that is no secret is refused without asking the store (%#)',
    async (value) => {
      let asked = 0
      const store = memoryStore()
      const { keyrung } = sample({ store: { ...store, findCredential: () => void asked++ } })
      expect(await keyrung.authenticate(value)).toEqual({ ok: false, code: 'credential_invalid' })
      expect(asked).toBe(0)
    },
  )

  test('unknown, malformed and wrong-environment secrets are one and the same', async () => {
    const { keyrung } = sample()
    const { keyrung: stranger } = sample()
    const { secret: unknown } = await stranger.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    const { secret: test } = await keyrung.keys.create(admin, {
      name: 'A',
      scopes: ['contacts:read'],
      environment: 'test',
    })
    const { keyrung: liveOnly } = sample({ keys: { prefix: 'tp', environments: ['live'] } })
    const answers = [
      await keyrung.authenticate(unknown),
      await keyrung.authenticate(`${unknown.slice(0, -1)}!`),
      await liveOnly.authenticate(test),
    ]
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set(['{"ok":false,"code":"credential_invalid"}']),
    )
  })

  test('expiry, not-before and a grace period are exact to the millisecond', async () => {
    const { keyrung, clock } = sample()
    const at = clock.now()
    const code = async (secret: string) => {
      const known = await keyrung.authenticate(secret)
      return known.ok ? 'ok' : known.code
    }
    const { secret, key } = await keyrung.keys.create(admin, {
      ...{ name: 'A', scopes: ['contacts:read'], notBefore: at + 10, expiresAt: at + 100 },
    })
    clock.step(9)
    expect(await code(secret)).toBe('key_not_yet_valid')
    clock.step(1)
    expect(await code(secret)).toBe('ok')
    const { secret: next } = await keyrung.keys.rotate(admin, key.id, { graceMs: 50 })
    clock.step(49)
    expect([await code(secret), await code(next)]).toEqual(['ok', 'ok'])
    clock.step(1)
    expect([await code(secret), await code(next)]).toEqual(['secret_rotated', 'ok'])
    clock.step(39)
    expect(await code(next)).toBe('ok')
    clock.step(1)
    expect(await code(next)).toBe('key_expired')
  })

  test('an allow-list takes mapped addresses for what they are; junk and absence are denied', async () => {
    const { keyrung } = sample()
    const { secret } = await keyrung.keys.create(admin, {
      ...{ name: 'A', scopes: ['contacts:read'], addressRules: ['192.0.2.0/24', '2001:db8::/32'] },
    })
    for (const ip of ['192.0.2.9', '::ffff:192.0.2.9', '2001:db8::1']) {
      expect(await keyrung.authenticate(secret, { ip })).toMatchObject({ ok: true })
    }
    for (const ip of [undefined, '', '192.0.3.1', '192.0.2', '0xc0.0.2.9', 7, ['192.0.2.9']]) {
      expect(await keyrung.authenticate(secret, { ip: ip as string })).toEqual({
        ok: false,
        code: 'address_denied',
      })
    }
  })

  const breakages: [string, object][] = [
    ['no key', { key: undefined }],
    ['a secret of another key', { secret: { keyId: 'key_other' } }],
    ['another digest', { secret: { digest: 'x'.repeat(32) } }],
    ['no workspace', { key: { workspaceId: '' } }],
    ['a status that is neither', { key: { status: 'paused' } }],
    ['a mode that is neither', { key: { mode: 'all' } }],
    ['an expiry that is text', { key: { expiresAt: '2030' } }],
    ['an expiry that is NaN', { key: { expiresAt: NaN } }],
    ['no allow-list', { key: { addressRules: undefined } }],
    ['no scopes', { key: { scopes: undefined } }],
  ]
  test.each(breakages)('a store that answers %s is an outage, not a valid key', async (_, change) => {
    const store = memoryStore()
    const { keyrung } = sample({
      store: {
        ...store,
        findCredential: (digest) => {
          const row = store.findCredential(digest) as { secret: object; key: object }
          const { secret, key } = change as { secret?: object; key?: object }
          const isKeyGone = 'key' in change && key === undefined
          return {
            secret: { ...row.secret, ...secret },
            key: isKeyGone ? undefined : { ...row.key, ...key },
          } as never
        },
      },
    })
    const { secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    expect(() => keyrung.authenticate(secret)).toThrow(expect.objectContaining({ code: 'store_unavailable' }))
  })

  test('promise 2: an outage is never told as a bad key', async () => {
    const { keyrung, clock } = sample()
    const { secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    for (const does of [
      () => {
        throw new Error('down')
      },
      () => Promise.reject(new Error('down')),
      () => new Promise<never>(() => undefined),
    ]) {
      const broken = sample({ clock, store: { ...memoryStore(), findCredential: does } })
      const answer = (async () => broken.keyrung.authenticate(secret))().catch((error: unknown) => error)
      await clock.advance(5_000)
      expect(await answer).toMatchObject({ code: 'store_unavailable' })
    }
  })

  test('scopes that the catalogue does not know grant nothing, are kept, and are reported once', async () => {
    const store = memoryStore()
    const { keyrung, notices } = sample({
      store: {
        ...store,
        findCredential: (digest) => {
          const row = store.findCredential(digest) as { secret: object; key: object }
          return { ...row, key: { ...row.key, scopes: 'contacts:read gone:write' } } as never
        },
      },
    })
    const { secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    const demand = keyrung.demand('contacts:read')
    for (let i = 0; i < 3; i++) {
      expect(await keyrung.admit({ authorization: [`Bearer ${secret}`] }, demand)).toMatchObject({ ok: true })
    }
    expect(notices).toMatchObject([
      { code: 'unknown_scopes', message: expect.stringContaining('gone:write') },
    ])
  })
})

describe('authorize', () => {
  test('a principal that was kept is looked up anew: edited, revoked, rotated out, deleted', async () => {
    const { keyrung, clock } = sample()
    const { key, secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:write'] })
    const kept = await principalOf(keyrung, secret)
    const ask = async () => {
      const decision = await keyrung.authorize(kept, 'contacts:write')
      return decision.effect === 'deny' ? decision.code : decision.effect
    }
    expect(await ask()).toBe('allow')
    await keyrung.keys.edit(admin, key.id, { scopes: ['contacts:read'] }, { version: 1 })
    expect(await ask()).toBe('insufficient')
    await keyrung.keys.revoke(admin, key.id)
    expect(await ask()).toBe('key_revoked')
    await keyrung.keys.activate(admin, key.id)
    await keyrung.keys.rotate(admin, key.id, { graceMs: 1_000 })
    expect(await ask()).toBe('insufficient')
    await clock.advance(1_000)
    expect(await ask()).toBe('secret_rotated')
    await keyrung.keys.delete(admin, key.id)
    expect(await ask()).toBe('credential_invalid')
  })

  test('the allow-list binds a kept principal to where it came from', async () => {
    const { keyrung } = sample()
    const { key, secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    const kept = await principalOf(keyrung, secret, '192.0.2.1')
    await keyrung.keys.edit(admin, key.id, { addressRules: ['198.51.100.0/24'] }, { version: 1 })
    expect(await keyrung.authorize(kept, 'contacts:read')).toMatchObject({
      effect: 'deny',
      code: 'address_denied',
    })
  })

  test('CVE-2026-62667: what a principal says of itself is never believed', async () => {
    const { keyrung } = sample()
    const { key, secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    const kept = await principalOf(keyrung, secret)
    const forged = { ...kept, scopes: ['contacts:delete'], mode: 'full', grant: { full: true } }
    expect(await keyrung.authorize(forged, 'contacts:delete')).toMatchObject({ code: 'insufficient' })
    expect(await keyrung.authorize({ ...kept, workspaceId: 'ws_2' }, 'contacts:read')).toMatchObject({
      code: 'credential_invalid',
    })
    const { key: otherKey } = await keyrung.keys.create(admin, { name: 'B', mode: 'full' })
    expect(key.id).not.toBe(otherKey.id)
    expect(await keyrung.authorize({ ...kept, keyId: otherKey.id }, 'contacts:read')).toMatchObject({
      code: 'credential_invalid',
    })
  })

  const throwing = new Proxy(
    {},
    {
      get: () => {
        throw new Error('trap')
      },
    },
  )
  test.each([undefined, null, 7, 'x', {}, [], { secretId: 7 }, throwing])(
    'no principal at all is refused, not thrown over (%#)',
    async (value) => {
      const { keyrung } = sample()
      expect(await keyrung.authorize(value as never, 'contacts:read')).toMatchObject({
        effect: 'deny',
        code: 'credential_invalid',
      })
    },
  )

  test.each([
    'contacts:raed',
    'contacts',
    '__proto__:read',
    'constructor:toString',
    'contacts:read:x',
    7,
    null,
    {},
    [[]],
    ['contacts:read', 7],
  ])('an unknown permission is denied: %j', async (permission) => {
    const { keyrung } = sample()
    const { secret } = await keyrung.keys.create(admin, { name: 'A', mode: 'full' })
    const kept = await principalOf(keyrung, secret)
    expect(await keyrung.authorize(kept, permission as never)).toMatchObject({
      effect: 'deny',
      code: 'unknown_permission',
    })
  })

  test('a forged demand allows nothing that its own permissions would not', async () => {
    const { keyrung } = sample()
    const { secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    const kept = await principalOf(keyrung, secret)
    expect(() => keyrung.demand('contacts:raed' as never)).toThrow(
      expect.objectContaining({ code: 'unknown_permission' }),
    )
    expect(await keyrung.authorize(kept, keyrung.demand('contacts:delete'))).toMatchObject({
      code: 'insufficient',
    })
    expect(
      await keyrung.authorize(kept, keyrung.demand('contacts:read', { approval: 'always' })),
    ).toMatchObject({
      effect: 'approval',
    })
  })
})

describe('ceilings', () => {
  const plans = { of: () => ({ access: true, ceilings: ['contacts:write-approval'] as const }) }
  const directory = {
    rightsOf: (id: string) =>
      id === 'ann'
        ? { role: 'admin', scopes: 'full' as const }
        : id === 'bob'
          ? { role: 'member', scopes: ['contacts:read', 'email:send'] as const }
          : null,
  }

  test('Full Access lifts the key’s scopes only: status, plan, owner, address and time still bind', async () => {
    const { keyrung, clock } = sample({ entitlements: plans, directory })
    const { key, secret } = await keyrung.keys.create(admin, {
      name: 'A',
      mode: 'full',
      ownerId: 'bob',
      expiresAt: clock.now() + 1_000,
    })
    const kept = await principalOf(keyrung, secret)
    expect(await keyrung.authorize(kept, 'contacts:read')).toMatchObject({ effect: 'allow' })
    expect(await keyrung.authorize(kept, 'contacts:write')).toMatchObject({
      code: 'owner_insufficient',
      scopes: [],
    })
    expect(await keyrung.authorize(kept, 'email:send')).toMatchObject({ code: 'not_entitled' })
    expect(await keyrung.access(kept)).toMatchObject({
      full: true,
      scopes: ['contacts:read'],
      allowed: ['contacts:read'],
      queued: [],
    })
    await clock.advance(1_000)
    expect(await keyrung.authorize(kept, 'contacts:read')).toMatchObject({ code: 'key_expired' })
    expect(await keyrung.access(kept)).toEqual({ ok: false, code: 'key_expired' })
    expect(await keyrung.explain(kept, 'contacts:read')).toMatchObject({
      decision: { code: 'key_expired' },
      enough: null,
    })
    await keyrung.keys.revoke(admin, key.id)
    expect(await keyrung.authenticate(secret)).toEqual({ ok: false, code: 'key_revoked' })
  })

  test('a plan that reaches the approval rung only makes it queue; explain names the layer', async () => {
    const { keyrung } = sample({ entitlements: plans, directory })
    const { secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:write'] })
    const kept = await principalOf(keyrung, secret)
    expect(await keyrung.authorize(kept, 'contacts:write')).toMatchObject({ effect: 'approval' })
    expect(await keyrung.explain(kept, 'contacts:write')).toMatchObject({ decidedBy: 'plan' })
    expect(await keyrung.explain(kept, 'contacts:read', { operation: { approval: 'always' } })).toMatchObject(
      { decidedBy: 'operation' },
    )
  })

  test('no plan is no access, also where no permission is demanded', async () => {
    let access = true
    const { keyrung } = sample({ entitlements: { of: () => (access ? { access } : null) }, hookLeaseMs: 0 })
    const { secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:write'] })
    const request = { authorization: [`Bearer ${secret}`] }
    expect(await keyrung.admit(request, keyrung.demand([]))).toMatchObject({ ok: true })
    access = false
    expect(await keyrung.admit(request, keyrung.demand([]))).toMatchObject({
      ok: false,
      code: 'not_entitled',
    })
    expect(await keyrung.admit(request, keyrung.demand('contacts:read'))).toMatchObject({
      ok: false,
      code: 'not_entitled',
    })
  })

  test('an owner who has left takes the key’s rights along', async () => {
    const members = new Map([['bob', { role: 'member', scopes: 'full' as const }]])
    const { keyrung } = sample({
      hookLeaseMs: 0,
      directory: {
        rightsOf: (id) => (id === 'ann' ? { role: 'admin', scopes: 'full' } : (members.get(id) ?? null)),
      },
    })
    const { secret } = await keyrung.keys.create(admin, {
      name: 'A',
      scopes: ['contacts:write'],
      ownerId: 'bob',
    })
    const kept = await principalOf(keyrung, secret)
    expect(await keyrung.authorize(kept, 'contacts:write')).toMatchObject({ effect: 'allow' })
    members.clear()
    expect(await keyrung.authorize(kept, 'contacts:write')).toMatchObject({ code: 'owner_insufficient' })
  })

  test('hooks may answer by promise; a throw is 503, never a denial', async () => {
    let plan: () => Promise<{ access: boolean } | null> = async () => ({ access: true })
    const { keyrung } = sample({ entitlements: { of: () => plan() }, hookLeaseMs: 0 })
    const { secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:write'] })
    const request = { authorization: [`Bearer ${secret}`] }
    expect(await keyrung.admit(request, keyrung.demand('contacts:write'))).toMatchObject({ ok: true })
    plan = () => Promise.reject(new Error('down'))
    await expect(keyrung.admit(request, keyrung.demand('contacts:write'))).rejects.toMatchObject({
      code: 'hook_failed',
    })
  })
})

describe('bookkeeping', () => {
  test('refusals are counted for the sinks, uses for the key; close flushes both', async () => {
    const sink = memorySink()
    const store = memoryStore()
    const { keyrung, clock } = sample({ sinks: [sink], store: { ...store, close: () => undefined } })
    const { key, secret } = await keyrung.keys.create(admin, {
      name: 'A',
      scopes: ['contacts:write-approval'],
    })
    const request = { authorization: [`Bearer ${secret}`] }
    await keyrung.admit(request, keyrung.demand('contacts:read'))
    await keyrung.admit(request, keyrung.demand('contacts:delete'))
    await keyrung.admit(request, keyrung.demand('contacts:delete'))
    expect(await keyrung.admit(request, keyrung.demand('contacts:write'))).toMatchObject({
      code: 'approval_required',
      decision: { queued: ['contacts:write'] },
    })
    const at = clock.now()
    await keyrung.close()
    expect((await store.findKey('ws_1', key.id))?.lastUsedAt).toBe(at)
    expect(sink.decisions).toMatchObject([
      { code: 'insufficient', permission: 'contacts:delete', count: 2, keyId: key.id },
      { code: 'approval_required', permission: 'contacts:write', count: 1 },
    ])
  })

  test('the worker delivers, and close ends it', async () => {
    const sink = memorySink()
    const { keyrung, clock } = sample({ sinks: [sink] })
    const worker = keyrung.run()
    expect(keyrung.run()).toBe(worker)
    await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    await clock.advance(2_000)
    expect(sink.events.map(({ action }) => action)).toEqual(['key.created'])
    expect((await keyrung.state()).sinks).toMatchObject([{ name: 'memory', failing: false, waiting: 0 }])
    await keyrung.close()
    expect(clock.sleepers).toBe(0)
  })

  test('a store that cannot note a use does not refuse the request', async () => {
    const store = memoryStore()
    const { keyrung } = sample({ store: { ...store, recordUses: () => Promise.reject(new Error('down')) } })
    const { secret } = await keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] })
    expect(
      await keyrung.admit({ authorization: [`Bearer ${secret}`] }, keyrung.demand('contacts:read')),
    ).toMatchObject({ ok: true })
    expect(await keyrung.tick()).toMatchObject({ done: false })
  })
})

test('faults in a host’s options are told with the paths they have there', () => {
  const make = (options: object) => () => sample(options as never)
  expect(make({ keys: { prefix: 'T P', environments: [] } })).toThrow(
    expect.objectContaining({
      faults: [
        expect.objectContaining({ path: 'keys.prefix' }),
        expect.objectContaining({ path: 'keys.environments' }),
      ],
    }),
  )
  expect(make({ http: { hidden: true } })).toThrow(
    expect.objectContaining({ faults: [expect.objectContaining({ path: 'http.hidden' })] }),
  )
  expect(make({ freshness: 'cached' })).toThrow(
    expect.objectContaining({ faults: [expect.objectContaining({ path: 'freshness' })] }),
  )
})
