import { expect, expectTypeOf, test } from 'vitest'
import { diffAccess } from '../../src/core/access-diff.js'
import type { AnyCatalog } from '../../src/core/catalog.js'
import type { Directory } from '../../src/ports/directory.js'
import type { Entitlements } from '../../src/ports/entitlements.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import type { Keyrung } from '../../src/service/keyrung.js'
import { memoryStore } from '../../src/stores/memory.js'
import { admin, catalog, hostSecret, sample } from './sample.js'
import type { SampleScope } from './sample.js'

const base = { catalog, secret: hostSecret } as const
const principalOf = async () => {
  const { keyrung } = sample()
  const { key, secret } = await keyrung.keys.create(admin, {
    name: 'one',
    scopes: ['contacts:write-approval', 'email:send'],
  })
  const known = await keyrung.authenticate(secret)
  if (!known.ok) throw new Error(known.code)
  return { keyrung, key, principal: known.principal }
}

test('what the hooks answer is typed from the catalog', () => {
  const make = () => {
    const store = memoryStore()
    createKeyrung({
      ...{ ...base, store, keys: { prefix: 'tp' } },
      entitlements: { of: () => ({ access: true, ceilings: ['contacts:read'] }) },
      directory: { rightsOf: async () => ({ role: 'member', scopes: ['email:send'] }) },
    })
    createKeyrung({
      ...{ ...base, store, keys: { prefix: 'tp' } },
      // @ts-expect-error it is misspelt
      entitlements: { of: () => ({ access: true, ceilings: ['contacts:raed'] }) },
    })
    createKeyrung({
      ...{ ...base, store, keys: { prefix: 'tp' } },
      // @ts-expect-error it is misspelt
      directory: { rightsOf: () => ({ role: 'member', scopes: ['email:sned'] }) },
    })
    const entitlements: Entitlements<SampleScope> = { of: () => ({ access: true, ceilings: 'full' }) }
    const directory: Directory<SampleScope> = { rightsOf: () => null }
    return createKeyrung({ ...base, store, keys: { prefix: 'tp' }, entitlements, directory })
  }
  expectTypeOf(make).returns.toEqualTypeOf<Keyrung<typeof catalog, 'live'>>()
})

test('environments are typed from the options', () => {
  const make = () =>
    createKeyrung({
      ...{ ...base, store: memoryStore() },
      keys: { prefix: 'tp', environments: ['live', 'test'] },
    })
  expectTypeOf(make).returns.toEqualTypeOf<Keyrung<typeof catalog, 'live' | 'test'>>()
  const wrong = (keyrung: ReturnType<typeof make>) => {
    void keyrung.keys.create(admin, { name: 'one', scopes: [], environment: 'test' })
    // @ts-expect-error there is no such environment
    void keyrung.keys.create(admin, { name: 'one', scopes: [], environment: 'staging' })
  }
  expectTypeOf(wrong).toBeFunction()
})

test('a keyrung fits wherever one of its catalog, or of any, is taken', () => {
  const make = () => createKeyrung({ ...base, store: memoryStore(), keys: { prefix: 'tp' } })
  expectTypeOf(make).returns.toExtend<Keyrung<typeof catalog>>()
  expectTypeOf(make).returns.toExtend<Keyrung<AnyCatalog>>()
  expectTypeOf(make).returns.toExtend<Keyrung>()
})

test('without the type of its catalog it takes no permission', () => {
  const wrong = (keyrung: Keyrung) => {
    // @ts-expect-error nothing is known to be a permission
    keyrung.demand('made:up')
    // @ts-expect-error the same
    void keyrung.keys.create(admin, { name: 'one', scopes: ['made:up'] })
  }
  expectTypeOf(wrong).toBeFunction()
})

test('the scopes of an exchange and of a comparison are typed, those of a key can be compared as they are', async () => {
  const { keyrung, key, principal } = await principalOf()
  const wrong = () => {
    // @ts-expect-error it is misspelt
    void keyrung.tokens.exchange(principal, { scopes: ['contacts:raed'] })
    // @ts-expect-error it is misspelt
    diffAccess(catalog, ['contacts:raed'], [])
    // @ts-expect-error it is misspelt
    diffAccess(catalog, [], ['contacts:read', 'email:sned'])
  }
  expectTypeOf(wrong).toBeFunction()
  expect(diffAccess(catalog, key.scopes, ['email:send'])).toEqual({
    allowed: [],
    queued: [],
    denied: ['contacts:read', 'contacts:write'],
  })
})

test('can is true for what is allowed alone, and rejects with what authorize throws', async () => {
  const { keyrung, principal } = await principalOf()
  expect(await keyrung.can(principal, 'email:send')).toBe(true)
  expect(await keyrung.can(principal, 'contacts:write')).toBe(false)
  expect(await keyrung.can(principal, 'contacts:delete')).toBe(false)
  expect(await keyrung.can(principal, 'email:send', { approval: 'always' })).toBe(false)
  const wrong = () => {
    // @ts-expect-error it is misspelt
    void keyrung.can(principal, 'email:sned')
    // @ts-expect-error a promise is no condition
    return keyrung.can(principal, 'email:send') ? 1 : 2
  }
  expectTypeOf(wrong).toBeFunction()
  await keyrung.close()
  await expect(keyrung.can(principal, 'email:send')).rejects.toMatchObject({ code: 'closed' })
})
