import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccessTokenClaims } from '../../src/core/access-token.js'
import { isTokenShaped } from '../../src/crypto/token-form.js'
import { tokenAttacks } from '../crypto/token-attacks.js'
import { forge, forgeKey, headerOf, payloadOf } from '../crypto/token-forge.js'
import type { AttackWorld } from '../crypto/token-forge.js'
import { createHost, operator } from './host.js'
import type { Host } from './host.js'
import { frameworks, serve } from './host-apps.js'
import type { Running } from './host-apps.js'
import { sendRaw } from './raw-http.js'
import type { Reply } from './raw-http.js'

const [issuer, audience] = ['https://api.example.com', 'api']
const [key, other, own] = [forgeKey('EdDSA'), forgeKey('ES256'), forgeKey('EdDSA')]
const tokens = { issuer, audience, keys: [key.privateJwk, other.publicJwk] }

describe.each(Object.keys(frameworks))('a guard of %s', (framework) => {
  let host: Host
  let running: Running
  let agent: { readonly id: string; readonly secret: string }

  beforeAll(async () => {
    host = createHost({ tokens, limits: { sources: false } }, 'memory')
    await host.keyrung.ready()
    running = await serve(frameworks[framework]!(host))
    agent = await host.makeKey(['contacts:write'])
  })
  afterAll(async () => {
    await running.stop()
    await host.keyrung.close()
  })

  const send = (credential: string, method = 'GET'): Promise<Reply> =>
    sendRaw(running.port, {
      method,
      target: '/contacts',
      headers: [['Authorization', `Bearer ${credential}`]],
    })
  const codeOf = ({ body }: Reply): unknown => (JSON.parse(body) as { code?: string }).code

  async function exchange(credential: string, wish: object): Promise<string> {
    const known = await host.keyrung.authenticate(credential)
    if (!known.ok) throw new Error(known.code)
    return (await host.keyrung.tokens.exchange(known.principal, wish)).token
  }

  /** The claims of a token that is accepted, as an attacker who holds one knows them. */
  async function worldOf(): Promise<AttackWorld> {
    const known = await host.keyrung.authenticate(await exchange(agent.secret, {}))
    if (!known.ok || known.principal.type !== 'token') throw new Error('no token')
    const { tokenId, keyId, secretId, workspaceId, environment, expiresAt } = known.principal
    const claims: AccessTokenClaims = {
      ...{ issuer, audience: [audience], tokenId, keyId, secretId, workspaceId, environment, expiresAt },
      ...{ scopes: 'contacts:write', issuedAt: expiresAt - 300_000, chain: [] },
    }
    return { key, other, own, claims }
  }

  test('takes a key and its tokens alike, and tells the handler which it was', async () => {
    const token = await exchange(agent.secret, { scopes: ['contacts:read'], actor: 'researcher' })
    host.callers.length = 0
    for (const credential of [agent.secret, token, token]) expect((await send(credential)).status).toBe(200)
    expect(host.callers.map(({ type }) => type)).toEqual(['key', 'token', 'token'])
    expect(host.callers[1]).toMatchObject({
      keyId: agent.id,
      scopes: ['contacts:read'],
      chain: ['researcher'],
    })
    const refused = await send(token, 'POST')
    expect([refused.status, codeOf(refused)]).toEqual([403, 'insufficient'])
    expect(refused.headers['www-authenticate']).toContain('error="insufficient_scope"')
    expect((await send(agent.secret, 'POST')).status).toBe(200)
  })

  test('refuses the token with the very next request once its key is revoked', async () => {
    const { id, secret } = await host.makeKey(['contacts:read'])
    const token = await exchange(secret, {})
    expect((await send(token)).status).toBe(200)
    await host.keyrung.keys.revoke(operator, id)
    const refused = await send(token)
    expect([refused.status, codeOf(refused)]).toEqual([401, 'key_revoked'])
  })

  test('accepts what its keys have signed, so that a refusal below is for the one thing that is wrong', async () => {
    const world = await worldOf()
    for (const signer of [key, other]) {
      expect((await send(forge(signer, headerOf(signer), payloadOf(world)))).status).toBe(200)
    }
  })

  test.each(tokenAttacks.filter(({ fault }) => fault !== 'expired'))('refuses $name', async ({ token }) => {
    const [world, ran] = [await worldOf(), host.ran.length]
    const refused = await send(token(world))
    // What is no header at all is the server's to refuse, before any guard.
    expect([400, 401, 431]).toContain(refused.status)
    if (refused.status === 401) {
      expect(codeOf(refused)).toBe('credential_invalid')
      expect(refused.headers['www-authenticate']).toContain('error="invalid_token"')
    }
    expect(host.ran).toHaveLength(ran)
  })

  test('says of a token that is over that it is over, and only of one that was good', async () => {
    const world = await worldOf()
    const past = { iat: world.claims.issuedAt / 1000 - 900, exp: world.claims.issuedAt / 1000 - 600 }
    const late = await send(forge(key, headerOf(key), payloadOf(world, past)))
    expect([late.status, codeOf(late)]).toEqual([401, 'token_expired'])
    const forged = await send(forge(own, headerOf(key), payloadOf(world, past)))
    expect([forged.status, codeOf(forged)]).toEqual([401, 'credential_invalid'])
  })

  test('takes no other text for a token that it has verified', async () => {
    const token = await exchange(agent.secret, {})
    expect((await send(token)).status).toBe(200)
    const [header, payload, signature] = token.split('.') as [string, string, string]
    const changed = [
      `${header}.${payload}.${signature}=`,
      `${header}.${payload}.${signature} `.trim() + '.',
      `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'A'}`,
      `${header}=.${payload}.${signature}`,
      token.toUpperCase(),
    ]
    for (const text of changed) {
      expect((await send(text)).status, text).toBe(401)
      if (isTokenShaped(text)) expect(await host.keyrung.authenticate(text)).toMatchObject({ ok: false })
    }
  })
})
