import fc from 'fast-check'
import {
  longestTokenLifetimeMs,
  mostActors,
  mostAudiences,
  type AccessTokenClaims,
} from '../../src/core/access-token.js'
import { formatId, idEntropyBytes, type IdKind } from '../../src/core/id.js'

/** An id of a kind that differs by its number only. */
export function idOf(kind: IdKind, number: number): string {
  return formatId(kind, 1_700_000_000_000 + number, new Uint8Array(idEntropyBytes).fill(number & 0xff))
}

/** The claims of an ordinary token. */
export const sampleClaims: AccessTokenClaims = {
  issuer: 'https://api.example.com',
  audience: ['https://api.example.com'],
  tokenId: idOf('tok', 1),
  keyId: idOf('key', 1),
  secretId: idOf('sec', 1),
  workspaceId: 'workspace-1',
  environment: 'live',
  scopes: 'contacts:read email:send-approval',
  issuedAt: 1_700_000_000_000,
  expiresAt: 1_700_000_300_000,
  chain: [],
}

/** Names with everything that a line may hold. */
const randomName = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9:/.-]{0,40}$/),
  fc.constantFrom('é', '"quoted"', 'back\\slash', '日本', '😀', '__proto__', 'a,b c', '</script>'),
)

const seconds = fc.integer({ min: 1_600_000_000, max: 4_000_000_000 })

/** Claims of every allowed form. */
export const randomClaims: fc.Arbitrary<AccessTokenClaims> = fc
  .record({
    issuer: randomName,
    audience: fc.uniqueArray(randomName, { minLength: 1, maxLength: mostAudiences }),
    number: fc.nat(1_000_000),
    workspaceId: randomName,
    environment: fc.constantFrom('live', 'test'),
    scopes: fc
      .uniqueArray(fc.stringMatching(/^[a-z]{1,6}:[a-z]{1,6}$/), { maxLength: 6 })
      .map((scopes) => scopes.sort().join(' ')),
    issued: seconds,
    lifetime: fc.integer({ min: 1, max: longestTokenLifetimeMs / 1000 }),
    chain: fc.array(randomName, { maxLength: mostActors }),
  })
  .map(({ number, issued, lifetime, ...rest }) => ({
    ...rest,
    tokenId: idOf('tok', number),
    keyId: idOf('key', number + 1),
    secretId: idOf('sec', number + 2),
    issuedAt: issued * 1000,
    expiresAt: (issued + lifetime) * 1000,
  }))
