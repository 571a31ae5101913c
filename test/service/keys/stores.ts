import Database from 'better-sqlite3'
import type { Store } from '../../../src/ports/store.js'
import { memoryStore } from '../../../src/stores/memory.js'
import { sqliteStore } from '../../../src/stores/sqlite.js'
import type { ManualClock } from '../../../src/testing/manual-clock.js'

/** Makes a store whose time is a test's, with its tables. */
export type MakeStore = (clock: ManualClock) => Store | Promise<Store>

async function openSqlite(clock: ManualClock): Promise<Store> {
  const store = sqliteStore({ database: new Database(':memory:'), clock })
  await store.migrate()
  return store
}

/** Every store that the key service is tested on. */
export const stores: readonly (readonly [name: string, make: MakeStore])[] = [
  ['memory', (clock) => memoryStore({ clock })],
  ['SQLite', openSqlite],
]
