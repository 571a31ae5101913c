import { describe, expect, test, vi } from 'vitest'
import { createVerifier } from '../../../src/http/verify.js'
import type { ExchangeWish } from '../../../src/core/exchange.js'
import { admin } from '../sample.js'
import { openTokens, tokens } from './fixture.js'

const changeScopes = ({ keyrung, key }: World, scopes: readonly string[]) =>
  keyrung.keys.edit(admin, key.id, { scopes: scopes as never }, { version: key.version })

const refused = (code: string) => expect.objectContaining({ code }) as Error

describe('a token', () => {
  test('does what it was given, and nothing that its key could do besides', async () => {
    const { secret, exchange, ask } = await openTokens()
    const { token } = await exchange(secret, { scopes: ['contacts:read'] })
    expect(await ask(token, 'contacts:read')).toBe('allow')
    expect(await ask(token, 'contacts:write')).toBe('insufficient')
    expect(await ask(token, 'email:send')).toBe('hidden')
    expect(await ask(secret, 'contacts:write')).toBe('allow')
    expect(await ask(secret, 'email:send')).toBe('approval_required')
  })

  test('of no particular scopes has all that the key has', async () => {
    const { secret, exchange, ask } = await openTokens()
    const made = await exchange(secret)
    expect(made).toMatchObject({
      scopes: ['contacts:write', 'email:send-approval'],
      audience: ['urn:keyrung:own-guards'],
      chain: [],
    })
    expect(await ask(made.token, 'contacts:write')).toBe('allow')
    expect(await ask(made.token, 'email:send')).toBe('approval_required')
  })

  test('tells who calls, for whom, and until when', async () => {
    const { secret, key, exchange, principalOf, clock } = await openTokens()
    const first = await exchange(secret, { actor: 'planner' })
    const second = await exchange(first.token, { actor: 'researcher', scopes: ['contacts:read'] })
    expect(await principalOf(second.token)).toEqual({
      ...(await principalOf(secret)),
      type: 'token',
      tokenId: second.tokenId,
      scopes: ['contacts:read'],
      audience: ['urn:keyrung:own-guards'],
      expiresAt: second.expiresAt,
      chain: ['researcher', 'planner'],
    })
    expect(second.expiresAt).toBe(clock.now() + 300_000)
    expect((await principalOf(second.token)).keyId).toBe(key.id)
  })

  test('is over when its time is, and when its parent token’s is', async () => {
    const { secret, exchange, ask, clock } = await openTokens()
    const parent = await exchange(secret, { lifetimeMs: 60_000 })
    const child = await exchange(parent.token)
    expect(child.expiresAt).toBe(parent.expiresAt)
    await clock.advance(59_999)
    expect(await ask(child.token, 'contacts:read')).toBe('allow')
    await clock.advance(1)
    expect(await ask(child.token, 'contacts:read')).toBe('token_expired')
    expect(await ask(parent.token, 'contacts:read')).toBe('token_expired')
    expect(await ask(secret, 'contacts:read')).toBe('allow')
  })

  test.each([
    ['its key is revoked', 'key_revoked', (world: World) => world.keyrung.keys.revoke(admin, world.key.id)],
    [
      'its key is deleted',
      'credential_invalid',
      (world: World) => world.keyrung.keys.delete(admin, world.key.id),
    ],
    [
      'its secret is replaced',
      'secret_rotated',
      (world: World) => world.keyrung.keys.rotate(admin, world.key.id, { graceMs: 0 }),
    ],
    ['its key may no longer', 'hidden', (world: World) => changeScopes(world, ['email:read'])],
    [
      'its key may only ask for it',
      'approval_required',
      (world: World) => changeScopes(world, ['contacts:write-approval']),
    ],
  ] as const)('ends with the next request when %s: %s', async (_, code, change) => {
    const world = await openTokens()
    const { token } = await world.exchange(world.secret, { scopes: ['contacts:write'] })
    const kept = await world.principalOf(token)
    expect(await world.ask(token, 'contacts:write')).toBe('allow')
    await change(world)
    expect(await world.ask(token, 'contacts:write')).toBe(code)
    const decision = await world.keyrung.authorize(kept, 'contacts:write')
    expect(decision.effect === 'deny' ? decision.code : decision.effect).toBe(
      code === 'approval_required' ? 'approval' : code,
    )
  })

  test('does not grow when its key does', async () => {
    const world = await openTokens(['contacts:read'])
    const { token } = await world.exchange(world.secret)
    await changeScopes(world, ['contacts:delete', 'email:send'])
    expect(await world.ask(world.secret, 'contacts:delete')).toBe('allow')
    expect(await world.ask(token, 'contacts:delete')).toBe('insufficient')
    expect(await world.ask(token, 'email:send')).toBe('hidden')
  })

  test('is explained: it is the token that falls short, not the key', async () => {
    const { keyrung, secret, exchange, principalOf } = await openTokens()
    const { token } = await exchange(secret, { scopes: ['contacts:read'] })
    const explained = await keyrung.explain(await principalOf(token), 'contacts:write')
    expect(explained).toMatchObject({ decidedBy: 'token', enough: ['contacts:write'] })
    expect(explained.layers.map(({ layer, rung }) => [layer, rung])).toEqual([
      ['key', 'write'],
      ['token', 'read'],
    ])
  })

  test('spends the limits of its key', async () => {
    const { secret, exchange, ask } = await openTokens(['contacts:read'], {
      keys: { prefix: 'tp', limits: [{ name: 'minute', limit: 5, windowMs: 60_000 }] },
    })
    const [one, other] = [await exchange(secret), await exchange(secret, { actor: 'researcher' })]
    expect(await ask(one.token, 'contacts:read')).toBe('allow')
    expect(await ask(other.token, 'contacts:read')).toBe('allow')
    expect(await ask(secret, 'contacts:read')).toBe('allow')
    expect(await ask(one.token, 'contacts:read')).toBe('limited')
    expect(await ask(secret, 'contacts:read')).toBe('limited')
  })

  test('manages nothing and decides nothing, though its key were let', async () => {
    const { keyrung, secret, exchange, principalOf } = await openTokens(['contacts:read'], {
      keys: { prefix: 'tp', canManage: () => true },
      approvals: { canDecide: () => true },
    })
    const { token } = await exchange(secret)
    const actor = { type: 'principal', principal: await principalOf(token) } as const
    await expect(keyrung.keys.list(actor)).rejects.toEqual(refused('forbidden'))
    await expect(keyrung.keys.create(actor, { name: 'x', scopes: [] })).rejects.toEqual(refused('forbidden'))
    await expect(keyrung.approvals.list(actor)).rejects.toEqual(refused('forbidden'))
    const own = { type: 'principal', principal: await principalOf(secret) } as const
    expect(await keyrung.keys.list(own)).toMatchObject({ keys: [{ name: 'agent' }] })
  })
})

type World = Awaited<ReturnType<typeof openTokens>>

describe('an exchange', () => {
  test.each([
    ['scopes that the key has not', { scopes: ['contacts:delete'] }, 'beyond_own_rights'],
    ['a rung without the approval that the key needs', { scopes: ['email:send'] }, 'beyond_own_rights'],
    ['an audience that is not the host’s', { audience: 'elsewhere' }, 'beyond_own_rights'],
    ['a longer life than the host allows', { lifetimeMs: 300_001 }, 'input_invalid'],
    ['a life of less than a second', { lifetimeMs: 999 }, 'input_invalid'],
    ['scopes that are none', { scopes: ['nonsense'] }, 'input_invalid'],
    ['what it does not know', { scope: 'contacts:read' }, 'input_invalid'],
  ])('refuses %s', async (_, wish, code) => {
    const { secret, exchange } = await openTokens()
    await expect(exchange(secret, wish as ExchangeWish<never>)).rejects.toEqual(refused(code))
  })

  test('of a token gives no more than the token has, whatever the key holds', async () => {
    const { secret, exchange } = await openTokens()
    const { token } = await exchange(secret, { scopes: ['contacts:read'] })
    await expect(exchange(token, { scopes: ['contacts:write'] })).rejects.toEqual(
      refused('beyond_own_rights'),
    )
    expect(await exchange(token)).toMatchObject({ scopes: ['contacts:read'] })
  })

  test('of a token gives no more than the key has by now', async () => {
    const world = await openTokens()
    const { token } = await world.exchange(world.secret)
    await changeScopes(world, ['contacts:read'])
    expect(await world.exchange(token)).toMatchObject({ scopes: ['contacts:read'] })
    await expect(world.exchange(token, { scopes: ['email:send-approval'] })).rejects.toEqual(
      refused('beyond_own_rights'),
    )
  })

  test('of a token is for no other audience than the token', async () => {
    const { secret, exchange } = await openTokens(['contacts:read'], {
      tokens: { ...tokens, audience: ['api', 'reports'] },
    })
    const { token } = await exchange(secret, { audience: 'reports' })
    expect(await exchange(token)).toMatchObject({ audience: ['reports'] })
    await expect(exchange(token, { audience: 'api' })).rejects.toEqual(refused('beyond_own_rights'))
  })

  test('without an audience is for the host’s own guards: no other service takes the token, nor one made of it', async () => {
    const { keyrung, clock, secret, exchange, ask } = await openTokens(['contacts:read'], {
      tokens: { ...tokens, audience: ['api', 'reports', tokens.issuer] },
    })
    const own = await exchange(secret)
    const ofOwn = await exchange(own.token)
    await expect(exchange(own.token, { audience: 'api' })).rejects.toEqual(refused('beyond_own_rights'))
    const jwks = await keyrung.tokens.jwks()
    for (const audience of ['api', 'reports', tokens.issuer]) {
      const { verify } = createVerifier({ ...tokens, audience, environments: 'live', jwks, clock })
      for (const { token } of [own, ofOwn]) {
        expect(await verify(token)).toMatchObject({ ok: false, fault: 'audience' })
        expect(await ask(token, 'contacts:read')).toBe('allow')
      }
      const { token } = await exchange(secret, { audience })
      expect(await verify(token)).toMatchObject({ ok: true, audience: [audience] })
      expect(await ask(token, 'contacts:read')).toBe('allow')
    }
  })

  test('ends before the key does, and before its secret does', async () => {
    const { keyrung, key, clock, secret, exchange } = await openTokens()
    await keyrung.keys.rotate(admin, key.id, { graceMs: 90_500 })
    expect((await exchange(secret)).expiresAt).toBe(clock.now() + 90_000)
  })

  test('lets only so many act in a row', async () => {
    const { secret, exchange } = await openTokens(['contacts:read'], { tokens: { ...tokens, maxChain: 2 } })
    const first = await exchange(secret, { actor: 'a' })
    const second = await exchange(first.token, { actor: 'b' })
    await expect(exchange(second.token, { actor: 'c' })).rejects.toEqual(refused('input_invalid'))
    expect(await exchange(second.token)).toMatchObject({ chain: ['b', 'a'] })
  })

  test('of a credential that is over is refused with the reason', async () => {
    const { keyrung, key, secret, exchange, principalOf, clock } = await openTokens()
    const { token } = await exchange(secret, { lifetimeMs: 1_000 })
    const [own, its] = [await principalOf(secret), await principalOf(token)]
    await clock.advance(1_000)
    await expect(keyrung.tokens.exchange(its)).rejects.toEqual(refused('token_expired'))
    await keyrung.keys.revoke(admin, key.id)
    await expect(keyrung.tokens.exchange(own)).rejects.toEqual(refused('key_revoked'))
  })
})

describe('without tokens', () => {
  test('nothing is exchanged, and a token is a credential like any that is not valid', async () => {
    const { secret, exchange } = await openTokens()
    const { token } = await exchange(secret)
    const other = await openTokens(['contacts:read'], { tokens: undefined as never })
    expect(await other.ask(token, 'contacts:read')).toBe('credential_invalid')
    await expect(other.exchange(other.secret)).rejects.toEqual(refused('config_invalid'))
    await expect(other.keyrung.tokens.jwks()).rejects.toEqual(refused('config_invalid'))
  })

  test('of this host there are none: another host’s are not accepted, nor those for another audience', async () => {
    const { secret, exchange } = await openTokens()
    const { token } = await exchange(secret)
    for (const changed of [{ issuer: 'https://other.example.com' }, { audience: 'other' }]) {
      const { ask } = await openTokens(['contacts:read'], { tokens: { ...tokens, ...changed } })
      expect(await ask(token, 'contacts:read')).toBe('credential_invalid')
    }
  })
})

test('a source of forged tokens is held back before a signature is verified; who was known before goes on', async () => {
  const sources = { name: 'failures', limit: 3, windowMs: 60_000 }
  const { keyrung, secret, exchange } = await openTokens(['contacts:read'], { limits: { sources } })
  const elsewhere = await openTokens(['contacts:read'])
  const ask = async (credential: string, address = '192.0.2.1') => {
    const request = { authorization: [`Bearer ${credential}`], address }
    const admission = await keyrung.admit(request, keyrung.demand('contacts:read'))
    return admission.ok ? 'allow' : admission.code
  }
  const [known, unseen] = [(await exchange(secret)).token, (await exchange(secret)).token]
  expect(await ask(known)).toBe('allow')
  for (let i = 0; i < 3; i++) {
    const { token } = await elsewhere.exchange(elsewhere.secret, { actor: `forger ${i}` })
    expect(await ask(token)).toBe('credential_invalid')
  }
  const verified = vi.spyOn(globalThis.crypto.subtle, 'verify')
  const { token } = await elsewhere.exchange(elsewhere.secret)
  expect(await ask(token)).toBe('limited')
  expect(await ask(unseen)).toBe('limited')
  expect(verified).not.toHaveBeenCalled()
  expect(await ask(known)).toBe('allow')
  expect(await ask(unseen, '198.51.100.7')).toBe('allow')
  expect(verified).toHaveBeenCalledTimes(1)
  verified.mockRestore()
})

test('what is configured wrongly is told at once, all of it', () => {
  const wrong = {
    ...{ issuer: '', audience: [], algorithm: 'HS256', lifetimeMs: 1, maxChain: 99 },
    ...{ rotationMs: 0, keys: [], lifetime: 5 },
  }
  return expect(openTokens([], { tokens: wrong as never })).rejects.toMatchObject({
    code: 'config_invalid',
    faults: [
      'lifetime',
      'issuer',
      'audience',
      'algorithm',
      'lifetimeMs',
      'maxChain',
      'rotationMs',
      'keys',
    ].map((name) => ({ path: `tokens.${name}` })),
  })
})

test('keys that are generated need a secret to be kept under', () => {
  const options = { pepper: 'none', secret: undefined as never } as const
  return expect(openTokens([], options)).rejects.toMatchObject({
    code: 'config_invalid',
    faults: [{ path: 'secret' }],
  })
})
