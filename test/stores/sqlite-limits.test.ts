import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import { sqliteLimits, sqliteStore } from '../../src/stores/sqlite.js'
import type { SqliteStoreOptions } from '../../src/stores/sqlite.js'
import { limitStoreSuite } from '../../src/testing/limit-store-suite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { LimitStoreUnderTest } from '../../src/testing/suite/limit-case.js'
import { makeFolder, openFile } from './sqlite-files.js'
import type { JournalMode } from './sqlite-files.js'

const cases = limitStoreSuite()

async function onFile(mode: JournalMode): Promise<LimitStoreUnderTest> {
  const folder = makeFolder()
  const clock = manualClock()
  const handles = [openFile(folder.file, mode)]
  const migrating = sqliteStore({ database: handles[0]!, clock })
  await migrating.migrate()
  await migrating.close()
  const store = sqliteLimits({ database: handles[0]!, clock })
  return {
    store,
    clock,
    another() {
      const database = openFile(folder.file, mode)
      handles.push(database)
      return sqliteLimits({ database, clock })
    },
    async dispose() {
      await store.close()
      for (const handle of handles) handle.close()
      folder.dispose()
    },
  }
}

async function inMemory(): Promise<LimitStoreUnderTest> {
  const clock = manualClock()
  const database = new Database(':memory:')
  await sqliteStore({ database, clock }).migrate()
  const store = sqliteLimits({ database, clock })
  return { store, clock, dispose: () => void database.close() }
}

describe.each(['wal', 'delete'] as const)('sqliteLimits on a file in %s mode keeps every promise', (mode) => {
  for (const { name, run } of cases) it(name, () => run(() => onFile(mode)))
})

describe('sqliteLimits in memory keeps every promise that can be asked of it', () => {
  for (const { name, needs, run } of cases) if (needs !== 'instances') it(name, () => run(inMemory))

  it('leaves out only what needs a second instance', () => {
    expect(cases.filter(({ needs }) => needs === 'instances')).toHaveLength(1)
  })
})

describe('sqliteLimits on the host’s own handle', () => {
  const rules = parseLimits([{ name: 'hour', limit: 3, windowMs: 3_600_000 }])
  const request = { workspaceId: 'ws_1', charges: [{ subject: 'key:one', rules, cost: 1 }] }

  async function open(options: Partial<SqliteStoreOptions> = {}) {
    const database = new Database(':memory:')
    await sqliteStore({ database }).migrate()
    return { database, limits: sqliteLimits({ database, ...options }) }
  }

  it('answers at once where nobody is in the way', async () => {
    const { limits } = await open()
    expect(limits.spend(request)).toMatchObject({ ok: true })
    expect(limits.spend({ ...request, charges: [] })).toMatchObject({ ok: true, meters: [] })
  })

  it('waits for the host’s transaction, and is not undone with it', async () => {
    const { database, limits } = await open()
    database.exec('begin')
    const waiting = limits.spend(request)
    expect(waiting).toBeInstanceOf(Promise)
    database.exec('rollback')
    expect(await waiting).toMatchObject({ ok: true })
    const tooMuch = { ...request, charges: [{ ...request.charges[0]!, cost: 3 }] }
    expect(await limits.spend(tooMuch)).toMatchObject({ ok: false })
  })

  it('answers store_unavailable, and nothing else, where the transaction stays or the handle is closed', async () => {
    const { database, limits } = await open({ busyTimeoutMs: 5 })
    database.exec('begin')
    await expect(limits.spend(request)).rejects.toMatchObject({ code: 'store_unavailable' })
    database.exec('rollback')
    database.close()
    expect(() => limits.spend(request)).toThrow(expect.objectContaining({ code: 'store_unavailable' }))
  })

  it('refuses a row that cannot be what was written', async () => {
    const { database, limits } = await open()
    await limits.spend(request)
    database.exec("update keyrung_limits set state = 'nonsense'")
    expect(() => limits.spend(request)).toThrow(expect.objectContaining({ code: 'store_unavailable' }))
  })

  it('asks for a handle that can be written to', () => {
    expect(() => sqliteLimits({ database: null as never })).toThrow(/sqliteLimits needs `database`/)
  })

  it('finds rows by the primary key or an index', async () => {
    const { database } = await open()
    const texts: string[] = []
    const watched = new Proxy(database, {
      get(target, name) {
        if (name === 'prepare') return (text: string) => (texts.push(text), target.prepare(text))
        return Reflect.get(target, name, target) as unknown
      },
    })
    const limits = sqliteLimits({ database: watched as never })
    const spent = await limits.spend(request)
    await limits.spend(request)
    await limits.refund({ ...request, ...request.charges[0]!, units: 1, spentAt: spent.now })
    await limits.forget('ws_1', 'key:one')
    await limits.purge!(10)
    const asked = texts.filter((text) => /^(select|insert|update|delete)/.test(text))
    expect(asked.length).toBeGreaterThan(4)
    for (const text of asked) {
      const parameters = text.match(/\?/g)?.map(() => 1) ?? []
      const steps = database.prepare(`explain query plan ${text}`).all(...parameters) as { detail: string }[]
      for (const { detail } of steps) expect(detail).not.toMatch(/SCAN keyrung|TEMP B-TREE/)
    }
  })
})
