import { KeyrungError } from '../core/errors.js'
import type { Clock } from '../ports/clock.js'
import type { Store } from '../ports/store.js'
import { seededLot } from './lot.js'
import { wrapStore } from './store-wrapper.js'
import type { StoreCall } from './store-wrapper.js'
import { checkTrouble, isOn } from './trouble.js'
import type { Trouble } from './trouble.js'

/** What a failing store is given. */
export interface FailingStoreOptions {
  /** What the spans of troubles are measured on; troubles without spans need none. */
  readonly clock?: Pick<Clock, 'monotonic'>
  /** The same seed, the same lots; 1 if left out. */
  readonly seed?: number
}

/** A store that goes wrong on demand, and the switches for it. */
export interface FailingStore {
  readonly store: Store
  /**
   * Has a call go wrong from now on, or with `every` all those that have no trouble of their own.
   *
   * @throws KeyrungError `input_invalid` for a trouble that cannot be meant
   */
  trouble(call: StoreCall | 'every', trouble: Trouble): void
  /** Has a call go well again, `every`: those that have no trouble of their own; left out: all of them. */
  heal(call?: StoreCall | 'every'): void
  /** How often a call was made. */
  calls(call: StoreCall): number
  /** How often a call went wrong, and whether the store had done what was asked then. */
  faults(call: StoreCall): { readonly done: number; readonly notDone: number }
}

interface Told {
  readonly trouble: Trouble
  readonly since: number
  left: number
}

/**
 * Makes a store whose calls fail, hang or answer garbage when a test says so: always, by lot, for a span of a
 * clock or in turns, and with or without having done what was asked.
 *
 * @example
 * ```ts
 * const failing = failingStore(memoryStore({ clock }), { clock, seed: 7 })
 * failing.trouble('findCredential', { by: 'hang' })
 * failing.trouble('commit', { by: 'reject', late: 'by-lot', chance: 0.2 })
 * failing.trouble('every', { by: 'reject', flap: { downMs: 500, upMs: 2_000 } })
 * ```
 */
export function failingStore(inner: Store, options: FailingStoreOptions = {}): FailingStore {
  const { clock } = options
  const lot = seededLot(options.seed ?? 1)
  const troubles = new Map<StoreCall | 'every', Told>()
  const counts = new Map<StoreCall, number>()
  const faults = new Map<StoreCall, { done: number; notDone: number }>()
  const passed = () => clock?.monotonic() ?? 0

  function draw(call: StoreCall): Trouble | undefined {
    const whose = troubles.has(call) ? call : 'every'
    const told = troubles.get(whose)
    if (!told || !isOn(told.trouble, passed() - told.since)) return undefined
    const { chance = 1 } = told.trouble
    if (chance < 1 && lot() >= chance) return undefined
    if (--told.left <= 0) troubles.delete(whose)
    return told.trouble
  }

  async function lose(ask: () => unknown, by: 'throw' | 'reject' | 'hang', error: unknown): Promise<unknown> {
    await ask()
    if (by === 'hang') return new Promise(() => undefined)
    throw error
  }

  const store = wrapStore(inner, (call, ask) => {
    counts.set(call, (counts.get(call) ?? 0) + 1)
    const found = draw(call)
    if (!found) return ask()
    const { by, answer } = found
    const late = found.late === 'by-lot' ? lot() < 0.5 : (found.late ?? false)
    const { done, notDone } = faults.get(call) ?? { done: 0, notDone: 0 }
    faults.set(call, late ? { done: done + 1, notDone } : { done, notDone: notDone + 1 })
    const error = found.error ?? new KeyrungError('store_unavailable', { internal: `failing ${call}` })
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
    trouble(call, trouble) {
      checkTrouble(trouble, clock !== undefined)
      troubles.set(call, { trouble, since: passed(), left: trouble.times ?? Infinity })
    },
    heal: (call) => (call ? void troubles.delete(call) : troubles.clear()),
    calls: (call) => counts.get(call) ?? 0,
    faults: (call) => faults.get(call) ?? { done: 0, notDone: 0 },
  }
}
