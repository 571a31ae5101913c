import {
  isTokenName,
  longestTokenLifetimeMs,
  mostActors,
  mostAudiences,
  ownGuards,
} from '../core/access-token.js'
import type { Fault } from '../core/errors.js'
import { ownElements, ownProperties } from '../core/own-properties.js'
import { isDuration } from '../core/time.js'
import { describeUnknownOption } from '../core/suggestion.js'
import { isTokenAlgorithm, tokenAlgorithms } from '../crypto/token-algorithm.js'
import type { TokenAlgorithm } from '../crypto/token-algorithm.js'
import type { RotationTimes } from './signing/rotation.js'

/** Short-lived tokens that keys are exchanged for, and that other services verify by themselves. */
export interface TokenOptions {
  /** Who issues them, as `iss`: the address of the API, say. */
  readonly issuer: string
  /** Whom they may be for, as `aud`; a guard of this keyrung accepts a token for any of these, and one for nobody else. */
  readonly audience: string | readonly string[]
  /** What generated keys sign with. @defaultValue `'EdDSA'` */
  readonly algorithm?: TokenAlgorithm
  /** The longest a token lives, and how long one does unless it is asked for less, in milliseconds. @defaultValue 5 minutes */
  readonly lifetimeMs?: number
  /** How many may act in a row, each on behalf of the next. @defaultValue `4` */
  readonly maxChain?: number
  /** How long a generated key signs until the next one does, in milliseconds. @defaultValue 30 days */
  readonly rotationMs?: number
  /** The host's own keys as JWKs: the first signs, all verify. Left out, keys are generated and kept in the store. */
  readonly keys?: readonly object[]
}

/** The options, checked, with their defaults filled in. */
export interface TokenSettings {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly algorithm: TokenAlgorithm
  readonly lifetimeMs: number
  readonly maxChain: number
  readonly times: RotationTimes
  readonly keys: readonly unknown[] | null
}

const known = [...['issuer', 'audience', 'algorithm', 'lifetimeMs', 'maxChain', 'rotationMs'], 'keys']
const dayMs = 86_400_000

/** How long published keys may be cached: a new one is known everywhere three times as long after. */
const cacheMs = 600_000
const mostKeys = 16

/** Fills in the defaults; what is wrong goes into `faults`, with its path. Null: the host wants no tokens. */
export function readTokenSettings(options: unknown, faults: Fault[]): TokenSettings | null {
  if (options === undefined) return null
  const given = ownProperties(options)
  const fault = (name: string, message: string): void => void faults.push({ path: `tokens${name}`, message })
  if (!given) fault('', 'must be an object')
  for (const name of given?.keys() ?? [])
    if (!known.includes(name)) fault(`.${name}`, describeUnknownOption(name, known))
  const {
    issuer,
    audience,
    algorithm = 'EdDSA',
    lifetimeMs = 300_000,
    maxChain = 4,
    rotationMs = 30 * dayMs,
    keys,
  } = Object.fromEntries(given ?? [])
  const audiences = typeof audience === 'string' ? [audience] : ownElements(audience, mostAudiences)
  const supplied = keys === undefined ? null : ownElements(keys, mostKeys)
  if (!isTokenName(issuer)) fault('.issuer', 'must be 1 to 255 characters, such as the address of the API')
  if (!audiences?.length || !audiences.every(isTokenName)) {
    fault('.audience', `must be the name of an audience, or a list of 1 to ${mostAudiences}`)
  }
  if (audiences?.includes(ownGuards)) fault('.audience', `must not be ${ownGuards}, which needs no naming`)
  if (!isTokenAlgorithm(algorithm)) {
    fault('.algorithm', `must be one of ${Object.keys(tokenAlgorithms).join(', ')}`)
  }
  if (!isDuration(lifetimeMs, longestTokenLifetimeMs) || lifetimeMs < 1_000) {
    fault('.lifetimeMs', 'must be whole milliseconds, from a second to a day')
  }
  if (!isDuration(maxChain, mostActors)) fault('.maxChain', `must be a whole number, up to ${mostActors}`)
  if (!isDuration(rotationMs, 3_650 * dayMs) || rotationMs < dayMs) {
    fault('.rotationMs', 'must be whole milliseconds, from a day to ten years')
  }
  if (supplied?.length === 0 || supplied === undefined)
    fault('.keys', `must be a list of 1 to ${mostKeys} JWKs`)
  return {
    issuer: issuer as string,
    audience: audiences as readonly string[],
    algorithm: algorithm as TokenAlgorithm,
    lifetimeMs: lifetimeMs as number,
    maxChain: maxChain as number,
    times: { cacheMs, periodMs: rotationMs as number },
    keys: supplied ?? null,
  }
}
