/** What another process of the host does; run by `fork`, it is told what by messages and answers by messages. */
import Database from 'better-sqlite3'
import { parseLimits } from '../../src/core/limit.js'
import { sqliteLimits, sqliteStore } from '../../src/stores/sqlite.js'
import { add, update } from '../../src/testing/suite/probe.js'
import { insert, insertKey, makeEvent } from '../../src/testing/suite/records.js'
import type { Store } from '../../src/ports/store.js'

const told: string[] = []
const listeners: ((word: string) => void)[] = []
process.on('message', (word) => {
  const listener = listeners.shift()
  if (listener) listener(String(word))
  else told.push(String(word))
})

function tell(message: unknown): void {
  process.send!(message)
}

/** The parent's next word. */
function word(): Promise<string> {
  if (told.length > 0) return Promise.resolve(told.shift()!)
  return new Promise((resolve) => listeners.push(resolve))
}

type Task = (database: Database.Database, store: Store) => Promise<void>

const askers = 32

const tasks: Record<string, Task> = {
  /** Holds the lock that writers need (`immediate`), or the one that readers need too (`exclusive`). */
  async hold(database) {
    database.exec(`begin ${await word()}`)
    tell('held')
    await word()
    database.exec('rollback')
  },

  async revoke(_, store) {
    tell(await store.commit([update('key', await word(), 1, { status: 'revoked' })]))
  },

  /** Takes units until there are none. */
  async take(_, store) {
    tell('ready')
    const max = Number(await word())
    let taken = 0
    while ((await store.commit([add('units', 1, max)])).ok) taken++
    tell(taken)
  },

  /** Spends with 32 in flight until nothing is left of a limit. */
  async spend(database) {
    const limits = sqliteLimits({ database, busyTimeoutMs: 20_000 })
    tell('ready')
    const rules = parseLimits([{ name: 'hour', limit: Number(await word()), windowMs: 3_600_000 }])
    const charges = [
      { subject: 'key:one', rules, cost: 1 },
      { subject: 'workspace', rules, cost: 1 },
    ]
    let admitted = 0
    await Promise.all(
      Array.from({ length: askers }, async () => {
        while ((await limits.spend({ workspaceId: 'ws_1', charges })).ok) {
          admitted++
          await new Promise((resolve) => setImmediate(resolve))
        }
      }),
    )
    tell(admitted)
  },

  /** Commits until it is killed, and tells what has been promised. */
  async commit(_, store) {
    for (let number = 0; ; number++) {
      const changes = [...insertKey(number), insert('event', makeEvent(number)), add('keys', 1)]
      const { ok } = await store.commit(changes)
      if (ok) tell(number)
      await new Promise((resolve) => setImmediate(resolve))
    }
  },

  /** Dies in the middle of a transaction whose first pages are in the file already. */
  async die(database) {
    database.pragma('cache_size = 1')
    database.pragma('cache_spill = 1')
    database.exec('begin immediate')
    database.exec("update keyrung_keys set status = 'revoked'")
    const fill = database.prepare('insert into keyrung_settings values (?, ?, 1, ?)')
    for (let i = 0; i < 2_000; i++) fill.run(`fill-${i}`, '', 'x'.repeat(500))
    process.kill(process.pid, 'SIGKILL')
  },

  async migrate(_, store) {
    tell('ready')
    await word()
    await store.migrate()
    tell(await store.findSchema())
  },
}

for (;;) {
  const [task, file] = [await word(), await word()]
  const database = new Database(file)
  const store = sqliteStore({ database, busyTimeoutMs: 20_000 })
  await tasks[task]!(database, store)
  await store.close()
  database.close()
  tell('done')
}
