import { createPrivateKey, createPublicKey } from 'node:crypto'
import { createSigner, createVerifier as createTheirVerifier } from 'fast-jwt'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { formatClaims } from '../../src/core/access-token.js'
import { createTokenMinter } from '../../src/crypto/access-token.js'
import { importSigningKey } from '../../src/crypto/jwks.js'
import type { TokenAlgorithm } from '../../src/crypto/token-algorithm.js'
import { createVerifier } from '../../src/http/verify.js'
import { sampleClaims } from '../core/access-token-samples.js'
import { forgeKey } from '../crypto/token-forge.js'

const claims = { ...sampleClaims, chain: ['researcher', 'planner'] }
const { issuer, audience, issuedAt } = claims

describe.each<TokenAlgorithm>(['EdDSA', 'ES256'])('beside another implementation, with %s', (algorithm) => {
  const key = forgeKey(algorithm)
  const pem = {
    public: createPublicKey({ key: key.publicJwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
    private: createPrivateKey({ key: key.privateJwk, format: 'jwk' }).export({
      type: 'pkcs8',
      format: 'pem',
    }),
  }
  const theirs = createTheirVerifier({
    key: String(pem.public),
    algorithms: [algorithm],
    allowedIss: issuer,
    allowedAud: audience[0]!,
    requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id'],
    clockTimestamp: issuedAt,
    complete: true,
  })
  const ours = createVerifier({
    ...{ issuer, audience, environments: 'live' },
    jwks: { keys: [key.publicJwk as never] },
    clock: { now: () => issuedAt },
  })
  /** A token signed by them, its header or its claims changed. */
  const sign = (change: object = {}, header: object = {}) =>
    createSigner({
      key: String(pem.private),
      algorithm,
      kid: key.kid,
      header: { typ: 'at+jwt', alg: algorithm, ...header },
    })({ ...formatClaims(claims), ...change })

  let token: string
  beforeAll(async () => {
    const signer = await importSigningKey(key.privateJwk, 'key')
    token = await createTokenMinter(() => signer).mint(claims)
  })

  it('our tokens are accepted there, and say the same', () => {
    expect(theirs(token)).toMatchObject({
      header: { alg: algorithm, typ: 'at+jwt', kid: key.kid },
      payload: { ...formatClaims(claims) },
    })
  })

  it('our tokens are refused there for what makes them another’s', () => {
    const refuses = (change: object) => {
      const options = { key: String(pem.public), algorithms: [algorithm], clockTimestamp: issuedAt }
      expect(() => createTheirVerifier({ ...options, ...change })(token)).toThrow()
    }
    refuses({ allowedAud: 'https://other.example' })
    refuses({ allowedIss: 'https://other.example' })
    refuses({ clockTimestamp: claims.expiresAt + 1000 })
    refuses({ algorithms: [algorithm === 'EdDSA' ? 'ES256' : 'EdDSA'] })
  })

  it('theirs are accepted here where they say what ours do', async () => {
    expect(await ours.verify(sign())).toMatchObject({ ok: true, keyId: claims.keyId, chain: claims.chain })
  })

  test.each([
    ['for another audience', { aud: 'https://other.example' }, {}, 'audience'],
    ['of another issuer', { iss: 'https://other.example' }, {}, 'issuer'],
    ['that have ended', { iat: issuedAt / 1000 - 600, exp: issuedAt / 1000 - 300 }, {}, 'expired'],
    ['that are not valid yet', { nbf: issuedAt / 1000 + 60 }, {}, 'not_yet_valid'],
    ['without a subject', { sub: undefined }, {}, 'claims'],
    ['without a secret they come from', { secret_id: undefined }, {}, 'claims'],
    ['whose scopes are a list', { scope: ['contacts:read'] }, {}, 'claims'],
    ['of the type they have by default', {}, { typ: 'JWT' }, 'header'],
    ['with a header of their own', {}, { x: 1 }, 'header'],
    ['of a key nobody knows', {}, { kid: 'another' }, 'unknown_key'],
  ])('theirs are refused here %s', async (_, change, header, fault) => {
    expect(await ours.verify(sign(change, header))).toMatchObject({ ok: false, fault })
  })
})
