import { describe, expect, test } from 'vitest'
import { adminHost } from './host.js'

const tokens = { issuer: 'https://api.example.com', audience: ['api', 'reports'] } as const

async function tokenHost() {
  const host = adminHost({ tokens })
  return { ...host, ...(await host.makeKey(['contacts:write', 'email:send-approval'])) }
}

describe('exchanging over the management API', () => {
  test('a key gets a token, with the members of a token endpoint’s answer', async () => {
    const { ask, secret } = await tokenHost()
    const wish = { scopes: ['contacts:read'], audience: 'api', lifetime_seconds: 60, actor: 'researcher' }
    const { status, headers, body } = await ask(secret, 'POST', '/tokens', wish)
    expect([status, headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(body).toEqual({
      access_token: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 60,
      scope: 'contacts:read',
    })
  })

  test('a token can be looked at, and exchanged in its turn', async () => {
    const { ask, secret, key, clock } = await tokenHost()
    const first = await ask(secret, 'POST', '/tokens', { scopes: ['contacts:read'], actor: 'planner' })
    const second = await ask(first.body.access_token, 'POST', '/tokens', { actor: 'researcher' })
    const me = await ask(second.body.access_token, 'GET', '/me')
    expect(me.body).toMatchObject({
      key: { id: key.id, name: 'Agent' },
      token: {
        id: expect.stringMatching(/^tok_/),
        scopes: ['contacts:read'],
        expires_at: new Date(clock.now() + 300_000).toISOString(),
        actors: ['researcher', 'planner'],
      },
      mode: 'custom',
      scopes: ['contacts:read'],
      resources: [{ name: 'contacts', permissions: [{ permission: 'contacts:read', effect: 'allow' }] }],
    })
    expect((await ask(secret, 'GET', '/me')).body).not.toHaveProperty('token')
  })

  test('a token of a key with Full Access has what it was given', async () => {
    const { ask } = await tokenHost()
    const { body } = await ask('admin', 'POST', '/keys', { name: 'Full', mode: 'full' })
    const made = await ask(body.secret, 'POST', '/tokens', { scopes: ['email:send'] })
    const me = await ask(made.body.access_token, 'GET', '/me')
    expect(me.body).toMatchObject({ mode: 'custom', scopes: ['email:send'] })
  })

  test('a token manages nothing: the answer is the one for a key', async () => {
    const { ask } = await tokenHost()
    const { body } = await ask('admin', 'POST', '/keys', { name: 'Full', mode: 'full' })
    const made = await ask(body.secret, 'POST', '/tokens', {})
    for (const [method, path, sent] of [
      ['GET', '/keys'],
      ['POST', '/keys', { name: 'x', scopes: ['contacts:read'] }],
      ['GET', '/approvals'],
      ['GET', '/audit'],
      ['GET', '/usage'],
    ] as const) {
      const { status, body: told } = await ask(made.body.access_token, method, path, sent)
      expect([path, status, told.code]).toEqual([path, 403, 'forbidden'])
    }
  })

  test.each([
    ['scopes beyond its own', { scopes: ['contacts:delete'] }, 403, ['scopes']],
    ['an audience that is not the host’s', { audience: ['elsewhere'] }, 403, ['audience[0]']],
    [
      'a life that is too long, by its name on the wire',
      { lifetime_seconds: 301 },
      422,
      ['lifetime_seconds'],
    ],
    ['a life in words', { lifetime_seconds: 'long' }, 422, ['lifetime_seconds']],
    ['an unknown field', { scope: 'contacts:read' }, 422, ['scope']],
    ['an actor of two lines', { actor: 'a\nb' }, 422, ['actor']],
  ])('a key that asks for %s is told so', async (_, wish, status, paths) => {
    const { ask, secret } = await tokenHost()
    const reply = await ask(secret, 'POST', '/tokens', wish)
    expect([reply.status, reply.body.faults.map(({ path }: { path: string }) => path)]).toEqual([
      status,
      paths,
    ])
  })

  test('a key whose limits are used up is told when to try again', async () => {
    const limits = [{ name: 'hour', limit: 1, windowMs: 3_600_000 }]
    const { ask, makeKey } = adminHost({ tokens, keys: { prefix: 'tp', limits } })
    const { secret } = await makeKey(['contacts:read'])
    expect((await ask(secret, 'POST', '/tokens', {})).status).toBe(201)
    const { status, headers, body } = await ask(secret, 'POST', '/tokens', {})
    expect([status, body.code, body.limit.name]).toEqual([429, 'limited', 'hour'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(3_500)
  })

  test('a token that is over is told so, and one of another host is left to the host', async () => {
    const { ask, secret, clock } = await tokenHost()
    const { body } = await ask(secret, 'POST', '/tokens', { lifetime_seconds: 1 })
    await clock.advance(10_000)
    const over = await ask(body.access_token, 'GET', '/me')
    expect([over.status, over.body.code]).toEqual([401, 'token_expired'])
    const elsewhere = adminHost({ tokens: { ...tokens, issuer: 'https://other.example.com' } })
    const foreign = await elsewhere.ask(body.access_token, 'GET', '/me')
    expect([foreign.status, foreign.body.code]).toEqual([401, 'actor_missing'])
  })
})
