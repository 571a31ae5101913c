import { describe, expect, it, test } from 'vitest'
import { longestTokenLifetimeMs } from '../../../src/core/access-token.js'
import { createSuppliedKeys } from '../../../src/service/signing/supplied-keys.js'
import { failingStore } from '../../../src/testing/failing-store.js'
import { memoryStore } from '../../../src/stores/memory.js'
import { forgeKey } from '../../crypto/token-forge.js'
import { hostSecret } from '../sample.js'
import { hourMs, kidsOf, sealerOf, signingWorld } from './world.js'

describe('generated keys', () => {
  it('are there from the first question on, one for all instances', async () => {
    const { instance } = signingWorld()
    const instances = [instance(), instance(), instance()]
    const signers = await Promise.all(instances.map((keys) => keys.signer()))
    expect(new Set(signers.map(({ kid }) => kid)).size).toBe(1)
    expect(await kidsOf(instances[2]!)).toEqual([signers[0]!.kid])
    expect(await instances[1]!.findKey(signers[0]!.kid)).toMatchObject({ algorithm: 'EdDSA' })
    expect(await instances[1]!.findKey('another')).toBeUndefined()
  })

  it('are published without their private half, and not kept in the clear', async () => {
    const { instance, store } = signingWorld()
    const keys = instance()
    const { keys: published } = await keys.jwks()
    expect(Object.keys(published[0]!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
    const [setting] = await store.findSettings('signing-keys')
    expect(setting!.value).toMatch(/^a\.[0-9a-f]{8}\.[\w-]+$/)
    expect(setting!.value).not.toContain(published[0]!.kid)
  })

  it('follow each other: published before it signs, kept for as long as a token may live', async () => {
    const { clock, instance, tick } = signingWorld()
    const keys = instance()
    const first = (await keys.signer()).kid
    await clock.advance(2.5 * hourMs - 1)
    await tick(keys)
    expect(await kidsOf(keys)).toEqual([first])
    await clock.advance(1)
    await tick(keys)
    const [, second] = await kidsOf(keys)
    expect(second).not.toBe(first)
    await clock.advance(hourMs / 2 - 1)
    await tick(keys)
    expect((await keys.signer()).kid).toBe(first)
    await clock.advance(1)
    expect((await keys.signer()).kid).toBe(second)
    expect(await kidsOf(keys)).toEqual([first, second])
    await clock.advance(longestTokenLifetimeMs)
    await tick(keys)
    expect(await kidsOf(keys)).toContain(first)
    await clock.advance(60_000)
    await tick(keys)
    expect(await kidsOf(keys)).not.toContain(first)
    expect(await keys.findKey(first)).toBeUndefined()
  })

  it('have one successor, however many instances look at once', async () => {
    const { clock, instance, tick } = signingWorld()
    const instances = [instance(), instance(), instance()]
    await Promise.all(instances.map((keys) => keys.open()))
    await clock.advance(2.5 * hourMs)
    await Promise.all(instances.map(tick))
    await Promise.all(instances.map(tick))
    await clock.advance(60_000)
    for (const keys of instances) expect(await kidsOf(keys)).toHaveLength(2)
  })

  it('are followed by one of another algorithm where the host wants another', async () => {
    const { clock, instance, tick } = signingWorld()
    await instance().open()
    const changed = instance({ algorithm: 'ES256' })
    await tick(changed)
    expect((await changed.jwks()).keys.map(({ alg }) => alg)).toEqual(['EdDSA', 'ES256'])
    expect((await changed.signer()).algorithm).toBe('EdDSA')
    await clock.advance(hourMs / 2)
    expect((await changed.signer()).algorithm).toBe('ES256')
  })

  it('are sealed anew under the secret that writes now, and stay the same', async () => {
    const { instance, tick, store } = signingWorld()
    const before = await kidsOf(instance())
    const next = 'another secret of the host, for tests'
    await tick(instance({ sealer: sealerOf(next, hostSecret) }))
    expect(await kidsOf(instance({ sealer: sealerOf(next) }))).toEqual(before)
    const [setting] = await store.findSettings('signing-keys')
    expect(setting!.version).toBe(2)
  })

  it('are never more than are looked at, however often they have to follow each other', async () => {
    const { clock, instance, tick } = signingWorld()
    const keys = instance({ times: { cacheMs: 10_000, periodMs: 60_000 } })
    await keys.open()
    for (let i = 0; i < 30; i++) {
      await clock.advance(60_000)
      await tick(keys)
    }
    expect(await kidsOf(keys)).toHaveLength(16)
    expect(await keys.findKey((await keys.signer()).kid)).toBeDefined()
  })

  it('do nothing for a worker that finds none', async () => {
    const { instance, tick, store } = signingWorld()
    await tick(instance())
    expect(await store.findSettings('signing-keys')).toEqual([])
  })
})

describe('generated keys are refused', () => {
  it('where they were sealed under another secret', async () => {
    const { instance } = signingWorld()
    await instance().open()
    const other = instance({ sealer: sealerOf('another secret of the host, for tests') })
    await expect(other.signer()).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(other.findKey('any')).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it.each([
    '{}',
    '{"keys":[]}',
    '{"keys":[{}]}',
    '{"keys":[1]}',
    'no JSON',
    '{"keys":[{"jwk":{},"publishedAt":1}]}',
  ])('where %s was sealed in their place', async (text) => {
    const { instance, store } = signingWorld()
    const value = await sealerOf(hostSecret).seal(Buffer.from(text), 'signing-keys')
    const record = { id: 'signing-keys', workspaceId: '', version: 1, value }
    await store.commit([{ do: 'insert', type: 'setting', record }])
    await expect(instance().signer()).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it('where what was sealed belongs elsewhere, so that nobody adds a key who can only write to the store', async () => {
    const { instance, store } = signingWorld()
    const value = await sealerOf(hostSecret).seal(Buffer.from('{"keys":[]}'), 'elsewhere')
    const record = { id: 'signing-keys', workspaceId: '', version: 1, value }
    await store.commit([{ do: 'insert', type: 'setting', record }])
    await expect(instance().signer()).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('while the store does not answer', () => {
  it('keys go on for a lease, and then nothing is signed or accepted', async () => {
    const { clock, instance, store } = signingWorld()
    const failing = failingStore(store, { clock })
    const keys = instance({ store: failing.store })
    const { kid } = await keys.signer()
    failing.trouble('findSettings', { by: 'reject' })
    await clock.advance(59_999)
    expect((await keys.signer()).kid).toBe(kid)
    await clock.advance(1)
    await expect(keys.signer()).rejects.toMatchObject({ code: 'store_unavailable' })
    failing.heal()
    expect((await keys.signer()).kid).toBe(kid)
  })

  it('a flood of names nobody knows asks it nothing', async () => {
    const { clock, instance, store } = signingWorld(memoryStore())
    const failing = failingStore(store, { clock })
    const keys = instance({ store: failing.store })
    await keys.open()
    const before = failing.calls('findSettings')
    for (let i = 0; i < 1000; i++) expect(await keys.findKey(`kid-${i}`)).toBeUndefined()
    expect(failing.calls('findSettings')).toBe(before)
  })
})

describe('keys of the host', () => {
  const [one, two] = [forgeKey('EdDSA'), forgeKey('ES256')]

  it('sign with the first and verify with all, a public half being enough for that', async () => {
    const keys = createSuppliedKeys([one.privateJwk, two.publicJwk], 'tokens.keys', 600_000)
    await keys.open()
    expect((await keys.signer()).kid).toBe(one.kid)
    expect(await kidsOf(keys)).toEqual([one.kid, two.kid])
    expect(await keys.findKey(two.kid)).toMatchObject({ algorithm: 'ES256' })
    expect(await keys.findKey('another')).toBeUndefined()
    expect(JSON.stringify(await keys.jwks())).not.toContain('"d"')
    expect(keys.jobs).toEqual([])
  })

  test.each([
    ['a first without its private half', [one.publicJwk], 'tokens.keys.0.d'],
    ['a second that is none', [one.privateJwk, {}], 'tokens.keys.1'],
    ['one that is there twice', [one.privateJwk, one.publicJwk], 'tokens.keys.1'],
  ])('are refused with %s', async (_, jwks, path) => {
    await expect(createSuppliedKeys(jwks, 'tokens.keys', 600_000).open()).rejects.toMatchObject({
      code: 'config_invalid',
      faults: [{ path }],
    })
  })
})
