import { createRemoteJWKSet, customFetch, errors } from 'jose'
import { KeyrungError } from '../core/errors.js'
import type { KnownKey } from '../crypto/access-token.js'
import type { TokenAlgorithm } from '../crypto/token-algorithm.js'

/** How an issuer's keys are fetched. */
export interface RemoteKeysOptions {
  readonly url: URL
  readonly fetch: typeof fetch
  /** Milliseconds since 1970. */
  now(): number
}

/** Finds keys by their names. */
export type FindKey = (kid: string, algorithm: TokenAlgorithm) => Promise<KnownKey | undefined>

const timeoutMs = 5_000
/** How long keys are kept: the issuer publishes each for three times as long before it signs. */
const cacheMs = 600_000
/** How soon an unknown name may be asked for again, whoever sends tokens with such names. */
const cooldownMs = 30_000
/** How long an issuer that did not answer is left alone. */
const failureMs = 5_000
/** Most bytes of an answer. */
const largestSet = 65_536

/**
 * Makes the finder of an issuer's keys, by the address of its JWKS (RFC 7517, 5). One fetch serves everybody who waits for it;
 * neither unknown names nor an issuer in trouble make for more than one every few seconds.
 *
 * The finder throws `issuer_unavailable` where the keys are needed and cannot be had.
 */
export function createRemoteKeys({ url, fetch, now }: RemoteKeysOptions): FindKey {
  let failedAt = -Infinity
  const find = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    cacheMaxAge: cacheMs,
    cooldownDuration: cooldownMs,
    async [customFetch](address, init) {
      if (Math.abs(now() - failedAt) < failureMs) throw new Error('left alone after a failure')
      try {
        const response = await fetch(address, init)
        if (response.status !== 200) throw new Error(`answered ${response.status}`)
        return new Response(await readBounded(response))
      } catch (error) {
        failedAt = now()
        throw error
      }
    },
  })

  return async (kid, algorithm) => {
    try {
      return { algorithm, publicKey: await find({ kid, alg: algorithm }) }
    } catch (error) {
      const isUnknown =
        error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
      if (isUnknown) return undefined
      // The runtime's own words may name addresses inside; the kind of error is enough.
      const why = error instanceof Error ? error.name : typeof error
      throw new KeyrungError('issuer_unavailable', { internal: `keys of the issuer: ${why}` })
    }
  }
}

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(largestSet)
  let filled = 0
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    if (filled + part.value.length > largestSet) {
      await reader?.cancel()
      throw new Error('is too large')
    }
    bytes.set(part.value, filled)
    filled += part.value.length
  }
  return bytes.slice(0, filled)
}
