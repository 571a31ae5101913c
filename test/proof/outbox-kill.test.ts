import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemEntropy } from '../../src/crypto/random.js'
import { createOutbox } from '../../src/service/outbox.js'
import { jsonLinesSink } from '../../src/sinks/jsonl.js'
import { sqliteStore } from '../../src/stores/sqlite.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { useBuilt } from './built-process.js'

const full = process.env['KEYRUNG_PROOF'] === 'full'
const kills = full ? 60 : 3

/** More than a claim lasts. */
const apartMs = 120_000

const built = useBuilt(new URL('outbox-process.ts', import.meta.url))
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyrung-kill-'))
})

afterEach(() => rm(folder, { recursive: true }))

/** Starts the process, kills it at its so-many-th line, and answers what it had said until then. */
async function killAt(line: number, args: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, [built, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const said: string[] = []
  for await (const text of createInterface({ input: child.stdout })) {
    said.push(text)
    if (said.length === line) child.kill('SIGKILL')
  }
  expect(await ended).toEqual([null, 'SIGKILL'])
  return said
}

test(
  `every committed event reaches the file, though the process is killed ${kills} times`,
  { timeout: full ? 600_000 : 60_000 },
  async () => {
    const databasePath = join(folder, 'store.db')
    const sinkPath = join(folder, 'audit.jsonl')
    const acknowledged: string[] = []
    for (let kill = 0; kill < kills; kill++) {
      // Spread over the steps of a round, and over rounds.
      const line = 4 + ((kill * 37) % 101)
      const said = await killAt(line, [databasePath, sinkPath, String(kill * apartMs)])
      acknowledged.push(...said.filter((text) => text.startsWith('evt_')))
    }

    const clock = { ...systemClock, now: () => Date.now() + kills * apartMs + 600_000 }
    const database = new Database(databasePath)
    const store = sqliteStore({ database, clock })
    const file = jsonLinesSink({ path: sinkPath })
    const outbox = createOutbox({
      store,
      clock,
      entropy: systemEntropy,
      sinks: [file],
      notify: () => undefined,
    })
    await outbox.deliver(60_000)
    const waiting = await store.countMessages()
    const stored = new Set<string>()
    let before: { at: number; id: string } | undefined
    for (;;) {
      const page = await store.listEvents({ workspaceId: 'acme', limit: 200, ...(before && { before }) })
      for (const event of page) stored.add(event.id)
      before = page.at(-1)
      if (before === undefined) break
    }
    await file.close!()
    await store.close()
    database.close()

    const lines = (await readFile(sinkPath, 'utf8')).split('\n').slice(0, -1)
    const whole = lines.filter((text) => text.startsWith('{') && text.endsWith('}'))
    const arrived = new Map<string, string>()
    for (const text of whole) {
      const { id } = JSON.parse(text) as { id: string }
      // What comes twice is the same to the byte.
      expect(arrived.get(id) ?? text).toBe(text)
      arrived.set(id, text)
    }
    expect(acknowledged.length).toBeGreaterThan(kills)
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
    expect(new Set(arrived.keys())).toEqual(stored)
    expect(waiting.size).toBe(0)
    expect(lines.length - whole.length).toBeLessThanOrEqual(kills)
  },
)
