import { sealedUnder } from '../crypto/sealer.js'
import type { Store } from '../ports/store.js'
import { signingKeysSetting } from './signing/kept-keys.js'

/** What hangs on one of the host's secrets; where all are 0, it may go. */
export interface SecretCount {
  /** Secrets of keys that live: without it they are refused. */
  readonly keys: number
  /** Operations that wait for approval, or did some days ago: without it they can neither be shown nor run. */
  readonly requests: number
  /** What came of operations that were run. */
  readonly results: number
  /** Messages to webhooks, those that were sent some days ago included. */
  readonly deliveries: number
  /** Webhooks of keys whose signing secret is derived from it: without it they are sent nothing. */
  readonly webhooks: number
  /** 1 where the generated keys that access tokens are signed with are sealed under it. */
  readonly signingKeys: number
}

const nothing: SecretCount = {
  ...{ keys: 0, requests: 0, results: 0, deliveries: 0, webhooks: 0, signingKeys: 0 },
}

/** Counts what hangs on each secret of the host, by its id. */
export async function countBySecret(
  store: Pick<Store, 'countSecrets' | 'countSealed' | 'findSettings'>,
): Promise<ReadonlyMap<string, SecretCount>> {
  const counts = new Map<string, SecretCount>()
  const add = (id: string, kind: keyof SecretCount, count: number): void =>
    void counts.set(id, { ...(counts.get(id) ?? nothing), [kind]: count })
  for (const [id, count] of await store.countSecrets()) add(id, 'keys', count)
  for (const { hostSecretId, kind, count } of await store.countSealed()) add(hostSecretId, kind, count)
  for (const { id, value } of await store.findSettings(signingKeysSetting)) {
    if (id === signingKeysSetting) add(sealedUnder(value), 'signingKeys', 1)
  }
  return counts
}

/** What each kind is called in a notice, one and several, and what comes of it. */
const words: { readonly [K in keyof SecretCount]: readonly [one: string, several: string, harm: string] } = {
  keys: ['secret of a key', 'secrets of keys', 'refused'],
  requests: ['request for approval', 'requests for approval', 'cannot be shown or run'],
  results: ['result of an approved request', 'results of approved requests', 'cannot be shown'],
  deliveries: ['message to a webhook', 'messages to webhooks', 'cannot be sent'],
  webhooks: ['webhook', 'webhooks', 'cannot be signed for, so nothing is sent'],
  signingKeys: ['set of signing keys', 'sets of signing keys', 'no access token can be made or verified'],
}

/** Says what of each kind hangs on secrets that are not there, and what comes of it; null where nothing does. */
export function describeOrphans(
  counts: ReadonlyMap<string, SecretCount>,
  configured: ReadonlySet<string>,
): string | null {
  const orphans = [...counts].filter(([id]) => !configured.has(id))
  const parts = (Object.keys(words) as (keyof SecretCount)[]).flatMap((kind) => {
    const sum = orphans.reduce((total, [, count]) => total + count[kind], 0)
    const [one, several, harm] = words[kind]
    return sum === 0 ? [] : [`${sum} ${sum === 1 ? one : several} (${harm})`]
  })
  return parts.length === 0 ? null : parts.join(', ')
}
