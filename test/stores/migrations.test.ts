import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Change, RecordType } from '../../src/ports/change.js'
import type { Store } from '../../src/ports/store.js'
import { schemaVersion } from '../../src/stores/sql/migrations.js'
import { add, commitAll, dump, expectCounter, readBack } from '../../src/testing/suite/probe.js'
import {
  everyType,
  idOf,
  insert,
  insertKey,
  makeEvent,
  makeIdempotency,
  makeMessage,
  makeSetting,
  makeTombstone,
  oneOfEach,
  someInstant,
} from '../../src/testing/suite/records.js'
import { admin, catalog, hostSecret } from '../service/sample.js'
import { describeOn } from '../servers/on-server.js'
import { mariadbDatabase, postgresDatabase, sqliteDatabase } from './schema-databases.js'
import type { SchemaDatabase } from './schema-databases.js'
import { olderLibrary, youngerLibrary } from './schema-versions.js'
import type { Library } from './schema-versions.js'

/** The versions that tables can be found at, before the newest. */
const earlier = Array.from({ length: schemaVersion - 1 }, (_, index) => index + 1)

/** Records of every type: one as it is everywhere, others with what is easily lost on the way. */
const records: readonly Change[] = [
  ...everyType.map((type) => insert(type, oneOfEach[type])),
  ...insertKey(
    2,
    {
      name: "Zoë's “key” \\ 🔑 %_",
      status: 'revoked',
      revokedAt: someInstant + 5,
      revokedBy: 'user:2',
      revokedReason: 'lost\nfound',
      expiresAt: Number.MAX_SAFE_INTEGER,
      notBefore: 0,
      addressRules: '10.0.0.0/8 2001:db8::/32',
      metadata: '{"team":"ü"}',
      ownerId: 'Ada ',
      scopes: '',
      mode: 'full',
    },
    { endsAt: someInstant * 2 },
  ),
  ...insertKey(3, { id: idOf('key', 3).toUpperCase(), workspaceId: 'WS_1 ' }),
  insert('tombstone', makeTombstone(11, { workspaceId: 'ws_2' })),
  insert('event', makeEvent(2, { reason: "it's so", requestId: 'r-1', details: '{"before":{"name":"é"}}' })),
  insert('message', makeMessage(2, { destination: 'file', attempts: 3, payload: '{"a":"\\u0000"}' })),
  insert('idempotency', makeIdempotency(2, { workspaceId: 'ws_2' })),
  insert('setting', makeSetting('two', { value: 'ö'.repeat(2_000) })),
  add('workspace:ws_1:keys', 3),
]

/** The kinds of records that came later than the first step. */
const since: Readonly<Partial<Record<RecordType, number>>> = {
  ...{ approval: 5, approvalContent: 5, vote: 5, delivery: 5 },
}

/** Those that tables of a version have a place for. */
function recordsAt(version: number): readonly Change[] {
  return records.filter((change) => change.do !== 'insert' || (since[change.type] ?? 1) <= version)
}

async function fill(store: Store, version = schemaVersion): Promise<void> {
  await commitAll(store, ...recordsAt(version))
  await store.recordUses([{ keyId: idOf('key', 2), at: someInstant + 9 }])
}

/** Everything is as it was written, asked for in every way that there is. */
async function expectFilled(store: Store, written: unknown, version = schemaVersion): Promise<void> {
  expect(await dump(store)).toEqual(written)
  for (const change of recordsAt(version))
    if (change.do === 'insert')
      expect(await readBack(store, change.type, change.record)).toEqual(change.record)
  expect((await store.findKey('ws_1', idOf('key', 2)))?.lastUsedAt).toBe(someInstant + 9)
  await expectCounter(store, 'workspace:ws_1:keys', 3)
}

function runOn(library: Library, store: Store) {
  return library.createKeyrung({
    ...{ catalog, store },
    secret: hostSecret,
    keys: { prefix: 'tp' },
    leaseMs: 20,
    notify: () => undefined,
  })
}

describeUpgrades('SQLite', sqliteDatabase)

// The stores on servers came with the second step.
describeOn('postgres', 'with a server', (server) => {
  describeUpgrades('PostgreSQL', async () => postgresDatabase(await server.createDatabase()), 2)
})
describeOn('mariadb', 'with a server', (server) => {
  describeUpgrades('MariaDB', async () => mariadbDatabase(await server.createDatabase()), 2)
})

/** Declares what holds on every kind of database; `first` is the oldest version whose library has a store for it. */
function describeUpgrades(name: string, create: () => Promise<SchemaDatabase>, first = 1): void {
  let current: Library
  beforeAll(async () => {
    current = await olderLibrary(schemaVersion)
  })

  async function database(): Promise<SchemaDatabase> {
    const made = await create()
    onTestFinished(() => made.dispose())
    return made
  }

  /** Runs what is printed, as a tool of the host's own does. */
  async function runPrinted(target: SchemaDatabase, from: number, to: number): Promise<void> {
    for (const { version, sql } of target.printed(current))
      if (version > from && version <= to) for (const text of sql) await target.send(text)
  }

  /** Puts the rows of one database into the tables of another, as far as these have their columns. */
  async function copyRows(source: SchemaDatabase, target: SchemaDatabase): Promise<number> {
    let copied = 0
    for (const [table, columns] of await target.columns()) {
      if (table === 'keyrung_schema') continue
      const listed = columns.join(', ')
      const places = columns.map(() => '?').join(', ')
      for (const row of await source.send(`select ${listed} from ${table}`)) {
        const values = columns.map((column) => row[column])
        await target.send(`insert into ${table} (${listed}) values (${places})`, values)
        copied++
      }
    }
    return copied
  }

  // A server commits each statement that changes tables by itself, and there are many of them.
  describe(`tables on ${name}`, { timeout: 60_000 }, () => {
    it.each(earlier)(
      'keep every record when they are brought up to date from version %i',
      async (version) => {
        const source = await database()
        const store = source.store(current)
        await store.migrate()
        await fill(store, version)
        const written = await dump(store)

        const target = await database()
        await runPrinted(target, 0, version)
        expect(await copyRows(source, target)).toBeGreaterThan(recordsAt(version).length)
        const upgraded = target.store(current)
        expect(await upgraded.findSchema()).toBe('outdated')
        await expect(runOn(current, upgraded).ready()).rejects.toMatchObject({
          code: 'config_invalid',
          faults: [{ path: 'store', message: expect.stringContaining('older keyrung') }],
        })

        await upgraded.migrate()
        expect(await upgraded.findSchema()).toBe('current')
        await expectFilled(upgraded, written, version)
        expect(await upgraded.commit(insertKey(20))).toEqual({ ok: true })
      },
    )

    it('are the same whether migrate() made them, or what is printed was run by hand', async () => {
      const [made, printed] = [await database(), await database()]
      await made.store(current).migrate()
      await runPrinted(printed, 0, schemaVersion)
      expect(await printed.describe()).toEqual(await made.describe())
      expect(await printed.send('select * from keyrung_schema order by version')).toEqual(
        await made.send('select * from keyrung_schema order by version'),
      )
      const store = printed.store(current)
      expect(await store.findSchema()).toBe('current')
      await store.migrate()
      expect(await printed.describe()).toEqual(await made.describe())
      await fill(store)
      await expectFilled(store, await dump(store))
    })

    it.each(earlier)(
      'are the same when migrate() goes on from version %i, or the host does',
      async (version) => {
        const [whole, byCall, byHand] = [await database(), await database(), await database()]
        await whole.store(current).migrate()
        await runPrinted(byCall, 0, version)
        await byCall.store(current).migrate()
        // By a library of that time, and then by hand.
        if (version >= first) await byHand.store(await olderLibrary(version)).migrate()
        else await runPrinted(byHand, 0, version)
        await runPrinted(byHand, version, schemaVersion)
        expect(await byCall.describe()).toEqual(await whole.describe())
        expect(await byHand.describe()).toEqual(await whole.describe())
      },
    )

    it('are made once when instances of several versions make them at once', async () => {
      const together = await database()
      const libraries = [current, await youngerLibrary('additive')]
      for (const version of earlier) if (version >= first) libraries.push(await olderLibrary(version))
      const stores = libraries.flatMap((library) => [together.store(library), together.store(library)])
      await Promise.all(stores.map((store) => store.migrate()))
      for (const store of stores) expect(await store.findSchema()).toBe('current')
      const versions = await together.send('select version from keyrung_schema order by version')
      expect(versions.map(({ version }) => Number(version))).toEqual([
        ...earlier,
        schemaVersion,
        schemaVersion + 1,
      ])
    })
  })

  describe(`two versions of the library on ${name}`, () => {
    const pairs = earlier
      .filter((version) => version >= first)
      .map((version): [string, () => Promise<Library>, () => Promise<Library>] => [
        `${version} beside ${schemaVersion}`,
        () => olderLibrary(version),
        async () => current,
      ])
    pairs.push([`${schemaVersion} beside a later one`, async () => current, () => youngerLibrary('additive')])

    it.each(pairs)('run side by side where the younger only added: %s', async (_, older, younger) => {
      const shared = await database()
      const [oldLibrary, newLibrary] = [await older(), await younger()]
      const oldStore = shared.store(oldLibrary)
      const oldInstance = runOn(oldLibrary, oldStore)
      await oldInstance.ready({ migrate: true })
      const before = await oldInstance.keys.create(admin, { name: 'Before', scopes: ['contacts:read'] })

      // The deploy: the younger version brings the tables up to date while the older one serves.
      const newInstance = runOn(newLibrary, shared.store(newLibrary))
      await newInstance.ready({ migrate: true })
      const tables = await shared.describe()
      expect(await oldStore.findSchema()).toBe('current')
      expect((await oldInstance.authenticate(before.secret)).ok).toBe(true)
      expect((await newInstance.authenticate(before.secret)).ok).toBe(true)

      const byOld = await oldInstance.keys.create(admin, { name: 'By the old', scopes: ['contacts:read'] })
      const byNew = await newInstance.keys.create(admin, { name: 'By the new', scopes: ['contacts:read'] })
      expect((await newInstance.authenticate(byOld.secret)).ok).toBe(true)
      expect((await oldInstance.authenticate(byNew.secret)).ok).toBe(true)
      await newInstance.keys.revoke(admin, byOld.key.id)
      await oldInstance.keys.revoke(admin, byNew.key.id)
      expect(await oldInstance.authenticate(byOld.secret)).toEqual({ ok: false, code: 'key_revoked' })
      expect(await newInstance.authenticate(byNew.secret)).toEqual({ ok: false, code: 'key_revoked' })
      const listed = await oldInstance.keys.list(admin)
      expect(await newInstance.keys.list(admin)).toEqual(listed)
      expect((await newInstance.audit.list(admin)).events).toHaveLength(5)

      // An instance of the older version that starts again, as hosts do whenever they like.
      const again = runOn(oldLibrary, shared.store(oldLibrary))
      await again.ready({ migrate: true })
      expect((await again.authenticate(before.secret)).ok).toBe(true)
      expect(await shared.describe()).toEqual(tables)
      for (const instance of [oldInstance, newInstance, again]) await instance.close()
    })

    it('do not where the younger took something away: the older is told so, and changes nothing', async () => {
      const shared = await database()
      const younger = await youngerLibrary('breaking')
      await shared.store(current).migrate()
      await shared.store(younger).migrate()
      const tables = await shared.describe()

      const store = shared.store(current)
      expect(await store.findSchema()).toBe('newer')
      await expect(async () => store.migrate()).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringMatching(/newer keyrung/),
      })
      for (const migrate of [true, false]) {
        const instance = runOn(current, store)
        await expect(instance.ready({ migrate })).rejects.toMatchObject({ code: 'config_invalid' })
        expect(() => instance.authenticate('x')).toThrow(expect.objectContaining({ code: 'not_ready' }))
      }
      expect(await shared.describe()).toEqual(tables)
    })

    it('do not where a later step does not say who can live with it', async () => {
      const shared = await database()
      const store = shared.store(current)
      await store.migrate()
      await shared.send(`insert into keyrung_schema (version, name) values (${schemaVersion + 1}, 'silent')`)
      expect(await store.findSchema()).toBe('newer')
    })
  })
}

it('every step says whether older libraries can live with it, and the first has none before it', async () => {
  const library = await olderLibrary(schemaVersion)
  const said = library.sqliteMigrations().map(({ version, additive }) => [version, additive])
  expect(said).toEqual([[1, false], ...earlier.map((version) => [version + 1, true])])
})
