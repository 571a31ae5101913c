import { createPublicKey } from 'node:crypto'
import { createVerifier as createFastVerifier } from 'fast-jwt'
import { jwtVerify } from 'jose'
import { createKeyrung, memoryStore } from 'keyrung'
import { createTokenMinter, createTokenVerifier } from '../../../src/crypto/access-token.js'
import { generateTokenJwk, importSigningKey } from '../../../src/crypto/jwks.js'
import { readHostSecrets } from '../../../src/crypto/host-secret.js'
import { createPeppers } from '../../../src/crypto/pepper.js'
import type { TokenAlgorithm } from '../../../src/crypto/token-algorithm.js'
import { formatId, idEntropyBytes } from '../../../src/core/id.js'
import { systemEntropy } from '../../../src/crypto/random.js'
import { cpuContest } from '../contest.js'
import { catalog, hostSecret, rotating, seedKeys } from '../seed.js'

const count = 1_000
const issuer = 'https://api.example.com'

/** Access tokens that were not seen before (form, header, key, signature, claims), and such as were. */
export async function tokensContest(): Promise<void> {
  for (const algorithm of ['EdDSA', 'ES256'] as const) await verifyTokens(algorithm)
  await admitSeen()
}

/** Requests with keys, and with tokens of them that a guard has verified before. */
async function admitSeen(): Promise<void> {
  const store = memoryStore()
  const secrets = await seedKeys(store, createPeppers(readHostSecrets(hostSecret)).current, count)
  const keyrung = createKeyrung({
    ...{ catalog, store, secret: hostSecret, keys: { prefix: 'tp', environments: ['live', 'test'] } },
    ...{ notify: () => undefined, usage: false as const },
    tokens: { issuer, audience: issuer, lifetimeMs: 3_600_000 },
  })
  const demand = keyrung.demand([])
  const admit = (credential: string) => keyrung.admit({ authorization: [`Bearer ${credential}`] }, demand)
  const tokens = await Promise.all(
    secrets.map(async (secret) => {
      const caller = await keyrung.authenticate(secret)
      if (!caller.ok) throw new Error(`a key of the contest is refused: ${caller.code}`)
      const { token } = await keyrung.tokens.exchange(caller.principal)
      const admitted = await admit(token)
      if (!admitted.ok) throw new Error(`a token of the contest is refused: ${admitted.code}`)
      return token
    }),
  )
  const next = { key: rotating(secrets), token: rotating(tokens) }
  await cpuContest(
    'A request with a token seen before, beside one with its key',
    [
      { name: 'a key', run: () => admit(next.key()) },
      { name: 'a token', run: () => admit(next.token()) },
    ],
    [{ of: 'a token', against: 'a key', times: 1 / 3 }],
  )
  await keyrung.close()
}

async function verifyTokens(algorithm: TokenAlgorithm): Promise<void> {
  const key = await importSigningKey(await generateTokenJwk(algorithm), 'key')
  const { mint } = createTokenMinter(() => key)
  const now = Date.now()
  const issuedAt = now - (now % 1000)
  const id = (kind: 'key' | 'sec' | 'tok') => formatId(kind, now, systemEntropy(idEntropyBytes))
  const tokens = await Promise.all(
    Array.from({ length: count }, () =>
      mint({
        ...{ issuer, audience: [issuer], tokenId: id('tok'), keyId: id('key'), secretId: id('sec') },
        ...{ workspaceId: 'ws_0123456789', environment: 'live', chain: ['researcher'] },
        scopes: 'companies:read contacts:write deals:delete email:send-approval files:read notes:write',
        ...{ issuedAt, expiresAt: issuedAt + 3_600_000 },
      }),
    ),
  )
  const { verify } = createTokenVerifier({
    ...{ issuer, audience: [issuer], algorithms: ['EdDSA', 'ES256'], clockToleranceMs: 5_000 },
    now: () => Date.now(),
    findKey: (kid) => (kid === key.kid ? key : undefined),
  })
  const checks = { issuer, audience: issuer, typ: 'at+jwt', algorithms: [algorithm] }
  const pem = createPublicKey({ key: { ...key.jwk }, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  const fast = createFastVerifier({
    ...{ key: String(pem), algorithms: [algorithm], allowedIss: issuer, allowedAud: issuer, cache: false },
  })
  const accepted = await verify(tokens[0])
  if (!accepted.ok) throw new Error(`a token of the contest is refused: ${accepted.fault}`)

  const next = { ours: rotating(tokens), jose: rotating(tokens), fast: rotating(tokens) }
  await cpuContest(
    `An access token seen for the first time, ${algorithm}`,
    [
      { name: 'jose, jwtVerify', run: () => jwtVerify(next.jose(), key.publicKey, checks) },
      { name: 'keyrung', run: () => verify(next.ours()) },
      { name: 'fast-jwt, without its cache', run: () => fast(next.fast()) as unknown },
    ],
    [{ of: 'keyrung', against: 'jose, jwtVerify', times: 1 / 1.15 }],
  )
}
