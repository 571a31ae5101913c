import { longestTokenLifetimeMs } from '../../core/access-token.js'
import type { PrivateJwk } from '../../crypto/jwks.js'
import { mostTokenKeys } from '../../crypto/jwks.js'
import type { TokenAlgorithm } from '../../crypto/token-algorithm.js'
import type { KeptKey, KeySet } from './key-set.js'

/** When keys follow each other, in milliseconds. */
export interface RotationTimes {
  /** How long the published keys may be cached. */
  readonly cacheMs: number
  /** How long a key signs. */
  readonly periodMs: number
}

/** How far the clocks of instances and verifiers may be apart, beyond what verifiers tolerate. */
const clocksApartMs = 60_000

/** How long a key is published before it signs: the caches of a proxy and of a verifier behind it, and one more. */
function leadOf({ cacheMs }: RotationTimes): number {
  return 3 * cacheMs
}

/** The first key of a host: nothing was signed before it, so there is nobody to wait for. */
export function firstKey(jwk: PrivateJwk, now: number): KeptKey {
  return { jwk, publishedAt: now, activeAt: now, retiresAt: null }
}

/** Whether the newest key needs a successor: it signs, and soon has for long enough, or is of another algorithm. */
export function needsSuccessor(
  set: KeySet,
  now: number,
  times: RotationTimes,
  algorithm: TokenAlgorithm,
): boolean {
  const newest = set.at(-1)!
  if (newest.activeAt > now || set.length >= mostTokenKeys) return false
  const isOld = now >= newest.activeAt + times.periodMs - leadOf(times)
  return isOld || (newest.jwk as Partial<PrivateJwk>).alg !== algorithm
}

/**
 * Adds a successor that is published now and signs when every cache has it. The one before is kept for as long as a
 * token may live: how long a host lets them live may have been changed meanwhile.
 */
export function withSuccessor(set: KeySet, jwk: PrivateJwk, now: number, times: RotationTimes): KeySet {
  const activeAt = now + leadOf(times)
  const retiresAt = activeAt + longestTokenLifetimeMs + clocksApartMs
  return [
    ...set.slice(0, -1),
    { ...set.at(-1)!, retiresAt },
    { jwk, publishedAt: now, activeAt, retiresAt: null },
  ]
}

/** The set without keys whose last token has ended. */
export function withoutRetired(set: KeySet, now: number): KeySet {
  return set.filter(({ retiresAt }) => retiresAt === null || retiresAt > now)
}
