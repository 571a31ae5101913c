import { KeyrungError } from '../core/errors.js'
import type { Store } from '../ports/store.js'
import { wrapStore } from './store-wrapper.js'
import type { StoreCall } from './store-wrapper.js'

/** How a call goes wrong. */
export interface Trouble {
  /**
   * `throw` and `reject`: with `error`; `hang`: never answers; `answer`: answers `answer`, whatever that is.
   */
  readonly by: 'throw' | 'reject' | 'hang' | 'answer'
  /** What is thrown; `store_unavailable` if left out. */
  readonly error?: unknown
  readonly answer?: unknown
  /** True: the store does what was asked all the same, and only the answer is lost. */
  readonly late?: boolean
  /** After so many times the call is well again; left out: never by itself. */
  readonly times?: number
}

/** A store that goes wrong on demand, and the switches for it. */
export interface FailingStore {
  readonly store: Store
  /** Has a call go wrong from now on. */
  trouble(call: StoreCall, trouble: Trouble): void
  /** Has a call go well again; left out: all of them. */
  heal(call?: StoreCall): void
  /** How often a call was made. */
  calls(call: StoreCall): number
}

/**
 * Makes a store whose calls fail, hang or answer garbage when a test says so.
 *
 * @example
 * ```ts
 * const failing = failingStore(memoryStore())
 * failing.trouble('findCredential', { by: 'hang' })
 * ```
 */
export function failingStore(inner: Store): FailingStore {
  const troubles = new Map<StoreCall, { readonly trouble: Trouble; left: number }>()
  const counts = new Map<StoreCall, number>()

  async function lose(ask: () => unknown, by: 'throw' | 'reject' | 'hang', error: unknown): Promise<unknown> {
    await ask()
    if (by === 'hang') return new Promise(() => undefined)
    throw error
  }

  const store = wrapStore(inner, (call, ask) => {
    counts.set(call, (counts.get(call) ?? 0) + 1)
    const found = troubles.get(call)
    if (!found) return ask()
    if (--found.left <= 0) troubles.delete(call)
    const { by, answer, late = false } = found.trouble
    const error =
      found.trouble.error ?? new KeyrungError('store_unavailable', { internal: `failing ${call}` })
    if (by === 'answer') {
      if (late) void ask()
      return answer
    }
    if (late) return lose(ask, by, error)
    if (by === 'throw') throw error
    return by === 'reject' ? Promise.reject(error as Error) : new Promise(() => undefined)
  })

  return {
    store,
    trouble: (call, trouble) => void troubles.set(call, { trouble, left: trouble.times ?? Infinity }),
    heal: (call) => (call ? void troubles.delete(call) : troubles.clear()),
    calls: (call) => counts.get(call) ?? 0,
  }
}
