import fc from 'fast-check'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { createTokenMinter, createTokenVerifier } from '../../src/crypto/access-token.js'
import type { TokenVerifier, TokenVerifierOptions } from '../../src/crypto/access-token.js'
import { generateTokenJwk, importSigningKey } from '../../src/crypto/jwks.js'
import type { SigningKey } from '../../src/crypto/jwks.js'
import type { TokenAlgorithm } from '../../src/crypto/token-algorithm.js'
import { isTokenShaped, longestToken } from '../../src/crypto/token-form.js'
import { randomClaims, sampleClaims } from '../core/access-token-samples.js'
import { errorOf } from '../core/faults.js'
import { hostileValues } from '../core/hostile-values.js'
import { tokenAttacks } from './token-attacks.js'
import { forge, forgeKey, headerOf, payloadOf } from './token-forge.js'
import type { AttackWorld } from './token-forge.js'

const algorithms: readonly TokenAlgorithm[] = ['EdDSA', 'ES256']
const { issuer, audience, issuedAt, expiresAt } = sampleClaims

function verifierOf(keys: readonly SigningKey[], change: Partial<TokenVerifierOptions> = {}): TokenVerifier {
  return createTokenVerifier({
    issuer,
    audience,
    algorithms,
    clockToleranceMs: 5000,
    now: () => issuedAt,
    findKey: (kid) => keys.find((key) => key.kid === kid),
    ...change,
  })
}

describe.each(algorithms)('a token signed with %s', (algorithm) => {
  let key: SigningKey
  let token: string
  beforeAll(async () => {
    key = await importSigningKey(await generateTokenJwk(algorithm), 'key')
    token = await createTokenMinter(() => key).mint(sampleClaims)
  })

  it('says what it was minted with', async () => {
    expect(await verifierOf([key]).verify(token)).toEqual({ ok: true, claims: sampleClaims })
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString())
    expect(header).toEqual({ alg: algorithm, typ: 'at+jwt', kid: key.kid })
  })

  it('says it for any claims there can be, and again by its text alone', async () => {
    const verify = (claims: typeof sampleClaims) =>
      verifierOf([key], { issuer: claims.issuer, audience: claims.audience, now: () => claims.issuedAt })
    await fc.assert(
      fc.asyncProperty(randomClaims, async (claims) => {
        const minted = await createTokenMinter(() => Promise.resolve(key)).mint(claims)
        expect(await verify(claims).verify(minted)).toEqual({ ok: true, claims })
      }),
      { numRuns: 40 },
    )
  })

  it('ends at its expiry and the tolerance, to the millisecond', async () => {
    let now = expiresAt + 4999
    const verifier = verifierOf([key], { now: () => now })
    expect(await verifier.verify(token)).toMatchObject({ ok: true })
    expect(verifier.recheck(sampleClaims)).toBeNull()
    now += 1
    expect(await verifier.verify(token)).toEqual({ ok: false, code: 'credential_invalid', fault: 'expired' })
    expect(verifier.recheck(sampleClaims)).toBe('expired')
  })

  it('is for any one of its audiences, and only for those', async () => {
    const two = await createTokenMinter(() => key).mint({
      ...sampleClaims,
      audience: ['https://mail', 'https://bill'],
    })
    for (const [mine, ok] of [
      [['https://bill'], true],
      [['https://other', 'https://mail'], true],
      [['https://other'], false],
      [[], false],
    ] as const) {
      expect((await verifierOf([key], { audience: mine }).verify(two)).ok).toBe(ok)
    }
  })

  it('is refused where its algorithm is not taken', async () => {
    const others = algorithms.filter((other) => other !== algorithm)
    expect(await verifierOf([key], { algorithms: others }).verify(token)).toMatchObject({
      fault: 'algorithm',
    })
  })

  it('is refused whichever letter of it is another', async () => {
    const verifier = verifierOf([key])
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...letters), async (at, letter) => {
        if (token[at] === letter) return
        const changed = token.slice(0, at) + letter + token.slice(at + 1)
        expect((await verifier.verify(changed)).ok).toBe(false)
      }),
      { numRuns: 150 },
    )
  })

  it('is valid from its begin on, less the tolerance', async () => {
    const forged = forgeKey(algorithm)
    const begins = forge(
      forged,
      headerOf(forged),
      payloadOf({ claims: sampleClaims } as AttackWorld, { nbf: issuedAt / 1000 }),
    )
    const own = await importSigningKey(forged.privateJwk, 'key')
    const at = (now: number) => verifierOf([own], { now: () => now }).verify(begins)
    expect(await at(issuedAt - 5000)).toMatchObject({ ok: true })
    expect(await at(issuedAt - 5001)).toMatchObject({ fault: 'not_yet_valid' })
  })
})

describe.each(algorithms)('against %s', (algorithm) => {
  const key = forgeKey(algorithm)
  const other = forgeKey(algorithm === 'EdDSA' ? 'ES256' : 'EdDSA')
  const world: AttackWorld = { key, other, own: forgeKey(algorithm), claims: sampleClaims }
  let verifier: TokenVerifier
  beforeAll(async () => {
    verifier = verifierOf([
      await importSigningKey(key.privateJwk, 'key'),
      await importSigningKey(other.privateJwk, 'other'),
    ])
  })

  it('the forge makes tokens that are accepted, so that what is refused is refused for its fault', async () => {
    for (const one of [key, other]) {
      expect(await verifier.verify(forge(one, headerOf(one), payloadOf(world)))).toMatchObject({ ok: true })
    }
  })

  test.each(tokenAttacks)('$name is refused', async ({ token, fault }) => {
    expect(await verifier.verify(token(world))).toEqual({ ok: false, code: 'credential_invalid', fault })
  })
})

describe('a verifier', () => {
  it('refuses whatever is no text, and throws at none of it', async () => {
    const verifier = verifierOf([])
    for (const value of Object.values(hostileValues())) {
      expect(await verifier.verify(value)).toMatchObject({ ok: false, fault: 'malformed' })
    }
  })

  it('asks for no key before form, size and header are right', async () => {
    let asked = 0
    const verifier = verifierOf([], { findKey: () => void asked++ })
    const world: AttackWorld = {
      key: forgeKey('EdDSA'),
      other: forgeKey('ES256'),
      own: forgeKey('EdDSA'),
      claims: sampleClaims,
    }
    for (const { fault, token } of tokenAttacks) {
      if (fault === 'malformed' || fault === 'header') await verifier.verify(token(world))
    }
    expect(asked).toBe(0)
    await verifier.verify(forge(world.key, headerOf(world.key), payloadOf(world)))
    expect(asked).toBe(1)
  })

  it('says that it could not decide where the keys cannot be had', async () => {
    const outage = new Error('no keys')
    const verifier = verifierOf([], { findKey: () => Promise.reject(outage) })
    const key = forgeKey('EdDSA')
    await expect(verifier.verify(forge(key, headerOf(key), { any: 1 }))).rejects.toBe(outage)
  })

  it('looks into no more than 8 KiB, in no more than linear time', () => {
    const token = (length: number) => `e30.${'A'.repeat(length - 91)}.${'A'.repeat(86)}`
    expect(isTokenShaped(token(longestToken - ((longestToken - 91) % 4)))).toBe(true)
    expect(isTokenShaped(token(longestToken + 1 - ((longestToken - 90) % 4) + 4))).toBe(false)
  })
})

describe('a minter', () => {
  it('makes no token that no verifier would look into', async () => {
    const key = await importSigningKey(await generateTokenJwk('EdDSA'), 'key')
    const scopes = Array.from({ length: 700 }, (_, i) => `resource-${1000 + i}:read`).join(' ')
    const error = await createTokenMinter(() => key)
      .mint({ ...sampleClaims, scopes })
      .catch((thrown: unknown) => thrown)
    expect(
      errorOf(() => {
        throw error
      }),
    ).toMatchObject({ code: 'input_invalid', faults: [{ path: 'scopes' }] })
  })
})
