import { Credential } from '../core/credential.js'
import { KeyrungError } from '../core/errors.js'
import { Generations } from '../core/generations.js'
import type { CredentialRow } from '../core/key.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { Freshness, Store } from '../ports/store.js'
import type { Lease } from './lease.js'
import { createLeased } from './leased.js'

/** Where credential checks read from: as fresh as the store's freshness promises. */
export interface CredentialSource {
  findByDigest(digest: string): MaybePromise<CredentialRow | undefined>
  findById(secretId: string): MaybePromise<CredentialRow | undefined>
  /**
   * The same for a digest that is known to be that of a key: now where that can be told at once, else lately. Undefined
   * for any other, without asking a store that would have to be waited for.
   */
  findKnown(digest: string): MaybePromise<CredentialRow | undefined> | undefined
}

/** The bounds of the cache. */
export interface CacheBounds {
  /** The most credentials kept. @defaultValue `100_000` */
  readonly max?: number
  /** The most unknown digests kept. @defaultValue `10_000` */
  readonly maxUnknown?: number
}

/** What a source is made of. */
export interface CredentialSourceOptions {
  readonly store: Store
  readonly freshness: Freshness
  readonly lease: Lease
  readonly clock: Clock
  readonly bounds: CacheBounds
}

/**
 * Makes the source that fits the store: a store in this process (`exclusive`) is itself the cache; `strict`
 * asks with every check; `cached` keeps answers for a lease.
 */
export function createCredentialSource(options: CredentialSourceOptions): CredentialSource {
  const { store, freshness, lease, clock, bounds } = options
  const { max = 100_000, maxUnknown = 10_000 } = bounds
  if (freshness === 'exclusive' && store.synchronous) {
    const { findCredential, findCredentialById } = store
    return { findByDigest: findCredential, findKnown: findCredential, findById: findCredentialById }
  }
  const findTogether = batchByTick((digests) => store.findCredentials(digests))
  if (freshness !== 'cached') {
    const ask = store.synchronous ? store.findCredential : findTogether
    return { ...rememberFound(ask, max), findById: store.findCredentialById }
  }
  const shared = { leaseMs: () => lease.readMs(), clock, max, maxMissing: maxUnknown }
  const byDigest = createLeased({ ...shared, load: (digest: string) => findTogether(digest).then(prepare) })
  const byId = createLeased({ ...shared, load: (id: string) => store.findCredentialById(id) })
  const findKnown = (digest: string) => (byDigest.has(digest) ? byDigest.get(digest) : undefined)
  return { findByDigest: byDigest.get, findKnown, findById: byId.get }
}

/** Where every check asks the store, what was found is remembered by its digest alone. */
function rememberFound(
  ask: CredentialSource['findByDigest'],
  max: number,
): Pick<CredentialSource, 'findByDigest' | 'findKnown'> {
  const known = new Generations<true>(max)
  function note(digest: string, row: CredentialRow | undefined): CredentialRow | undefined {
    if (row === undefined) known.delete(digest)
    else if (known.use(digest) === undefined) known.set(digest, true)
    return row
  }
  function findByDigest(digest: string): MaybePromise<CredentialRow | undefined> {
    const row = ask(digest)
    return isPromise(row) ? row.then((found) => note(digest, found)) : note(digest, row)
  }
  return {
    findByDigest,
    findKnown: (digest) => (known.get(digest) === undefined ? undefined : findByDigest(digest)),
  }
}

/** What is kept is looked at once for the whole lease; what is not sound is left for the check to refuse. */
function prepare(row: CredentialRow | undefined): CredentialRow | undefined {
  return row && (Credential.from(row) ?? row)
}

/** Asks for everything that is wanted in one turn of the event loop with one query. */
function batchByTick(
  ask: (digests: readonly string[]) => MaybePromise<readonly CredentialRow[]>,
): (digest: string) => Promise<CredentialRow | undefined> {
  let batch:
    | { readonly digests: Set<string>; readonly answer: Promise<ReadonlyMap<string, CredentialRow>> }
    | undefined

  async function send(digests: Set<string>): Promise<ReadonlyMap<string, CredentialRow>> {
    // Requests of one turn arrive over several microtasks.
    await new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => resolve(undefined))))
    batch = undefined
    const asked = ask([...digests])
    const rows = isPromise(asked) ? await asked : asked
    if (!Array.isArray(rows))
      throw new KeyrungError('store_unavailable', { internal: 'findCredentials: no list' })
    if (!rows.every((row) => digests.has(row?.secret?.digest))) {
      throw new KeyrungError('store_unavailable', { internal: 'findCredentials: a row nobody asked for' })
    }
    return new Map(rows.map((row) => [row.secret.digest, row]))
  }

  return (digest) => {
    if (!batch) {
      const digests = new Set<string>()
      batch = { digests, answer: send(digests) }
    }
    batch.digests.add(digest)
    return batch.answer.then((rows) => rows.get(digest))
  }
}
