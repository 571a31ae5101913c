import { compactVerify, SignJWT } from 'jose'
import type { CryptoKey } from 'jose'
import { formatClaims, readClaims } from '../core/access-token.js'
import type { AccessTokenClaims } from '../core/access-token.js'
import { invalid } from '../core/errors.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { SigningKey } from './jwks.js'
import type { TokenAlgorithm } from './token-algorithm.js'
import {
  createHeaderReader,
  isTokenShaped,
  longestToken,
  readCanonicalJson,
  tokenType,
} from './token-form.js'

/** Signs claims. */
export interface TokenMinter {
  /** @throws KeyrungError `input_invalid` if so many scopes do not fit into a token */
  mint(claims: AccessTokenClaims): Promise<string>
}

/** Makes the minter of a host's access tokens; `signer` gives the key that signs at this moment. */
export function createTokenMinter(signer: () => MaybePromise<SigningKey>): TokenMinter {
  return {
    async mint(claims) {
      const { kid, algorithm, privateKey } = await signer()
      const token = await new SignJWT({ ...formatClaims(claims) } as Record<string, unknown>)
        .setProtectedHeader({ alg: algorithm, typ: tokenType, kid })
        .sign(privateKey)
      if (token.length <= longestToken) return token
      throw invalid('input_invalid', [
        { path: 'scopes', message: 'are too many for one token; ask for fewer' },
      ])
    },
  }
}

/** Why a token is not accepted: for the operator, never for the caller, who is told `credential_invalid`. */
export type TokenFault =
  | 'malformed'
  | 'header'
  | 'unknown_key'
  | 'algorithm'
  | 'signature'
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'environment'
  | 'expired'
  | 'not_yet_valid'

/** What a token says, or why it says nothing. */
export type TokenResult =
  | { readonly ok: true; readonly claims: AccessTokenClaims }
  | { readonly ok: false; readonly code: 'credential_invalid'; readonly fault: TokenFault }

/** A key as a verifier needs it: with the one algorithm it is for. */
export interface KnownKey {
  readonly algorithm: TokenAlgorithm
  readonly publicKey: CryptoKey
}

/** What a verifier accepts. */
export interface TokenVerifierOptions {
  readonly issuer: string
  /** It accepts tokens for any of these. */
  readonly audience: readonly string[]
  /** It accepts tokens of keys in any of these; left out: whoever finds the key judges that. */
  readonly environments?: readonly string[]
  /** The algorithms it takes. */
  readonly algorithms: readonly TokenAlgorithm[]
  /** How far clocks may be apart, in milliseconds. */
  readonly clockToleranceMs: number
  /** Milliseconds since 1970. */
  now(): number
  /** The key of that name; it is asked for a well-formed header's only. */
  findKey(kid: string, algorithm: TokenAlgorithm): MaybePromise<KnownKey | undefined>
}

/** What is found out about a token: claims are those of one that is accepted, or would be if it had not expired. */
export type TokenFinding =
  | { readonly claims: AccessTokenClaims; readonly fault: 'expired' | null }
  | { readonly claims: null; readonly fault: TokenFault }

/** Verifies access tokens. */
export interface TokenVerifier {
  /** Tells an expired token that was good from one that never was; it throws only what `findKey` throws. */
  examine(token: unknown): Promise<TokenFinding>
  /** Answers for whatever it is given; it throws only what `findKey` throws. */
  verify(token: unknown): Promise<TokenResult>
  /** What still holds of a token that was verified before: whether it is in its time. */
  recheck(claims: AccessTokenClaims): TokenFault | null
}

/**
 * Makes a verifier (RFC 9068, 4; RFC 8725): form and size first, then header, key, signature, claims.
 *
 * The key decides the algorithm, never the token: a header that names another one is refused before anything is verified.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, audience, environments, algorithms, clockToleranceMs, now, findKey } = options
  const readHeader = createHeaderReader()

  function timeFault(expiresAt: number, notBefore: number): TokenFault | null {
    const at = now()
    if (!(at < expiresAt + clockToleranceMs)) return 'expired'
    return notBefore <= at + clockToleranceMs ? null : 'not_yet_valid'
  }

  async function examine(token: unknown): Promise<TokenFinding> {
    if (!isTokenShaped(token)) return refuse('malformed')
    const header = readHeader(token)
    if (header === undefined) return refuse('header')
    const { kid, algorithm } = header
    if (!algorithms.includes(algorithm)) return refuse('algorithm')
    const found = findKey(kid, algorithm)
    const key = isPromise(found) ? await found : found
    if (key === undefined) return refuse('unknown_key')
    if (key.algorithm !== algorithm) return refuse('algorithm')
    let payload: Uint8Array
    try {
      payload = (await compactVerify(token, key.publicKey, { algorithms: [algorithm] })).payload
    } catch {
      // The key is of its algorithm and the form was looked at: what is left to throw is a signature that does not fit.
      return refuse('signature')
    }

    const wire = readCanonicalJson(payload)
    const claims = readClaims(wire)
    const notBefore = wire && Object.hasOwn(wire, 'nbf') ? wire['nbf'] : 0
    if (claims === undefined || !Number.isSafeInteger(notBefore)) return refuse('claims')
    if (claims.issuer !== issuer) return refuse('issuer')
    if (!claims.audience.some((name) => audience.includes(name))) return refuse('audience')
    if (environments?.includes(claims.environment) === false) return refuse('environment')
    const fault = timeFault(claims.expiresAt, (notBefore as number) * 1000)
    return fault === null || fault === 'expired' ? { claims, fault } : refuse(fault)
  }

  async function verify(token: unknown): Promise<TokenResult> {
    const { claims, fault } = await examine(token)
    return fault === null ? { ok: true, claims } : { ok: false, code: 'credential_invalid', fault }
  }

  return { examine, verify, recheck: ({ expiresAt }) => timeFault(expiresAt, 0) }
}

function refuse(fault: TokenFault): TokenFinding {
  return { claims: null, fault }
}
