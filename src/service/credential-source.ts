import { Credential } from '../core/credential.js'
import { KeyrungError } from '../core/errors.js'
import { Generations } from '../core/generations.js'
import type { CredentialRow } from '../core/key.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { digestLength, splitDigests } from '../crypto/digest.js'
import type { Clock } from '../ports/clock.js'
import { digestsAtOnce } from '../ports/key-store.js'
import type { Freshness, Store } from '../ports/store.js'
import type { Lease } from './lease.js'
import { createLeased } from './leased.js'

/**
 * Where credential checks read from: as fresh as the store's freshness promises.
 *
 * Several digests, one behind the other, are one question with one answer, which is cached as a whole.
 */
export interface CredentialSource {
  findByDigests(digests: string): MaybePromise<CredentialRow | undefined>
  findById(secretId: string): MaybePromise<CredentialRow | undefined>
  /**
   * The same for digests that are known to be those of a key: now where that can be told at once, else lately. Undefined
   * for any other, without asking a store that would have to be waited for.
   */
  findKnown(digests: string): MaybePromise<CredentialRow | undefined> | undefined
}

/** The bounds of the cache. */
export interface CacheBounds {
  /** The most credentials kept. @defaultValue `100_000` */
  readonly max?: number
  /** The most unknown secrets kept. @defaultValue `10_000` */
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
  const findNow = (digests: string): MaybePromise<CredentialRow | undefined> => {
    if (digests.length === digestLength) return store.findCredential(digests)
    const rows = store.findCredentials(splitDigests(digests))
    return isPromise(rows) ? rows.then(onlyRow) : onlyRow(rows)
  }
  if (freshness === 'exclusive' && store.synchronous) {
    return { findByDigests: findNow, findKnown: findNow, findById: store.findCredentialById }
  }
  const findTogether = batchByTick((digests) => store.findCredentials(digests))
  if (freshness !== 'cached') {
    const ask = store.synchronous ? findNow : findTogether
    return { ...rememberFound(ask, max), findById: store.findCredentialById }
  }
  const shared = { leaseMs: () => lease.readMs(), clock, max, maxMissing: maxUnknown }
  const byDigests = createLeased({
    ...shared,
    load: (digests: string) => findTogether(digests).then(prepare),
  })
  const byId = createLeased({ ...shared, load: (id: string) => store.findCredentialById(id) })
  const findKnown = (digests: string) => (byDigests.has(digests) ? byDigests.get(digests) : undefined)
  return { findByDigests: byDigests.get, findKnown, findById: byId.get }
}

/** The row that was found for one secret, which is stored under one digest at a time. */
function onlyRow(rows: readonly CredentialRow[]): CredentialRow | undefined {
  return checkList(rows)[0]
}

function checkList(rows: readonly CredentialRow[]): readonly CredentialRow[] {
  if (Array.isArray(rows)) return rows
  throw new KeyrungError('store_unavailable', { internal: 'findCredentials: no list' })
}

/** Where every check asks the store, what was found is remembered by its digests alone. */
function rememberFound(
  ask: CredentialSource['findByDigests'],
  max: number,
): Pick<CredentialSource, 'findByDigests' | 'findKnown'> {
  const known = new Generations<true>(max)
  function note(digests: string, row: CredentialRow | undefined): CredentialRow | undefined {
    if (row === undefined) known.delete(digests)
    else if (known.use(digests) === undefined) known.set(digests, true)
    return row
  }
  function findByDigests(digests: string): MaybePromise<CredentialRow | undefined> {
    const row = ask(digests)
    return isPromise(row) ? row.then((found) => note(digests, found)) : note(digests, row)
  }
  return {
    findByDigests,
    findKnown: (digests) => (known.get(digests) === undefined ? undefined : findByDigests(digests)),
  }
}

/** What is kept is looked at once for the whole lease; what is not sound is left for the check to refuse. */
function prepare(row: CredentialRow | undefined): CredentialRow | undefined {
  return row && (Credential.from(row) ?? row)
}

/** Digests of one secret are never divided between two batches. */
interface Batch {
  readonly digests: Set<string>
  readonly answer: Promise<ReadonlyMap<string, CredentialRow>>
}

/** Asks for what is wanted in one turn of the event loop with one query, or few. */
function batchByTick(
  ask: (digests: readonly string[]) => MaybePromise<readonly CredentialRow[]>,
): (digests: string) => Promise<CredentialRow | undefined> {
  let batch: Batch | undefined

  async function send(digests: Set<string>): Promise<ReadonlyMap<string, CredentialRow>> {
    // Requests of one turn arrive over several microtasks.
    await new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => resolve(undefined))))
    if (batch?.digests === digests) batch = undefined
    const asked = ask([...digests])
    const rows = checkList(isPromise(asked) ? await asked : asked)
    if (!rows.every((row) => digests.has(row?.secret?.digest))) {
      throw new KeyrungError('store_unavailable', { internal: 'findCredentials: a row nobody asked for' })
    }
    return new Map(rows.map((row) => [row.secret.digest, row]))
  }

  return (text) => {
    const wanted = text.length === digestLength ? [text] : splitDigests(text)
    if (!batch || batch.digests.size + wanted.length > digestsAtOnce) {
      const digests = new Set<string>()
      batch = { digests, answer: send(digests) }
    }
    for (const digest of wanted) batch.digests.add(digest)
    return batch.answer.then((rows) => rows.get(wanted.find((digest) => rows.has(digest)) ?? ''))
  }
}
