import type { AccessTokenClaims } from '../../core/access-token.js'
import type { CredentialRefusal } from '../../core/decision.js'
import { Generations } from '../../core/generations.js'
import type { TokenFault, TokenVerifier } from '../../crypto/access-token.js'
import { createDigester } from '../../crypto/digest.js'
import { tokenFields } from './principal.js'
import type { TokenFields } from './principal.js'

/** What an access token says, once its signature is known to be good. */
export interface VerifiedToken {
  readonly claims: AccessTokenClaims
  readonly fields: TokenFields
}

/** Reads access tokens for guards; what has become of the key is not its affair. */
export interface TokenReader {
  /** One that was verified before; `undefined`: this one was not. Costs a digest. */
  findKnown(token: string): VerifiedToken | CredentialRefusal | undefined
  verify(token: string): Promise<VerifiedToken | CredentialRefusal>
}

/** How many verified tokens are kept. */
const mostKnown = 10_000

/**
 * Makes the reader of a host's tokens. A signature is verified once: what it was found to sign is kept under the digest
 * of the whole token, never under the token, and of one that has expired too, which is presented as often.
 *
 * @param verifier takes no token that can be written in two ways, so a digest stands for one token
 */
export function createTokenReader(verifier: TokenVerifier): TokenReader {
  const known = new Generations<VerifiedToken>(mostKnown)
  const digest = createDigester(null)

  function refusalOf(fault: TokenFault): CredentialRefusal {
    return fault === 'expired' ? 'token_expired' : 'credential_invalid'
  }

  return {
    findKnown(token) {
      const found = known.use(digest(token))
      const fault = found && verifier.recheck(found.claims)
      return fault ? refusalOf(fault) : found
    },

    async verify(token) {
      const { claims, fault } = await verifier.examine(token)
      if (claims === null) return refusalOf(fault)
      const verified = Object.freeze({ claims, fields: tokenFields(claims) })
      known.set(digest(token), verified)
      return fault === null ? verified : refusalOf(fault)
    },
  }
}
