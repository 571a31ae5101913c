import { describe, expect, it, test } from 'vitest'
import { KeyrungError } from '../../src/core/errors.js'
import { jwksHandler } from '../../src/http/jwks-handler.js'
import type { JwksSource } from '../../src/http/jwks-handler.js'
import { createVerifier } from '../../src/http/verify.js'
import { readHttpSettings } from '../../src/service/http-settings.js'
import { createTokenMinter } from '../../src/crypto/access-token.js'
import { sampleClaims } from '../core/access-token-samples.js'
import { signingWorld, times } from '../service/signing/world.js'

const context = { peer: undefined, prefix: '' }
const url = 'https://api.example.com/.well-known/jwks.json'

function published() {
  const keys = signingWorld().instance()
  const source: JwksSource = {
    tokens: { jwks: () => keys.jwks(), jwksCacheMs: keys.cacheMs },
    http: readHttpSettings(undefined, []),
  }
  const handler = jwksHandler(source)
  const ask = async (method = 'GET', headers: Record<string, string> = {}) =>
    handler(new Request(url, { method, headers }), context)
  return { keys, source, ask }
}

describe('the published keys', () => {
  it('are told with their type, for how long they may be kept, and a validator', async () => {
    const { ask, keys } = published()
    const response = await ask()
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'application/jwk-set+json',
      'cache-control': `public, max-age=${times.cacheMs / 1000}`,
      etag: expect.stringMatching(/^"[\w-]{22}"$/) as unknown,
    })
    expect(await response.json()).toEqual(await keys.jwks())
  })

  it('are not sent again to who has them', async () => {
    const { ask } = published()
    const etag = (await ask()).headers.get('etag')!
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const response = await ask('GET', { 'if-none-match': condition })
      expect(response.status).toBe(304)
      expect(await response.text()).toBe('')
      expect(response.headers.get('etag')).toBe(etag)
      expect(response.headers.get('cache-control')).toBe('public, max-age=600')
    }
    expect((await ask('GET', { 'if-none-match': '"other"' })).status).toBe(200)
  })

  it('answer HEAD as GET, without the body', async () => {
    const { ask } = published()
    const [head, get] = [await ask('HEAD'), await ask()]
    expect([...head.headers]).toEqual([...get.headers])
    expect(await head.text()).toBe('')
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('are read only: %s is refused', async (method) => {
    const response = await published().ask(method)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
    expect(await response.json()).toMatchObject({ code: 'method_not_allowed' })
  })

  it('that cannot be had are an outage that no cache keeps', async () => {
    const { source } = published()
    const jwks = () =>
      Promise.reject(new KeyrungError('store_unavailable', { internal: 'secret of the house' }))
    const handler = jwksHandler({ ...source, tokens: { ...source.tokens, jwks } })
    const response = await handler(new Request(url), context)
    expect(response.status).toBe(503)
    expect(response.headers.get('cache-control') ?? 'no-store').toBe('no-store')
    expect(await response.text()).not.toContain('secret of the house')
  })

  it('are what a service without a store verifies by', async () => {
    const { keys, ask } = published()
    const token = await createTokenMinter(() => keys.signer()).mint(sampleClaims)
    const { verify } = createVerifier({
      issuer: sampleClaims.issuer,
      audience: [...sampleClaims.audience],
      environments: ['live'],
      jwksUri: url,
      clock: { now: () => sampleClaims.issuedAt },
      fetch: () => ask(),
    })
    expect(await verify(token)).toMatchObject({ ok: true, tokenId: sampleClaims.tokenId })
  })
})
