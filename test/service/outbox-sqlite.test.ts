import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { createOutbox } from '../../src/service/outbox.js'
import { createRecorder } from '../../src/service/recorder.js'
import { createWorker, purgeJob } from '../../src/service/worker.js'
import { sqliteStore } from '../../src/stores/sqlite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { commitEvents, countingEntropy, idsOf, keyRecord, scriptedSink, start } from './audit-samples.js'

let folder: string
let opened: { close(): void }[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyrung-outbox-'))
  opened = []
})

afterEach(() => {
  for (const one of opened.toReversed()) one.close()
  rmSync(folder, { recursive: true })
})

const clock = manualClock(start)
const entropy = countingEntropy()
const notify = (): void => undefined

function open(): Store {
  const database = new Database(join(folder, 'store.db'))
  database.pragma('journal_mode = WAL')
  const store = sqliteStore({ database, clock })
  opened.push(database, { close: () => void store.close() })
  return store
}

test('two instances on one SQLite file share the work, and each event is delivered once', async () => {
  const [one, two] = [open(), open()]
  await one.migrate()
  const ids = await commitEvents(one, 250, { sinkNames: ['file'], at: start - 250, entropy })
  const sink = scriptedSink('file')
  sink.act = () => clock.sleep(0)
  const works = [one, two].map((store) => createOutbox({ store, clock, entropy, sinks: [sink], notify }))
  await Promise.all(works.map((outbox) => outbox.deliver(5_000)))
  await works[0]!.deliver(5_000)
  expect(idsOf(sink).toSorted()).toEqual(ids.toSorted())
  expect((await two.countMessages()).size).toBe(0)
})

test('a tick delivers, flushes and purges on a SQLite file', async () => {
  const store = open()
  await store.migrate()
  await store.commit([{ do: 'insert', type: 'key', record: keyRecord() }])
  const ended = { id: 'x', workspaceId: 'acme', version: 1, fingerprint: 'f', resultId: 'key_1' }
  await store.commit([{ do: 'insert', type: 'idempotency', record: { ...ended, expiresAt: start - 1 } }])
  await commitEvents(store, 3, { sinkNames: ['file'], at: start - 3, entropy })
  const sinks = [scriptedSink('file')]
  const outbox = createOutbox({ store, clock, entropy, sinks, notify })
  const recorder = createRecorder({ store, clock, sinks, notify })
  recorder.used('key_1', start)
  const jobs = [...outbox.jobs, ...recorder.jobs, purgeJob({ store })]
  const report = await createWorker({ clock, jobs, notify }).tick()
  expect(report).toEqual({
    delivered: 3,
    failed: 0,
    flushed: 1,
    purged: 1,
    expired: 0,
    executed: 0,
    done: true,
  })
  expect(await store.findKey('acme', 'key_1')).toMatchObject({ lastUsedAt: start, key: { version: 1 } })
})
