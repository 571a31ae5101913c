import { describe, expect, expectTypeOf, it } from 'vitest'
import type { CreatedKey, RepeatedKey } from '../../../src/service/keys/create.js'
import { admin, createWorld, dayMs, host, hourMs, makeKey, refusal } from './fixture.js'
import { stores } from './stores.js'

describe.each(stores)('creating a key on the %s store', (_, store) => {
  it('answers the key and, once, its secret', async () => {
    const world = await createWorld({ store })
    const now = world.clock.now()
    const { key, secret, repeated } = await world.keys.create(admin, {
      name: '  Claude Desktop ',
      scopes: ['contacts:write-approval', 'people:read' as 'contacts:read', 'email:send'],
      environment: 'test',
      expiresAt: now + dayMs,
      notBefore: now + hourMs,
      addressRules: ['192.0.2.0/24', '::ffff:198.51.100.7'],
      metadata: { team: 'sales', tags: ['a', 'b'] },
    })
    expect(secret).toMatch(/^tp_test_[0-9A-Za-z]{36}$/)
    expect(repeated).toBe(false)
    expect(key).toEqual({
      id: expect.stringMatching(/^key_[0-9a-z]{26}$/) as string,
      workspaceId: 'ws',
      name: 'Claude Desktop',
      environment: 'test',
      mode: 'custom',
      scopes: ['contacts:write-approval', 'email:send'],
      unknownScopes: [],
      status: 'active',
      expiring: true,
      revokedAt: null,
      revokedBy: null,
      revokedReason: null,
      expiresAt: now + dayMs,
      notBefore: now + hourMs,
      addressRules: ['192.0.2.0/24', '198.51.100.7'],
      metadata: { team: 'sales', tags: ['a', 'b'] },
      ownerId: null,
      limits: null,
      webhook: null,
      createdBy: 'user:ann',
      createdAt: now,
      updatedAt: now,
      version: 1,
      lastUsedAt: null,
      secrets: [
        {
          id: expect.stringMatching(/^sec_[0-9a-z]{26}$/) as string,
          lastFour: secret.slice(-4),
          createdAt: now,
          endsAt: null,
        },
      ],
    })
    expect(await world.keys.get(admin, key.id)).toEqual(key)
    expect((await world.credential(secret))?.key.id).toBe(key.id)
  })

  it('takes the first environment and custom mode unless told otherwise', async () => {
    const world = await createWorld({ store })
    const { key } = await world.keys.create(host, { name: 'Plain', scopes: ['users:read'] })
    expect(key).toMatchObject({ environment: 'live', mode: 'custom', createdBy: 'system:nightly' })
    const { key: full } = await world.keys.create(admin, { name: 'Root', mode: 'full' })
    expect(full).toMatchObject({ mode: 'full', scopes: [] })
  })

  it('writes the key, its secret and its event in one commit, and waits nothing out', async () => {
    const world = await createWorld({ store, sinkNames: ['log'] })
    const { key } = await world.keys.create(
      admin,
      { name: 'CI', scopes: ['users:read'] },
      { requestId: 'req-7' },
    )
    const [event, ...more] = await world.events()
    expect(more).toEqual([])
    expect(event).toMatchObject({
      action: 'key.created',
      actor: 'user:ann',
      target: { type: 'key', id: key.id, name: 'CI' },
      requestId: 'req-7',
      before: null,
      after: { name: 'CI', mode: 'custom', scopes: ['users:read'], status: 'active' },
    })
    expect((await world.store.countMessages()).get('log')).toBe(1)
    expect(world.settled).toBe(0)
  })

  it('makes exactly as many active keys as the plan has, by any number of callers at once', async () => {
    const world = await createWorld({ store })
    world.plan.maxKeys = 7
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => makeKey(world)))
    const made = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    const codes = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [],
    )
    expect(made).toHaveLength(7)
    expect(new Set(codes)).toEqual(new Set(['key_limit_reached']))
    expect((await world.keys.list(admin, { limit: 100 })).keys).toHaveLength(7)
    expect(await world.events()).toHaveLength(7)
  })

  it('makes none for a plan without access', async () => {
    const world = await createWorld({ store })
    world.plan.access = false
    await refusal(makeKey(world), 'not_entitled')
    expect((await world.keys.list(admin)).keys).toEqual([])
  })

  it('counts its living secrets by the host secret they hang on', async () => {
    const world = await createWorld({ store })
    await makeKey(world)
    await makeKey(world)
    expect([...(await world.keys.countBySecret())]).toMatchObject([['none', { keys: 2 }]])
  })
})

it('mints again when a digest is taken, and gives up on a generator that repeats itself', async () => {
  let fresh = 0
  const entropy = (bytes: number): Uint8Array => {
    // Ids differ in every call, secrets only from the third on.
    if (bytes === 10) return Uint8Array.from({ length: 10 }, (_, i) => (i === 0 ? fresh++ : i))
    return new Uint8Array(bytes).fill(fresh < 6 ? 1 : 2)
  }
  const world = await createWorld({ entropy })
  const first = await makeKey(world)
  const second = await makeKey(world)
  expect(second.secret).not.toBe(first.secret)
  expect(second.secret.slice(0, 20)).not.toBe(first.secret.slice(0, 20))

  const stuck = await createWorld({ entropy: (bytes) => new Uint8Array(bytes).fill(3) })
  await makeKey(stuck)
  await refusal(makeKey(stuck), 'store_unavailable')
  expect(await stuck.events()).toHaveLength(1)
})

it('types the secret as text unless the call can be a repetition', async () => {
  const { keys } = await createWorld()
  const plain = () => keys.create(admin, { name: 'a', scopes: ['users:read'] }, { requestId: 'r' })
  const repeatable = () => keys.create(admin, { name: 'a', mode: 'full' }, { idempotencyKey: 'i' })
  expectTypeOf(plain).returns.resolves.toEqualTypeOf<CreatedKey>()
  expectTypeOf(repeatable).returns.resolves.toEqualTypeOf<CreatedKey | RepeatedKey>()
  // @ts-expect-error a scope the catalogue does not have
  const typo = () => keys.create(admin, { name: 'a', scopes: ['contact:read'] })
  // @ts-expect-error full access names no scopes
  const both = () => keys.create(admin, { name: 'a', mode: 'full', scopes: ['users:read'] })
  expect([typo, both]).toHaveLength(2)
})
