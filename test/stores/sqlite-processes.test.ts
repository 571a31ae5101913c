import type Database from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { Store } from '../../src/ports/store.js'
import { sqliteLimits, sqliteStore } from '../../src/stores/sqlite.js'
import { commitAll, expectCounter, stands, update } from '../../src/testing/suite/probe.js'
import { digestOf, idOf, insertKey } from '../../src/testing/suite/records.js'
import { makeFolder, openFile } from './sqlite-files.js'
import type { Folder } from './sqlite-files.js'
import { startOther } from './sqlite-fork.js'
import type { Other } from './sqlite-fork.js'

/** How often a process is killed, in each mode. */
const kills = process.env['KEYRUNG_PROOF'] === 'full' ? 40 : 1

const patience = { timeout: kills > 1 ? 600_000 : 120_000 }
const revoke = update('key', idOf('key', 1), 1, { status: 'revoked' })

/** Two that stay for all cases, as starting one takes long; those that are to die are started anew. */
let others: readonly [Other, Other]
beforeAll(() => {
  others = [startOther(), startOther()]
})
afterAll(async () => {
  for (const other of others) await other.kill()
})

describe.each(['wal', 'delete'] as const)('several processes on one file, in %s mode', patience, (mode) => {
  let folder: Folder
  let database: Database.Database
  let store: Store

  beforeEach(async () => {
    folder = makeFolder()
    database = openFile(folder.file, mode)
    store = sqliteStore({ database, busyTimeoutMs: 150 })
    await store.migrate()
    await commitAll(store, ...insertKey(1))
  })
  afterEach(async () => {
    await store.close()
    database.close()
    folder.dispose()
  })

  it('a revocation by another process is seen by the very next read', async () => {
    const [other] = others
    await commitAll(store, ...insertKey(2))
    expect((await store.findCredential(digestOf(1)))?.key.status).toBe('active')
    other.begin('revoke', folder.file)
    other.say(idOf('key', 1))
    expect(await other.hear()).toEqual({ ok: true })
    expect((await store.findCredential(digestOf(1)))?.key.status).toBe('revoked')
    expect((await store.findKey('ws_1', idOf('key', 1)))?.key.version).toBe(2)
    expect((await store.findCredential(digestOf(2)))?.key.status).toBe('active')
    expect(await other.hear()).toBe('done')
  })

  it('two others with 32 in flight on one key are given exactly the limit', async () => {
    for (const other of others) other.begin('spend', folder.file)
    for (const other of others) expect(await other.hear()).toBe('ready')
    for (const other of others) other.say('400')
    const admitted: number[] = []
    for (const other of others) admitted.push(Number(await other.hear()))
    expect(admitted[0]! + admitted[1]!).toBe(400)
    for (const other of others) expect(await other.hear()).toBe('done')
    const limits = sqliteLimits({ database })
    const rules = parseLimits([{ name: 'hour', limit: 400, windowMs: 3_600_000 }])
    const charges = ['key:one', 'workspace'].map((subject) => ({ subject, rules, cost: 0 }))
    const { meters } = await limits.spend({ workspaceId: 'ws_1', charges })
    expect(meters.map(({ used }) => used)).toEqual([400, 400])
  })

  it('a writer elsewhere makes a commit wait, fail in time with store_unavailable, and work again afterwards', async () => {
    const [other] = others
    other.begin('hold', folder.file)
    other.say('immediate')
    expect(await other.hear()).toBe('held')

    // The host's own busy_timeout is 5 seconds: none of it may be spent in one piece.
    expect(database.pragma('busy_timeout', { simple: true })).toBe(5_000)
    const began = performance.now()
    const refused = Promise.resolve(store.commit([revoke])).catch((error: unknown) => error)
    expect(performance.now() - began).toBeLessThan(1_000)
    expect((await store.findCredential(digestOf(1)))?.key.status).toBe('active')
    expect(await refused).toMatchObject({ code: 'store_unavailable', internal: 'sqlite: SQLITE_BUSY' })
    expect(performance.now() - began).toBeLessThan(4_000)
    expect(database.pragma('busy_timeout', { simple: true })).toBe(5_000)

    other.say('release')
    expect(await other.hear()).toBe('done')
    await commitAll(store, revoke)
    expect((await store.findCredential(digestOf(1)))?.key.status).toBe('revoked')
  })

  it('of the units of a counter, two processes get exactly as many as there are', async () => {
    for (const other of others) other.begin('take', folder.file)
    for (const other of others) expect(await other.hear()).toBe('ready')
    for (const other of others) other.say('60')
    const taken = await Promise.all(others.map((other) => other.hear()))
    expect(Number(taken[0]) + Number(taken[1])).toBe(60)
    await expectCounter(store, 'units', 60)
    for (const other of others) expect(await other.hear()).toBe('done')
  })

  it('a process that is killed while it commits leaves whole commits only, and all that it had promised', async () => {
    // Key 1 is there before its first; that commit of its own is refused whole.
    const before = 1
    const promised = new Set<number>()
    for (let kill = 0; kill < kills; kill++) {
      const other = startOther()
      other.begin('commit', folder.file)
      for (let heard = 0; heard < 20; heard++) promised.add(Number(await other.hear()))
      await other.kill()
      const last = Math.max(...promised)
      for (let number = 2; number < last + 20; number++) {
        const parts = [
          (await store.findKey('ws_1', idOf('key', number))) !== undefined,
          (await store.findCredential(digestOf(number))) !== undefined,
          await stands(store, 'secret', idOf('sec', number), 1),
          await stands(store, 'event', idOf('evt', number), 1),
        ]
        expect(new Set(parts).size).toBe(1)
        if (promised.has(number)) expect(parts[0]).toBe(true)
      }
      const keys = await store.listKeys({ workspaceId: 'ws_1', limit: 10_000 })
      const events = await store.listEvents({ workspaceId: 'ws_1', limit: 10_000 })
      expect(keys.length).toBe(events.length + before)
      await expectCounter(store, 'keys', events.length)
    }
  })

  it('a process that dies with half a transaction in the file is undone by the next read', async () => {
    const other = startOther()
    other.begin('die', folder.file)
    await other.gone
    expect((await store.findCredential(digestOf(1)))?.key.status).toBe('active')
    expect(await store.findSettings('fill')).toEqual([])
    await commitAll(store, revoke)
    expect((await store.findCredential(digestOf(1)))?.key.status).toBe('revoked')
  })

  it('can bring a new file up to date at the same time', async () => {
    const fresh = makeFolder()
    openFile(fresh.file, mode).close()
    for (const other of others) other.begin('migrate', fresh.file)
    for (const other of others) expect(await other.hear()).toBe('ready')
    for (const other of others) other.say('go')
    expect(await Promise.all(others.map((other) => other.hear()))).toEqual(['current', 'current'])
    for (const other of others) expect(await other.hear()).toBe('done')
    fresh.dispose()
  })
})

describe('several processes on one file, in delete mode', patience, () => {
  it('a lock that keeps readers out is waited for, and reported in bounded time', async () => {
    const [other] = others
    const folder = makeFolder()
    const database = openFile(folder.file, 'delete')
    const store = sqliteStore({ database, busyTimeoutMs: 150 })
    await store.migrate()
    await commitAll(store, ...insertKey(1))
    other.begin('hold', folder.file)
    other.say('exclusive')
    expect(await other.hear()).toBe('held')
    await expect(async () => store.findCredential(digestOf(1))).rejects.toMatchObject({
      code: 'store_unavailable',
      internal: 'sqlite: SQLITE_BUSY',
    })
    const patient = sqliteStore({ database, busyTimeoutMs: 20_000 })
    const row = patient.findCredential(digestOf(1))
    expect(row).toBeInstanceOf(Promise)
    other.say('release')
    expect((await row)?.key.id).toBe(idOf('key', 1))
    expect(await other.hear()).toBe('done')
    await store.close()
    await patient.close()
    database.close()
    folder.dispose()
  })
})
