import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import {
  generateTokenJwk,
  importSigningKey,
  type Jwks,
  type SigningKey,
  type VerificationKey,
} from '../crypto/jwks.js'
import type { Sealer } from '../crypto/sealer.js'
import type { TokenAlgorithm } from '../crypto/token-algorithm.js'
import type { Clock } from '../ports/clock.js'
import type { Store } from '../ports/store.js'
import type { Job } from './job.js'
import { createLeased } from './leased.js'
import type { SecretOrder } from './secret-order.js'
import { createKeptKeys } from './signing/kept-keys.js'
import { signerAt, type KeptKey } from './signing/key-set.js'
import {
  firstKey,
  needsSuccessor,
  withoutRetired,
  withSuccessor,
  type RotationTimes,
} from './signing/rotation.js'

/** The keys that access tokens are signed and verified with. */
export interface TokenKeys {
  /** The key that signs now. */
  signer(): MaybePromise<SigningKey>
  /** A key that tokens may still be signed with, by its name; one that is not known asks no store. */
  findKey(kid: string): MaybePromise<VerificationKey | undefined>
  /** What is published: every key that tokens may be signed with by now, or soon. */
  jwks(): MaybePromise<Jwks>
  /** How long what is published may be cached, in milliseconds. */
  readonly cacheMs: number
  /** Has them ready, as a host does before it serves. */
  open(): Promise<void>
  readonly jobs: readonly Job[]
}

/** What generated keys are made of. */
export interface SigningKeysOptions {
  readonly store: Store
  readonly clock: Clock
  /** Seals for this purpose alone. */
  readonly sealer: Sealer
  /** Says whether the keys are to be sealed again. */
  readonly order: Pick<SecretOrder, 'isOlder'>
  readonly algorithm: TokenAlgorithm
  readonly times: RotationTimes
}

interface LoadedKey extends SigningKey, Omit<KeptKey, 'jwk'> {}

/** How often a worker looks whether a key is due to be followed. */
const idleMs = 60_000

/**
 * Generates keys, keeps them sealed in the store, and lets them follow each other.
 *
 * Instances need not agree on anything but the store: a key is in it for `3 * cacheMs` before it signs, and each instance
 * reads it anew every tenth of `cacheMs`, so that whoever signs with it, everybody else has had it for long.
 */
export function createSigningKeys(options: SigningKeysOptions): TokenKeys {
  const { store, clock, sealer, order, algorithm, times } = options
  const kept = createKeptKeys(store, sealer)
  let imported = new Map<string, SigningKey>()
  const leased = createLeased<readonly LoadedKey[]>({
    ...{ load, clock, max: 1, maxMissing: 1 },
    leaseMs: () => times.cacheMs / 10,
  })

  async function load(): Promise<readonly LoadedKey[]> {
    for (;;) {
      const found = await kept.find()
      if (found) return importSet(found.set)
      await kept.write([firstKey(await generateTokenJwk(algorithm), clock.now())], undefined)
    }
  }

  async function importSet(set: readonly KeptKey[]): Promise<readonly LoadedKey[]> {
    const known = imported
    const tried = await Promise.allSettled(
      set.map(async ({ jwk, ...life }) => {
        const before = known.get((jwk as { kid?: string }).kid ?? '')
        return { ...(before ?? (await importSigningKey(jwk, 'signing-keys'))), ...life }
      }),
    )
    const loaded = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    // A key of a kind that is not known here does not spoil the others.
    if (loaded.length === 0) throw (tried[0] as PromiseRejectedResult).reason
    imported = new Map(loaded.map((key) => [key.kid, key]))
    return loaded
  }

  /** Answers at once while the lease lasts. */
  function from<T>(pick: (keys: readonly LoadedKey[]) => T): MaybePromise<T> {
    const keys = leased.get('')
    return isPromise(keys) ? keys.then(pick) : pick(keys)
  }

  async function rotate(): Promise<void> {
    const found = await kept.find()
    // What a newer version keeps there is its own to go on with.
    if (!found?.isWhole) return
    const now = clock.now()
    const remaining = withoutRetired(found.set, now)
    const isDue = needsSuccessor(remaining, now, times, algorithm)
    const isComplete = remaining.length === found.set.length
    if (!isDue && isComplete && !(await order.isOlder(found.hostSecretId))) return
    const next = isDue ? withSuccessor(remaining, await generateTokenJwk(algorithm), now, times) : remaining
    // Where another instance was quicker, what it wrote will do.
    if (await kept.write(next, found)) leased.drop(() => true)
  }

  return {
    signer: () => from((keys) => signerAt(keys, clock.now())),
    findKey: (kid) => from((keys) => keys.find((key) => key.kid === kid)),
    jwks: () => from((keys) => ({ keys: keys.map(({ jwk }) => jwk) })),
    cacheMs: times.cacheMs,
    open: async () => void (await leased.get('')),
    jobs: [
      {
        name: 'signing keys',
        idleMs,
        async step() {
          await rotate()
          return { left: 'nothing' }
        },
      },
    ],
  }
}
