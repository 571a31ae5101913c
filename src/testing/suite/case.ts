import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Store } from '../../ports/store.js'
import type { ManualClock } from '../manual-clock.js'

/** What a store under test may or may not have. */
export type StoreCapability = 'clock' | 'instances' | 'reopening' | 'sharing'

/** A table of the host's own in the store's database, for what it writes in a transaction that it shares. */
export interface HostNotes {
  /** @param transaction what `commitWith` hands to the host; with stores that answer at once this has to as well */
  write(transaction: unknown, note: string): MaybePromise<void>
  /** All notes that were committed. */
  read(): MaybePromise<readonly string[]>
}

/** A fresh, empty store, brought up to date, and what the suite may do with it. */
export interface StoreUnderTest {
  readonly store: Store
  /** The clock the store's now is taken from, where one can be handed in: capability `clock`. */
  readonly clock?: ManualClock
  /** Another instance on the same data, as in another process of the host: capability `instances`. */
  another?(): MaybePromise<Store>
  /** Closes the store and makes it anew on the same data: capability `reopening`. */
  reopen?(): MaybePromise<Store>
  /** Where the host writes, for stores with `commitWith`: capability `sharing`. */
  readonly host?: HostNotes
  /** Takes away what was made for the test, whether the store was closed or not. */
  dispose?(): MaybePromise<void>
}

/** One promise that a store has to keep. */
export interface StoreCase {
  /** What it promises, in words. */
  readonly name: string
  /** What it cannot be tested without; a runner that lacks it names the case and this as the reason. */
  readonly needs?: StoreCapability
  /** Resolves where the promise is kept, and else rejects with what was seen. */
  run(make: () => MaybePromise<StoreUnderTest>): Promise<void>
}

/** Declares a case: the store is made before it and taken away after it. */
export function storeCase(
  name: string,
  test: (store: Store, under: StoreUnderTest) => MaybePromise<void>,
  needs?: StoreCapability,
): StoreCase {
  return {
    name,
    ...(needs && { needs }),
    async run(make) {
      const under = await make()
      try {
        await test(under.store, under)
      } finally {
        await under.dispose?.()
      }
    },
  }
}

/** The clock of a case that needs one. */
export function clockOf(under: StoreUnderTest): ManualClock {
  if (!under.clock) throw new Error('This case needs the capability "clock".')
  return under.clock
}

/** Another instance, in a case that needs one. */
export async function anotherOf(under: StoreUnderTest): Promise<Store> {
  if (!under.another) throw new Error('This case needs the capability "instances".')
  return under.another()
}

/** The host's own part, in a case that needs one. */
export function hostOf({ store, host }: StoreUnderTest) {
  if (!host || !store.commitWith) throw new Error('This case needs the capability "sharing".')
  return { host, commitWith: store.commitWith.bind(store) }
}

/** The store made anew, in a case that needs that. */
export async function reopenedOf(under: StoreUnderTest): Promise<Store> {
  if (!under.reopen) throw new Error('This case needs the capability "reopening".')
  return under.reopen()
}
