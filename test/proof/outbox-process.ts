import Database from 'better-sqlite3'
import type { Change } from '../../src/ports/change.js'
import { systemEntropy } from '../../src/crypto/random.js'
import { changeEvent, createOutbox } from '../../src/service/outbox.js'
import { jsonLinesSink } from '../../src/sinks/jsonl.js'
import { sqliteStore } from '../../src/stores/sqlite.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { created, eventIdOf } from '../service/audit-samples.js'

/**
 * A process that commits change events and delivers them until it is killed. It prints the id of each event that
 * was committed, and a dot at each step of the delivery, so that it can be killed anywhere in between.
 */
const [databasePath = '', sinkPath = '', aheadMs = '0'] = process.argv.slice(2)

// Ahead of the process before it, whose claims are over then.
const clock = { ...systemClock, now: () => Date.now() + Number(aheadMs) }
const database = new Database(databasePath)
database.pragma('journal_mode = WAL')
const store = sqliteStore({ database, clock })
const file = jsonLinesSink({ path: sinkPath })

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const outbox = createOutbox({
  store: {
    ...store,
    async commit(changes: readonly Change[]) {
      say('.')
      const result = await store.commit(changes)
      say('.')
      return result
    },
  },
  clock,
  entropy: systemEntropy,
  sinks: [
    {
      name: file.name,
      async write(events) {
        say('.')
        await file.write(events)
        say('.')
      },
    },
  ],
  notify: () => undefined,
})

await store.migrate()
const context = { entropy: systemEntropy, sinkNames: [file.name] }
for (;;) {
  for (let i = 0; i < 3; i++) {
    const changes = changeEvent(context, created, clock.now())
    const result = await store.commit(changes)
    if (result.ok) say(eventIdOf(changes))
  }
  await outbox.deliver(1_000)
}
