import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sqliteStore } from '../../src/stores/sqlite.js'
import type { SqliteStoreOptions } from '../../src/stores/sqlite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { HostNotes, StoreUnderTest } from '../../src/testing/suite/case.js'

/** A folder of a test's own. */
export interface Folder {
  readonly file: string
  dispose(): void
}

export function makeFolder(): Folder {
  const folder = mkdtempSync(join(tmpdir(), 'keyrung-'))
  return { file: join(folder, 'app.db'), dispose: () => rmSync(folder, { recursive: true, force: true }) }
}

export type JournalMode = 'wal' | 'delete'

/** A handle as a host would open it; commits do not wait for the disk, as no test pulls the plug. */
export function openFile(file: string, mode: JournalMode): Database.Database {
  const database = new Database(file)
  database.pragma(`journal_mode = ${mode}`)
  database.pragma('synchronous = off')
  return database
}

/** A table of the host's in the same file. */
function hostNotes(database: Database.Database): HostNotes {
  database.exec('create table notes (note text)')
  return {
    write: (transaction, note) =>
      void (transaction as Database.Database).prepare('insert into notes values (?)').run(note),
    read: () => database.prepare<[], string>('select note from notes').pluck().all(),
  }
}

/** A store on a fresh file, for the suite. */
export async function onFile(
  mode: JournalMode,
  options: Partial<SqliteStoreOptions> = {},
): Promise<StoreUnderTest> {
  const folder = makeFolder()
  const clock = manualClock()
  const handles: Database.Database[] = []
  const make = () => {
    const database = openFile(folder.file, mode)
    handles.push(database)
    return sqliteStore({ database, clock, ...options })
  }
  const store = make()
  await store.migrate()
  return {
    store,
    clock,
    host: hostNotes(handles[0]!),
    another: make,
    async reopen() {
      await store.close()
      handles.pop()!.close()
      return make()
    },
    async dispose() {
      await store.close()
      for (const handle of handles) handle.close()
      folder.dispose()
    },
  }
}

/** A store in memory, for the suite. */
export async function inMemory(): Promise<StoreUnderTest> {
  const clock = manualClock()
  const database = new Database(':memory:')
  const store = sqliteStore({ database, clock })
  await store.migrate()
  return { store, clock, host: hostNotes(database), dispose: () => void database.close() }
}
