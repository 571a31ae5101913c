import { beforeAll, describe, expect, it, test } from 'vitest'
import type { AccessTokenClaims } from '../../src/core/access-token.js'
import type { ErrorCode } from '../../src/core/errors.js'
import { createTokenMinter } from '../../src/crypto/access-token.js'
import { importSigningKey } from '../../src/crypto/jwks.js'
import { createVerifier } from '../../src/http/verify.js'
import type { VerifierOptions } from '../../src/http/verify.js'
import { sampleClaims } from '../core/access-token-samples.js'
import { faultsOf } from '../core/faults.js'
import { hostileValues } from '../core/hostile-values.js'
import { tokenAttacks } from '../crypto/token-attacks.js'
import { forge, forgeKey, headerOf, payloadOf } from '../crypto/token-forge.js'
import type { AttackWorld } from '../crypto/token-forge.js'
import { catalog } from '../service/sample.js'

const key = forgeKey('EdDSA')
const other = forgeKey('ES256')
const world: AttackWorld = { key, other, own: forgeKey('EdDSA'), claims: sampleClaims }
const jwks = { keys: [key.publicJwk, other.publicJwk] }
const jwksUri = 'https://api.example.com/.well-known/jwks.json'

/** An issuer whose answer can be changed, and how often it was asked; time stands still unless it is moved. */
function issuer(answer: () => Response | Promise<Response> = () => Response.json(jwks)) {
  const state = { now: sampleClaims.issuedAt, answer, asked: 0, requests: [] as (RequestInit | undefined)[] }
  const options = {
    issuer: sampleClaims.issuer,
    audience: sampleClaims.audience,
    environments: ['live'],
    jwksUri,
    clock: { now: () => state.now },
    fetch: async (_url: unknown, init?: RequestInit) => {
      state.asked++
      state.requests.push(init)
      return state.answer()
    },
  } satisfies VerifierOptions
  return Object.assign(state, { options })
}

/** What other services keep in a set beside the keys of tokens, and what is no key. */
const strangers: readonly unknown[] = [
  { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'rsa' },
  { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA', kid: 'p384' },
  { kty: 'oct', k: 'AAAA', kid: 'oct' },
  { ...key.publicJwk, kid: 'enc', use: 'enc' },
  { ...key.publicJwk, kid: 'short', x: 'AAAA' },
  { ...other.publicJwk, kid: 'off the curve', x: other.publicJwk['y'], y: other.publicJwk['x'] },
  { kty: 'OKP' },
  ...[{}, [], null, 7, 'x'],
  ...Array.from({ length: 20 }, (_, i) => ({ kty: 'RSA', kid: `rsa ${i}` })),
]

let token: string
const mint = async (claims: AccessTokenClaims) =>
  createTokenMinter(await importSigningKey(key.privateJwk, 'key').then((signer) => () => signer)).mint(claims)
beforeAll(async () => void (token = await mint(sampleClaims)))

/** The code a promise is rejected with. */
const codeOf = (promise: Promise<unknown>): Promise<ErrorCode | null> =>
  promise.then(
    () => null,
    (error: { code: ErrorCode }) => error.code,
  )

describe('a service without a store', () => {
  test.each([
    ['by the issuer’s address', issuer().options],
    ['by keys it holds', { ...issuer().options, jwksUri: undefined, fetch: undefined, jwks }],
  ])('accepts a token %s, and is told all it says', async (_, { ...options }) => {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    const { verify } = createVerifier(given as unknown as VerifierOptions)
    const { scopes, ...rest } = sampleClaims
    expect(await verify(token)).toEqual({
      ...{ ok: true, ...rest, scopes: scopes.split(' ') },
      can: expect.any(Function) as unknown,
    })
  })

  it('is told by the catalogue what the scopes are worth', async () => {
    const { verify } = createVerifier({ ...issuer().options, catalog })
    const verified = await verify(
      await mint({ ...sampleClaims, scopes: 'contacts:write email:send-approval gone:read' }),
    )
    if (!verified.ok) throw new Error('it was refused')
    expect(verified.can('contacts:read')).toBe(true)
    expect(verified.can('contacts:write')).toBe(true)
    expect(verified.can('contacts:delete')).toBe(false)
    // Its like waits for a human, whom this service cannot ask.
    expect(verified.can('email:send')).toBe(false)
    expect(verified.can('gone:read' as 'email:read')).toBe(false)
    expect(verified.can('__proto__' as 'email:read')).toBe(false)
  })

  it('knows no ladders without a catalogue: less than it might be allowed, never more', async () => {
    const { verify } = createVerifier(issuer().options)
    const verified = await verify(await mint({ ...sampleClaims, scopes: 'contacts:read contacts:write' }))
    if (!verified.ok) throw new Error('it was refused')
    expect(verified.can('contacts:write')).toBe(true)
    expect(verified.can('contacts:delete')).toBe(false)
    const empty = await verify(await mint({ ...sampleClaims, scopes: '' }))
    expect(empty).toMatchObject({ ok: true, scopes: [] })
  })

  test.each(tokenAttacks)('refuses $name', async (attack) => {
    const { verify } = createVerifier(issuer().options)
    expect(await verify(attack.token(world))).toMatchObject({ ok: false, code: 'credential_invalid' })
  })

  it('refuses a token of another environment', async () => {
    const other = await mint({ ...sampleClaims, environment: 'test' })
    const { verify } = createVerifier(issuer().options)
    expect(await verify(other)).toMatchObject({ ok: false, fault: 'environment' })
    const both = createVerifier({ ...issuer().options, environments: ['live', 'test'] })
    expect(await both.verify(other)).toMatchObject({ ok: true, environment: 'test' })
    expect(await both.verify(token)).toMatchObject({ ok: true, environment: 'live' })
  })

  it('refuses whatever is no token, and throws at none of it', async () => {
    const { verify } = createVerifier(issuer().options)
    for (const value of Object.values(hostileValues()))
      expect(await verify(value)).toMatchObject({ ok: false })
  })
})

describe('the issuer', () => {
  it('is asked once for all who wait, and not again while its keys are kept', async () => {
    const at = issuer()
    const { verify } = createVerifier(at.options)
    await Promise.all(Array.from({ length: 20 }, () => verify(token)))
    await verify(token)
    expect(at.asked).toBe(1)
    expect(at.requests[0]).toMatchObject({ method: 'GET', redirect: 'manual' })
  })

  it('is asked nothing by what is no token, nor for what its keys cannot verify', async () => {
    const at = issuer()
    const { verify } = createVerifier(at.options)
    for (const attack of tokenAttacks) {
      if (attack.fault === 'malformed' || attack.fault === 'header') await verify(attack.token(world))
    }
    expect(at.asked).toBe(0)
  })

  it('is not asked again for each of a flood of unknown names', async () => {
    const at = issuer()
    const { verify } = createVerifier(at.options)
    await verify(token)
    for (let i = 0; i < 200; i++) {
      const unknown = forge(world.own, { ...headerOf(world.own), kid: `kid-${i}` }, payloadOf(world))
      expect(await verify(unknown)).toMatchObject({ ok: false, fault: 'unknown_key' })
    }
    expect(at.asked).toBe(1)
  })

  it.each([
    ['does not answer', () => Promise.reject(new TypeError('fetch failed'))],
    ['answers with an error', () => new Response('{}', { status: 500 })],
    [
      'leads elsewhere',
      () => new Response(null, { status: 302, headers: { location: 'https://own.example' } }),
    ],
    ['answers no JSON', () => new Response('<html>')],
    ['answers no keys', () => Response.json({ keys: 'none' })],
    ['answers without end', () => new Response('x'.repeat(70_000))],
    ['answers nothing', () => new Response(null)],
  ])('that %s makes for an outage, never for a bad token', async (_, answer) => {
    const at = issuer(answer)
    const { verify } = createVerifier(at.options)
    expect(await codeOf(verify(token))).toBe('issuer_unavailable')
    const wrong = await verify(token).catch((error: unknown) => error)
    expect(JSON.stringify(wrong)).not.toContain('own.example')
  })

  it('that publishes keys that nobody knows here, or that are none, is believed in the others', async () => {
    const { verify } = createVerifier(
      issuer(() => Response.json({ keys: [...strangers, key.publicJwk, ...strangers] })).options,
    )
    expect(await verify(token)).toMatchObject({ ok: true })
  })

  it.each([
    ['HTML', () => new Response('<html></html>', { headers: { 'content-type': 'text/html' } })],
    ['null', () => Response.json(null)],
    ['a list', () => Response.json([key.publicJwk])],
    ['an object without keys', () => Response.json({})],
    ['keys that are no list', () => Response.json({ keys: 'x' })],
    ['keys that are an object', () => Response.json({ keys: { 0: key.publicJwk } })],
    ['nothing', () => new Response(null)],
    ['a broken letter', () => new Response(new Uint8Array([0x7b, 0xff]))],
    ['an error', () => new Response('', { status: 500 })],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: jwksUri } })],
  ])('that answers %s is asked once for a hundred tokens, and again later', async (_, answer) => {
    const at = issuer(answer)
    const { verify } = createVerifier(at.options)
    for (let i = 0; i < 100; i++) {
      const made = forge(world.own, { ...headerOf(world.own), kid: `kid-${i}` }, payloadOf(world))
      expect(await codeOf(verify(made))).toBe('issuer_unavailable')
    }
    expect(at.asked).toBe(1)
    at.answer = () => Response.json(jwks)
    at.now += 5_000
    expect(await verify(token)).toMatchObject({ ok: true })
  })

  it.each([
    ['cannot be reached', () => Promise.reject(new TypeError('fetch failed'))],
    ['answers with an error', () => new Response('{}', { status: 503 })],
    ['answers what is no set of keys', () => new Response('<html>')],
  ])('that %s leaves its keys in force for a day', async (_, answer) => {
    const at = issuer()
    const { verify } = createVerifier(at.options)
    const fresh = async () =>
      verify(await mint({ ...sampleClaims, issuedAt: at.now, expiresAt: at.now + 60_000 }))
    expect(await fresh()).toMatchObject({ ok: true })
    at.answer = answer
    at.now += 600_000
    for (let i = 0; i < 20; i++) expect(await fresh()).toMatchObject({ ok: true })
    expect(at.asked).toBe(2)
    at.now += 86_400_000 - 600_000 - 1_000
    expect(await fresh()).toMatchObject({ ok: true })
    at.now += 1_000
    expect(await codeOf(fresh())).toBe('issuer_unavailable')
    at.answer = () => Response.json(jwks)
    at.now += 5_000
    expect(await fresh()).toMatchObject({ ok: true })
  })

  it('that is known to be away keeps nobody waiting whose key is known', async () => {
    const at = issuer()
    const { verify } = createVerifier(at.options)
    const fresh = async () =>
      verify(await mint({ ...sampleClaims, issuedAt: at.now, expiresAt: at.now + 60_000 }))
    await fresh()
    at.answer = () => Promise.reject(new TypeError('fetch failed'))
    at.now += 600_000
    await fresh()
    at.answer = () => new Promise<Response>(() => undefined)
    at.now += 5_000
    expect(await fresh()).toMatchObject({ ok: true })
    expect(at.asked).toBe(3)
  })

  it('that withdraws a key is believed, however long the key was to serve on', async () => {
    const at = issuer()
    const { verify } = createVerifier(at.options)
    await verify(token)
    at.answer = () => Response.json({ keys: [other.publicJwk] })
    at.now += 600_000
    const late = await mint({ ...sampleClaims, issuedAt: at.now, expiresAt: at.now + 60_000 })
    expect(await verify(late)).toMatchObject({ ok: false, fault: 'unknown_key' })
  })

  it('serves no longer than it was asked without an answer, where a host wants that', async () => {
    const at = issuer()
    const { verify } = createVerifier({ ...at.options, staleIfErrorMs: 0 })
    await verify(token)
    at.answer = () => new Response('', { status: 500 })
    at.now += 600_000
    expect(await codeOf(verify(token))).toBe('issuer_unavailable')
  })

  it('that is in trouble is left alone for a while, and then asked again', async () => {
    const at = issuer(() => Promise.reject(new TypeError('fetch failed')))
    const { verify } = createVerifier(at.options)
    for (let i = 0; i < 50; i++) expect(await codeOf(verify(token))).toBe('issuer_unavailable')
    expect(at.asked).toBe(1)
    at.answer = () => Response.json(jwks)
    at.now += 5_000
    expect(await verify(token)).toMatchObject({ ok: true })
    expect(at.asked).toBe(2)
  })

  it('that publishes two keys of one name, or none that verifies, is believed in neither', async () => {
    for (const keys of [
      [key.publicJwk, { ...world.own.publicJwk, kid: key.kid }],
      [{ kty: 'oct', k: 'AAAA', kid: key.kid }],
      [],
    ]) {
      const { verify } = createVerifier(issuer(() => Response.json({ keys })).options)
      expect(await verify(token)).toMatchObject({ ok: false, fault: 'unknown_key' })
    }
  })
})

describe('a verifier is not made', () => {
  const { options } = issuer()
  const refused = (change: object) =>
    faultsOf('config_invalid', () => createVerifier({ ...options, ...change } as VerifierOptions))

  test.each([
    ['without an issuer', { issuer: undefined }, 'issuer: must be the issuer of the tokens'],
    [
      'without an audience',
      { audience: undefined },
      'audience: must name this service, or be a list of its names',
    ],
    ['for no audience', { audience: [] }, 'audience: must name this service, or be a list of its names'],
    [
      'for an algorithm that takes a shared secret',
      { algorithms: ['HS256'] },
      'algorithms: must be a list of EdDSA, ES256',
    ],
    ['for no algorithm', { algorithms: [] }, 'algorithms: must be a list of EdDSA, ES256'],
    [
      'with an address in the clear',
      { jwksUri: 'http://api.example.com/jwks' },
      'jwksUri: must be an https URL without a user',
    ],
    [
      'with a user in the address',
      { jwksUri: 'https://a:b@api.example.com/' },
      'jwksUri: must be an https URL without a user',
    ],
    ['with no address', { jwksUri: 'jwks.json' }, 'jwksUri: must be an https URL without a user'],
    ['with two sources of keys', { jwks }, 'jwksUri: or jwks has to be there, and not both'],
    ['with no source of keys', { jwksUri: undefined }, 'jwksUri: or jwks has to be there, and not both'],
    [
      'with no keys',
      { jwksUri: undefined, jwks: { keys: [] } },
      'jwks: must be { keys } with 1 to 1000 keys',
    ],
    [
      'for the issuer’s own guards',
      { audience: ['api', 'urn:keyrung:own-guards'] },
      "audience: is for the issuer's own guards alone",
    ],
    [
      'without environments',
      { environments: undefined },
      "environments: must list the environments whose tokens it accepts, such as ['live']",
    ],
    [
      'for no environment',
      { environments: [] },
      "environments: must list the environments whose tokens it accepts, such as ['live']",
    ],
    [
      'with keys that serve for ever',
      { staleIfErrorMs: Infinity },
      'staleIfErrorMs: must be whole milliseconds, up to 30 days',
    ],
    [
      'with a tolerance without bounds',
      { clockToleranceMs: 60_001 },
      'clockToleranceMs: must be whole milliseconds, up to a minute',
    ],
    ['with another catalogue', { catalog: {} }, 'catalog: must be what defineCatalog made'],
    ['with another clock', { clock: Date }, 'clock: must have a function now'],
    ['with no function to fetch', { fetch: 'fetch' }, 'fetch: must be a function'],
    [
      'with a misspelt option',
      { audiences: [] },
      expect.stringMatching(/^audiences: there is no such property/),
    ],
  ])('%s', (_, change, fault) => {
    expect(refused(change)).toEqual([fault])
  })

  it('of anything but options', () => {
    for (const value of [undefined, null, 'https://api.example.com', []]) {
      expect(faultsOf('config_invalid', () => createVerifier(value as never)).length).toBeGreaterThan(0)
    }
  })

  it('to verify with keys that are none', async () => {
    const { jwksUri: _, fetch: __, ...rest } = options
    const { verify } = createVerifier({ ...rest, jwks: { keys: [{ ...key.publicJwk, x: 'AAAA' }] } as never })
    expect(await codeOf(verify(token))).toBe('config_invalid')
  })

  it('to trip over keys beside its own', async () => {
    const { jwksUri: _, fetch: __, ...rest } = options
    const { verify } = createVerifier({ ...rest, jwks: { keys: [...strangers, key.publicJwk] } as never })
    expect(await verify(token)).toMatchObject({ ok: true })
  })

  it('off this machine without encryption, and on it with or without', () => {
    for (const uri of [
      'http://localhost:1/jwks',
      'http://127.0.0.1:1/jwks',
      'http://[::1]:1/jwks',
      new URL(jwksUri),
    ]) {
      expect(createVerifier({ ...options, jwksUri: uri })).toBeDefined()
    }
    expect(refused({ jwksUri: 'http://localhost.own.example/' })).toHaveLength(1)
  })
})
