import { KeyrungError } from '../core/errors.js'
import type { SettingRecord } from '../ports/change.js'
import type { Clock } from '../ports/clock.js'
import type { Store } from '../ports/store.js'

/** The length of a lease as all instances on a store agree on it. */
export interface Lease {
  /** How long this instance may use an answer, in milliseconds. */
  readMs(): number
  /** Agrees with the other instances; called before the first read. */
  open(): Promise<void>
  /** Resolves when every answer read before this call is out of use, on every instance. */
  settle(): Promise<void>
}

/** Which lease, and where it is kept. */
export interface LeaseOptions {
  /** The name of its setting in the store. */
  readonly name: string
  /** 0: this instance keeps nothing, but waits for those that do. */
  readonly ms: number
  readonly store: Store
  readonly clock: Clock
}

/** A lease of this process alone: nothing to agree on, nothing to wait for. */
export function createLocalLease(ms: number): Lease {
  return { readMs: () => ms, open: () => Promise.resolve(), settle: () => Promise.resolve() }
}

/**
 * Makes a lease whose length is a row in the store. Nobody reads with a longer one than the row says, and every
 * writer waits the row out. It is raised row first, and used one old length later: until then a writer may
 * still be waiting the old one out. It is never lowered, as a reader elsewhere may hold the old length.
 */
export function createSharedLease({ name, ms, store, clock }: LeaseOptions): Lease {
  let readable = 0
  let raised: { readonly after: number; readonly to: number } | undefined

  async function read(): Promise<SettingRecord | undefined> {
    const [row] = (await store.findSettings(name)).filter((setting) => setting.id === name)
    if (row && !/^[1-9]\d{0,9}$/.test(row.value)) {
      throw new KeyrungError('store_unavailable', { internal: `setting ${name} is not a whole number` })
    }
    return row
  }

  return {
    readMs() {
      if (raised && clock.monotonic() >= raised.after) {
        readable = raised.to
        raised = undefined
      }
      return readable
    },

    async open() {
      if (ms === 0) return
      for (;;) {
        const row = await read()
        const agreed = Number(row?.value)
        if (row && agreed >= ms) {
          readable = ms
          return
        }
        const value = String(ms)
        const { ok } = await store.commit([
          row
            ? { do: 'update', type: 'setting', id: name, expectVersion: row.version, set: { value } }
            : { do: 'insert', type: 'setting', record: { id: name, workspaceId: '', version: 1, value } },
        ])
        // Another instance was quicker: see what it wrote.
        if (!ok) continue
        readable = row ? agreed : ms
        if (row) raised = { after: clock.monotonic() + agreed, to: ms }
        return
      }
    },

    async settle() {
      const start = clock.monotonic()
      // Read after the commit: an instance that raises it later starts to use that when this wait is over.
      const length = Math.max(Number((await read())?.value ?? ms), ms)
      // Timers may fire early.
      for (let passed = 0; passed < length; passed = clock.monotonic() - start)
        await clock.sleep(length - passed)
    },
  }
}
