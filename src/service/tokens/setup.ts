import { ownGuards } from '../../core/access-token.js'
import { invalid } from '../../core/errors.js'
import { createTokenMinter, createTokenVerifier } from '../../crypto/access-token.js'
import type { HostSecret } from '../../crypto/host-secret.js'
import { createSealer } from '../../crypto/sealer.js'
import { readIssuer } from '../../crypto/token-form.js'
import { tokenAlgorithms } from '../../crypto/token-algorithm.js'
import type { TokenAlgorithm } from '../../crypto/token-algorithm.js'
import type { Store } from '../../ports/store.js'
import type { ServiceContext } from '../context.js'
import type { Job } from '../job.js'
import type { SecretOrder } from '../secret-order.js'
import { createSigningKeys } from '../signing-keys.js'
import type { TokenKeys } from '../signing-keys.js'
import { createSuppliedKeys } from '../signing/supplied-keys.js'
import type { TokenSettings } from '../token-settings.js'
import type { Tokens } from '../tokens.js'
import { exchange } from './exchange.js'
import type { ExchangeParts } from './exchange.js'
import { createTokenReader } from './reader.js'
import type { TokenReader } from './reader.js'

/** What access tokens are put together from. */
export interface TokenServiceOptions {
  readonly context: ServiceContext
  /** The store that answers also before the keyrung is ready. */
  readonly inner: Store
  readonly settings: TokenSettings | null
  /** What generated keys are sealed under; null: there is no secret. */
  readonly secrets: readonly HostSecret[] | null
  readonly admit: ExchangeParts['admit']
  readonly order: SecretOrder
}

/** Access tokens, as one keyrung has them. */
export interface TokenService {
  readonly tokens: Tokens
  /** Null where there are none. */
  readonly reader: TokenReader | null
  readonly jobs: readonly Job[]
  /** Has the keys ready. */
  open(): Promise<void>
}

const algorithms = Object.keys(tokenAlgorithms) as TokenAlgorithm[]

/**
 * Puts together what makes and reads access tokens.
 *
 * @throws KeyrungError `config_invalid` where keys are to be generated and there is no secret to seal them under
 */
export function createTokenService(options: TokenServiceOptions): TokenService {
  const { context, inner, settings, secrets, admit, order } = options
  if (settings === null) return { tokens: withoutTokens, reader: null, jobs: [], open: async () => undefined }
  const { clock, entropy } = context
  const keys = createKeys()
  const minter = createTokenMinter(() => keys.signer())
  const parts = { context, settings, minter, admit }
  const { issuer, audience } = settings
  const verifier = createTokenVerifier({
    ...{ issuer, audience: [...audience, ownGuards], algorithms },
    // To the millisecond, as a key's expiry.
    clockToleranceMs: 0,
    now: () => clock.now(),
    findKey: (kid) => keys.findKey(kid),
  })

  function createKeys(): TokenKeys {
    if (settings!.keys !== null)
      return createSuppliedKeys(settings!.keys, 'tokens.keys', settings!.times.cacheMs)
    if (secrets === null) {
      const message = 'is needed to keep generated signing keys under; or supply tokens.keys'
      throw invalid('config_invalid', [{ path: 'secret', message }])
    }
    const { algorithm, times } = settings!
    const sealer = createSealer(secrets, entropy, 'signingKeys')
    return createSigningKeys({ store: inner, clock, sealer, order, algorithm, times })
  }

  return {
    tokens: {
      looksLike: (credential) => readIssuer(credential) === issuer,
      exchange: (principal, wish = {}) => exchange(parts, principal, wish),
      jwks: async () => keys.jwks(),
      jwksCacheMs: keys.cacheMs,
    },
    reader: createTokenReader(verifier),
    jobs: keys.jobs,
    open: () => keys.open(),
  }
}

const missing = async (): Promise<never> => {
  const message = 'is missing: give an issuer and an audience to have access tokens'
  throw invalid('config_invalid', [{ path: 'tokens', message }])
}

const withoutTokens: Tokens = {
  looksLike: () => false,
  exchange: missing,
  jwks: missing,
  jwksCacheMs: 0,
}
