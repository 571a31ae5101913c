import { createDigester } from './digest.js'
import type { HostSecret } from './host-secret.js'

/** The id that records carry when their digest was made without a pepper. */
export const noPepperId = 'none'

/** One way of turning a key's secret into the digest it is found by. */
export interface Pepper {
  /** Id of the host secret it is derived from, or `none`. */
  readonly id: string
  /** The digest as text, see `createDigester`. */
  readonly digest: (secret: string) => string
}

/** The peppers of a host, newest first. */
export interface Peppers {
  /** The one that new digests are made with. */
  readonly current: Pepper
  /** Every one in use, the current first. */
  readonly all: readonly Pepper[]
  /**
   * Every digest that the key may be stored under, the current first, one behind the other: as one text they are asked
   * for and cached as one question, so that no decision is put together from answers of different age.
   */
  candidates(secret: string): string
}

/**
 * Makes the peppers from the host's secrets, or none at all where the host has chosen `'none'`.
 *
 * @param secrets at least one; the first writes, all read
 */
export function createPeppers(secrets: readonly HostSecret[] | 'none'): Peppers {
  const all: readonly Pepper[] =
    secrets === 'none'
      ? [{ id: noPepperId, digest: createDigester(null) }]
      : secrets.map((secret) => ({ id: secret.id, digest: createDigester(secret.derive('keyDigest')) }))
  return {
    current: all[0]!,
    all,
    candidates: (secret) => all.map(({ digest }) => digest(secret)).join(''),
  }
}
