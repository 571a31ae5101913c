import { KeyrungError } from '../core/errors.js'
import type { KnownKey } from '../crypto/access-token.js'
import { fromUtf8 } from '../crypto/encoding.js'
import { importKeySet, keysOfSet } from './key-set.js'
import type { KeySet } from './key-set.js'

/** How an issuer's keys are fetched. */
export interface RemoteKeysOptions {
  readonly url: URL
  readonly fetch: typeof fetch
  /** How long keys that were fetched serve on while the issuer cannot be asked, in milliseconds. */
  readonly staleIfErrorMs: number
  /** Milliseconds since 1970. */
  now(): number
}

/** Finds keys by their names. */
export type FindKey = (kid: string) => Promise<KnownKey | undefined>

const timeoutMs = 5_000
/** How long keys are kept: the issuer publishes each for three times as long before it signs. */
const cacheMs = 600_000
/** How soon an unknown name may be asked for again, whoever sends tokens with such names. */
const cooldownMs = 30_000
/** How long an issuer that did not answer with keys is left alone. */
const failureMs = 5_000
/** Most bytes of an answer. */
const largestSet = 65_536

/**
 * Makes the finder of an issuer's keys, by the address of its JWKS (RFC 7517, 5). One fetch serves everybody who waits for it;
 * neither unknown names nor an issuer in trouble make for more than one every few seconds.
 *
 * The finder throws `issuer_unavailable` where the keys are needed and cannot be had.
 */
export function createRemoteKeys({ url, fetch, staleIfErrorMs, now }: RemoteKeysOptions): FindKey {
  let known: { readonly keys: KeySet; readonly at: number } | undefined
  let failure: { readonly error: KeyrungError; readonly at: number } | undefined
  let loading: Promise<KeySet> | undefined
  // A clock that was set back must not keep anything for longer.
  const isWithin = (at: number, ms: number): boolean => Math.abs(now() - at) < ms

  async function load(): Promise<KeySet> {
    try {
      const keys = await fetchKeys(url, fetch)
      known = { keys, at: now() }
      failure = undefined
      return keys
    } catch (error) {
      // The runtime's own words may name addresses inside; the kind of error is enough.
      const why = error instanceof Error ? error.name : typeof error
      const unavailable = new KeyrungError('issuer_unavailable', { internal: `keys of the issuer: ${why}` })
      failure = { error: unavailable, at: now() }
      throw unavailable
    } finally {
      loading = undefined
    }
  }

  function refresh(): Promise<KeySet> {
    if (loading === undefined && failure !== undefined && isWithin(failure.at, failureMs)) {
      return Promise.reject(failure.error)
    }
    return (loading ??= load())
  }

  return async (kid) => {
    const key = known?.keys.get(kid)
    if (known !== undefined && isWithin(known.at, cacheMs)) {
      if (key !== undefined || isWithin(known.at, cooldownMs)) return key
      return (await refresh()).get(kid)
    }
    const servesOn = key !== undefined && isWithin(known!.at, staleIfErrorMs)
    // Nobody waits for an issuer that is known to be away.
    if (servesOn && failure !== undefined) {
      void refresh().catch(() => undefined)
      return key
    }
    const refreshed = refresh().then((keys) => keys.get(kid))
    return servesOn ? refreshed.catch(() => key) : refreshed
  }
}

/** @throws whatever keeps the answer from being a set of keys */
function fetchKeys(url: URL, fetch: RemoteKeysOptions['fetch']): Promise<KeySet> {
  const signal = AbortSignal.timeout(timeoutMs)
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('took too long')))
  })
  return Promise.race([late, readKeys(url, fetch, signal)])
}

async function readKeys(url: URL, fetch: RemoteKeysOptions['fetch'], signal: AbortSignal): Promise<KeySet> {
  const response = await fetch(url.href, {
    method: 'GET',
    redirect: 'manual',
    headers: { accept: 'application/jwk-set+json, application/json' },
    signal,
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`answered ${response.status}`)
  }
  const keys = keysOfSet(JSON.parse(fromUtf8(await readBounded(response)) ?? ''))
  if (keys === undefined) throw new Error('is no set of keys')
  return importKeySet(keys)
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
