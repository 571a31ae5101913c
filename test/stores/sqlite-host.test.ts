import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteStore } from '../../src/stores/sqlite.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { ManualClock } from '../../src/testing/manual-clock.js'
import { digestOf, idOf, insertKey } from '../../src/testing/suite/records.js'
import { add, expectCounter, update } from '../../src/testing/suite/probe.js'
import { makeFolder, openFile } from './sqlite-files.js'
import type { Folder } from './sqlite-files.js'
import type { Store } from '../../src/ports/store.js'

const status = (store: Store) => {
  const row = store.findCredential(digestOf(1))
  if (row instanceof Promise) throw new Error('a promise where an answer was there at once')
  return row?.key.status
}
const revoke = update('key', idOf('key', 1), 1, { status: 'revoked' })

describe.each(['wal', 'delete'] as const)("the host's handle, in %s mode", (mode) => {
  let folder: Folder
  let database: Database.Database
  let clock: ManualClock
  let store: Store

  beforeEach(async () => {
    folder = makeFolder()
    database = openFile(folder.file, mode)
    clock = manualClock()
    store = sqliteStore({ database, clock })
    await store.migrate()
    expect(await store.commit(insertKey(1))).toEqual({ ok: true })
  })
  afterEach(async () => {
    await store.close()
    database.close()
    folder.dispose()
  })

  it('waits for the transaction that the host has open, and commits when it is over', async () => {
    database.exec('begin')
    const answer = store.commit([revoke])
    await clock.advance(500)
    expect(status(store)).toBe('active')
    database.exec('commit')
    await clock.advance(20)
    expect(await answer).toEqual({ ok: true })
    expect(status(store)).toBe('revoked')
  })

  it('gives up with transaction_open when the host’s transaction stays open, and its rollback undoes nothing', async () => {
    database.exec('begin; create table own (x); insert into own values (1)')
    const commit = Promise.resolve(store.commit([revoke])).catch((error: unknown) => error)
    const uses = Promise.resolve(store.recordUses([{ keyId: idOf('key', 1), at: clock.now() }])).catch(
      (error: unknown) => error,
    )
    await clock.advance(1_100)
    expect(await commit).toMatchObject({ code: 'transaction_open' })
    expect(await uses).toMatchObject({ code: 'transaction_open' })
    database.exec('rollback')
    expect(status(store)).toBe('active')
    expect(store.commit([revoke])).toEqual({ ok: true })
    expect(status(store)).toBe('revoked')
  })

  it('gives up with transaction_open when an iterator stays open, and commits when it is closed', async () => {
    const rows = database.prepare('select * from keyrung_keys').iterate()
    rows.next()
    const answer = Promise.resolve(store.commit([revoke])).catch((error: unknown) => error)
    await clock.advance(1_100)
    expect(await answer).toMatchObject({ code: 'transaction_open' })
    const second = store.commit([revoke])
    rows.return!()
    await clock.advance(20)
    expect(await second).toEqual({ ok: true })
  })

  it('a commit that is made as soon as another ends is done once, and so is every other, however often the way is blocked', async () => {
    const max = 40
    let answers = 0
    // Another connection's transaction begins before each commit, and ends while that waits.
    const chain = async () => {
      for (let i = 0; i < max; i++) {
        database.exec('begin')
        const answer = store.commit([add('units', 1)])
        // Every third stays for longer than the first pause.
        if (i % 3 !== 0) database.exec('rollback')
        expect(await answer).toEqual({ ok: true })
        answers++
      }
    }
    const done = chain()
    for (let round = 0; round < max * 4; round++) {
      await clock.advance(3)
      if (database.inTransaction) database.exec('rollback')
    }
    expect(answers).toBe(max)
    await done
    await expectCounter(store, 'units', max)
  })

  it('queues what comes while it waits, in order, and all of it is done in the end', async () => {
    database.exec('begin')
    const answers = Array.from({ length: 20 }, (_, i) =>
      store.commit([update('key', idOf('key', 1), i + 1, { name: `Name ${i}` })]),
    )
    await clock.advance(100)
    database.exec('rollback')
    await clock.advance(100)
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, () => ({ ok: true })))
    expect(await store.findKey('ws_1', idOf('key', 1))).toMatchObject({
      key: { name: 'Name 19', version: 21 },
    })
  })

  it('fails what waits when the store is closed', async () => {
    database.exec('begin')
    const answer = Promise.resolve(store.commit([revoke])).catch((error: unknown) => error)
    await store.close()
    await clock.advance(20)
    expect(await answer).toMatchObject({ code: 'store_unavailable' })
    database.exec('rollback')
  })

  it('reads the present state although an iterator of the host pins an old one', async () => {
    const other = openFile(folder.file, mode)
    const elsewhere = sqliteStore({ database: other, clock })
    const rows = database.prepare('select id from keyrung_keys').iterate()
    rows.next()
    const written = elsewhere.commit([revoke])
    if (mode === 'delete') {
      // Here a reader in the middle of its rows holds writers up; what can be promised is that both go on.
      rows.return!()
      await clock.advance(20)
    }
    expect(await written).toEqual({ ok: true })
    expect(status(store)).toBe('revoked')
    rows.return!()
    await elsewhere.close()
    other.close()
  })

  it('answers plain numbers whatever the handle’s default, and leaves that default alone', async () => {
    database.defaultSafeIntegers(true)
    const again = sqliteStore({ database, clock })
    await again.migrate()
    await again.recordUses([{ keyId: idOf('key', 1), at: clock.now() }])
    const row = await again.findKey('ws_1', idOf('key', 1))
    expect(row?.lastUsedAt).toBe(clock.now())
    expect(row?.key.version).toBe(1)
    expect(await again.commit([revoke])).toEqual({ ok: true })
    expect(await again.purge({ now: clock.now(), limit: 10 })).toBe(0)
    expect(database.prepare('select version from keyrung_keys').pluck().get()).toBe(2n)
    await again.close()
  })

  it('leaves the handle’s settings as they were, after success, refusal and failure', async () => {
    const settings = () =>
      [
        'busy_timeout',
        'journal_mode',
        'synchronous',
        'foreign_keys',
        'locking_mode',
        'query_only',
        'cache_size',
      ].map((name) => database.pragma(name, { simple: true }))
    database.pragma('busy_timeout = 4321')
    database.pragma('foreign_keys = off')
    const before = settings()
    await store.commit([revoke])
    expect(settings()).toEqual(before)
    await store.commit([revoke])
    expect(settings()).toEqual(before)
    database.exec('drop table keyrung_keys')
    await expect(async () => store.commit([revoke])).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(settings()).toEqual(before)
    expect(database.inTransaction).toBe(false)
  })

  it('closes what it opened and not the handle', async () => {
    await store.close()
    expect(database.open).toBe(true)
    expect(database.prepare('select count(*) from keyrung_keys').pluck().get()).toBe(1)
  })

  it('answers store_unavailable when the host closed the handle', async () => {
    database.close()
    await expect(async () => store.commit([revoke])).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(status(store)).toBe('active')
  })

  it('finds the file though the current folder has changed since', async () => {
    const here = process.cwd()
    process.chdir(folder.file.replace(/\/app\.db$/, ''))
    try {
      const relative = new Database('app.db')
      process.chdir(here)
      const again = sqliteStore({ database: relative, clock })
      expect(status(again)).toBe('active')
      await again.close()
      relative.close()
    } finally {
      process.chdir(here)
    }
  })
})

describe('what a host can get wrong', () => {
  it('is refused as config_invalid when the store is made', () => {
    const database = new Database(':memory:')
    const closed = new Database(':memory:')
    closed.close()
    const wrong = [
      { database: undefined },
      { database: {} },
      { database: closed },
      { database: new Database(Buffer.from(database.serialize()), { readonly: true }) },
      { database, tablePrefix: '' },
      { database, tablePrefix: 'Keys_' },
      { database, tablePrefix: 'x; drop table y' },
      { database, tablePrefix: 7 },
      { database, busyTimeoutMs: -1 },
      { database, busyTimeoutMs: Number.NaN },
      { database, busyTimeoutMs: '1000' },
      { database, busyTimeoutMs: 3_600_000 },
    ]
    for (const options of wrong) {
      expect(() => sqliteStore(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    }
  })

  it('keeps stores with different prefixes apart in one file', async () => {
    const database = new Database(':memory:')
    const [one, two] = ['one_', 'two_'].map((tablePrefix) => sqliteStore({ database, tablePrefix }))
    await one!.migrate()
    expect(await two!.findSchema()).toBe('missing')
    await two!.migrate()
    await one!.commit(insertKey(1))
    expect(await two!.findCredential(digestOf(1))).toBeUndefined()
    expect(await two!.commit(insertKey(1))).toEqual({ ok: true })
  })

  it('keeps reading through a handle that has locked the file for itself', async () => {
    const folder = makeFolder()
    const database = openFile(folder.file, 'delete')
    database.pragma('locking_mode = exclusive')
    const store = sqliteStore({ database })
    await store.migrate()
    await store.commit(insertKey(1))
    expect(status(store)).toBe('active')
    await store.close()
    database.close()
    folder.dispose()
  })
})
