import type { Clock } from '../ports/clock.js'
import type { Freshness, Store } from '../ports/store.js'
import { wrapStore } from './store-wrapper.js'
import type { StoreCall } from './store-wrapper.js'

/** How slow a store is to be. */
export interface SlowStoreOptions {
  readonly clock: Clock
  /** How long a call takes, in milliseconds, asked with each call; both halves of the way can differ. */
  latency(call: StoreCall): number | { readonly before?: number; readonly after?: number }
  /** What the store says about its answers' freshness, so that leases can be tested on any store. */
  readonly freshness?: Freshness
}

/**
 * Makes a store far away: the same answers, each by a promise and after some time on the clock.
 *
 * A plain number is the way there: the store sees the call when it is over.
 *
 * @example
 * ```ts
 * const store = slowStore(memoryStore({ clock }), { clock, latency: () => 20, freshness: 'cached' })
 * ```
 */
export function slowStore(store: Store, options: SlowStoreOptions): Store {
  const { clock, freshness = store.freshness } = options
  return wrapStore(
    store,
    async (call, ask) => {
      const latency = options.latency(call)
      const { before = 0, after = 0 } = typeof latency === 'number' ? { before: latency } : latency
      await clock.sleep(before)
      try {
        return await ask()
      } finally {
        await clock.sleep(after)
      }
    },
    { freshness, synchronous: false },
  )
}
