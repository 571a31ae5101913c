import type { MaybePromise } from '../core/maybe-promise.js'
import type { Store } from '../ports/store.js'

/** The calls a store answers. */
export const storeCalls = [
  'now',
  'commit',
  'commitWith',
  'findCredential',
  'findCredentials',
  'findCredentialById',
  'findKey',
  'listKeys',
  'countKeys',
  'countSecrets',
  'recordUses',
  'recordUsage',
  'findUsage',
  'findIdempotency',
  'listEvents',
  'listDueMessages',
  'countMessages',
  'findSettings',
  'findApproval',
  'findApprovalContent',
  'listApprovals',
  'listDueApprovals',
  'listVotes',
  'findDelivery',
  'listDeliveries',
  'listDueDeliveries',
  'countSealed',
  'listSealed',
  'purge',
  'findSchema',
  'migrate',
  'close',
] as const satisfies readonly (keyof Store)[]

/** One of the calls a store answers. */
export type StoreCall = (typeof storeCalls)[number]

/** Stands between a store and its caller. */
export type Intercept = (call: StoreCall, ask: () => MaybePromise<unknown>) => MaybePromise<unknown>

/** Makes a store that answers as another one does, through an interceptor. */
export function wrapStore(
  store: Store,
  intercept: Intercept,
  traits: Partial<Pick<Store, 'name' | 'freshness' | 'synchronous' | 'durable'>> = {},
): Store {
  const calls = storeCalls.flatMap((call) => {
    const ask = store[call] as ((...args: unknown[]) => MaybePromise<unknown>) | undefined
    // Not every store has transactions to share.
    if (!ask) return []
    return [[call, (...args: unknown[]) => intercept(call, () => ask.apply(store, args))]]
  })
  const { name, freshness, synchronous, durable } = store
  return { name, freshness, synchronous, durable, ...traits, ...Object.fromEntries(calls) } as Store
}
