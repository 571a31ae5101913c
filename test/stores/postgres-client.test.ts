import { inspect } from 'node:util'
import pg from 'pg'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { postgresStore } from '../../src/stores/postgres.js'
import type { PostgresClient, PostgresPool, PostgresQuery } from '../../src/stores/postgres.js'
import { dump, update } from '../../src/testing/suite/probe.js'
import {
  digestOf,
  everyType,
  idOf,
  insert,
  insertKey,
  makeEvent,
  oneOfEach,
  someInstant,
} from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { freshPrefix } from './postgres-stores.js'

describeOn('postgres', 'postgresStore on the caller’s own pool', (server) => {
  let address: DatabaseAddress
  const pools: pg.Pool[] = []

  function makePool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ ...address, max: 4, ...options })
    pools.push(pool)
    return pool
  }

  beforeAll(async () => {
    address = await server.createDatabase()
  })
  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.end()
  })

  /** What a store answers when it holds one record of each kind, and more. */
  async function answersOf(store: Store): Promise<unknown> {
    await store.migrate()
    await store.commit([...everyType.map((type) => insert(type, oneOfEach[type])), ...insertKey(7)])
    await store.recordUses([{ keyId: idOf('key', 7), at: someInstant }])
    return {
      records: await dump(store),
      credential: await store.findCredential(digestOf(7)),
      credentials: await store.findCredentials([digestOf(7), digestOf(8)]),
      byId: await store.findCredentialById(idOf('sec', 7)),
      key: await store.findKey('ws_1', idOf('key', 7)),
      secrets: await store.countSecrets(),
      messages: await store.countMessages(),
    }
  }

  describe('reads the same whatever the client’s settings:', () => {
    let usual: unknown
    beforeAll(async () => {
      usual = await answersOf(postgresStore({ pool: makePool(), tablePrefix: freshPrefix() }))
    })

    it('parsers set for all clients, whole numbers as BigInt among them', async () => {
      const oids = [pg.types.builtins.INT8, pg.types.builtins.TEXT, pg.types.builtins.BYTEA]
      const own = oids.map((oid) => pg.types.getTypeParser(oid, 'text') as (text: string) => unknown)
      try {
        pg.types.setTypeParser(pg.types.builtins.INT8, BigInt)
        pg.types.setTypeParser(pg.types.builtins.TEXT, (text) => text.toUpperCase())
        pg.types.setTypeParser(pg.types.builtins.BYTEA, () => 'bytes')
        const pool = makePool()
        expect((await pool.query<{ n: unknown }>('select 1::int8 as n')).rows).toEqual([{ n: 1n }])
        expect(await answersOf(postgresStore({ pool, tablePrefix: freshPrefix() }))).toEqual(usual)
      } finally {
        oids.forEach((oid, i) => pg.types.setTypeParser(oid, own[i]!))
      }
    })

    it('parsers of the client’s own', async () => {
      const pool = makePool({ types: { getTypeParser: () => () => 'nothing' } as never })
      expect(await answersOf(postgresStore({ pool, tablePrefix: freshPrefix() }))).toEqual(usual)
    })

    it('answers in binary', async () => {
      const pool = makePool({ binary: true } as pg.PoolConfig)
      expect(await answersOf(postgresStore({ pool, tablePrefix: freshPrefix() }))).toEqual(usual)
    })

    it.each([
      'bytea_output=escape',
      'default_transaction_isolation=serializable',
      'default_transaction_read_only=on',
      'DateStyle=German',
      'backslash_quote=off',
      'extra_float_digits=-10',
      'enable_hashjoin=off',
      'plan_cache_mode=force_generic_plan',
    ])('a session with %s', async (setting) => {
      const pool = makePool({ options: `-c ${setting}` })
      // A record of uses, a purge and a migration write in transactions of their own, too.
      expect(await answersOf(postgresStore({ pool, tablePrefix: freshPrefix() }))).toEqual(usual)
    })
  })

  it('takes bytes of every value for digests', async () => {
    const digests = Array.from({ length: 8 }, (_, row) =>
      String.fromCharCode(...Array.from({ length: 32 }, (_, column) => row * 32 + column)),
    )
    for (const options of ['', '-c bytea_output=escape']) {
      const store = postgresStore({ pool: makePool({ options }), tablePrefix: freshPrefix() })
      await store.migrate()
      for (const [number, digest] of digests.entries()) await store.commit(insertKey(number, {}, { digest }))
      const found = await store.findCredentials(digests)
      expect(new Map(found.map(({ secret }) => [secret.digest, secret.id]))).toEqual(
        new Map(digests.map((digest, number) => [digest, idOf('sec', number)])),
      )
      for (const digest of digests) expect((await store.findCredential(digest))?.secret.digest).toBe(digest)
    }
  })

  it('refuses a whole number that a double does not hold, and names only its place', async () => {
    const pool = makePool()
    const tablePrefix = freshPrefix()
    const store = postgresStore({ pool, tablePrefix })
    await store.migrate()
    await store.commit(insertKey(1))
    await pool.query(`update ${tablePrefix}keys set created_at = 9007199254740993`)
    await expect(async () => store.findCredential(digestOf(1))).rejects.toMatchObject({
      code: 'store_unavailable',
      internal: 'sql: unreadable key.createdAt',
    })
  })

  /** The pool, with all that its clients are told to send. */
  function watch(pool: pg.Pool): { readonly pool: PostgresPool; readonly sent: (string | PostgresQuery)[] } {
    const sent: (string | PostgresQuery)[] = []
    const proxies = new WeakMap<PostgresClient, PostgresClient>()
    const watched: PostgresPool = {
      async connect() {
        const client: PostgresClient = await pool.connect()
        const known = proxies.get(client)
        if (known) return known
        const proxy = new Proxy(client, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target)
            if (typeof value !== 'function') return value
            return (...args: unknown[]): unknown => {
              if (name === 'query') sent.push(args[0] as string)
              return Reflect.apply(value, target, args)
            }
          },
        })
        proxies.set(client, proxy)
        return proxy
      },
      on: (event: string, listener: (...values: never[]) => void) =>
        pool.on(event as never, listener as never),
      removeListener: (event: string, listener: (...values: never[]) => void) =>
        pool.removeListener(event, listener as never),
    }
    return { pool: watched, sent }
  }

  const namesOf = (sent: readonly (string | PostgresQuery)[]) =>
    sent.flatMap((query) => (typeof query !== 'string' && query.name !== undefined ? [query.name] : []))

  it('keeps the statements of requests prepared under names that are made of their text', async () => {
    const { pool, sent } = watch(makePool({ max: 1 }))
    const tablePrefix = freshPrefix()
    const store = postgresStore({ pool, tablePrefix })
    await store.migrate()
    await store.commit(insertKey(1))
    sent.length = 0
    await store.findCredential(digestOf(1))
    await store.findCredentialById(idOf('sec', 1))
    await store.findCredentials([digestOf(1), digestOf(2)])
    await store.findCredentials([1, 2, 3, 4, 5].map(digestOf))
    const names = namesOf(sent)
    expect(names).toHaveLength(4)
    expect(new Set(names).size).toBe(3)
    expect(names[2]).toBe(names[3])
    for (const name of names) expect(name).toMatch(/^keyrung_[0-9a-f]{32}$/)

    sent.length = 0
    await postgresStore({ pool, tablePrefix: freshPrefix() }).migrate()
    const other = postgresStore({ pool, tablePrefix: freshPrefix() })
    await other.migrate()
    await other.findCredential(digestOf(1))
    expect(names).not.toContain(namesOf(sent)[0])
  })

  it('keeps none prepared where it is told so, as behind a pooler', async () => {
    const { pool, sent } = watch(makePool())
    await answersOf(postgresStore({ pool, prepare: false, tablePrefix: freshPrefix() }))
    expect(sent.length).toBeGreaterThan(20)
    expect(namesOf(sent)).toEqual([])
  })

  it('finds a credential though the session has forgotten what it had prepared', async () => {
    const pool = makePool({ max: 1 })
    const store = postgresStore({ pool, tablePrefix: freshPrefix() })
    await store.migrate()
    await store.commit(insertKey(1))
    expect(await store.findCredential(digestOf(1))).toBeDefined()
    await pool.query('discard all')
    expect((await store.findCredential(digestOf(1)))?.key.id).toBe(idOf('key', 1))
  })

  it('takes three messages for a commit of one change', async () => {
    const { pool, sent } = watch(makePool())
    const store = postgresStore({ pool, tablePrefix: freshPrefix() })
    await store.migrate()
    sent.length = 0
    expect(await store.commit([insert('event', makeEvent(1))])).toEqual({ ok: true })
    expect(sent).toHaveLength(3)
  })

  it('asks one question for credentials, and one statement for uses, whatever their number', async () => {
    const { pool, sent } = watch(makePool())
    const store = postgresStore({ pool, tablePrefix: freshPrefix() })
    await store.migrate()
    sent.length = 0
    await store.findCredentials(Array.from({ length: 150 }, (_, number) => digestOf(number)))
    expect(sent).toHaveLength(1)
    sent.length = 0
    await store.recordUses(
      Array.from({ length: 400 }, (_, number) => ({ keyId: idOf('key', number), at: someInstant })),
    )
    expect(sent).toHaveLength(3)
  })

  it('never works in a transaction that the host has left open on a connection', async () => {
    const pool = makePool({ max: 1 })
    const tablePrefix = freshPrefix()
    const store = postgresStore({ pool, tablePrefix })
    await store.migrate()
    await store.commit(insertKey(1))

    const client = await pool.connect()
    await client.query('begin isolation level repeatable read')
    await client.query(`select * from ${tablePrefix}keys`)
    const other = new pg.Client(address)
    await other.connect()
    await other.query(`update ${tablePrefix}keys set status = 'revoked'`)
    await other.end()
    client.release()
    expect((await store.findCredential(digestOf(1)))?.key.status).toBe('revoked')

    const again = await pool.connect()
    await again.query('begin')
    await again.query('create table of_the_host ()')
    again.release()
    expect(await store.commit([update('key', idOf('key', 1), 1, { name: 'Ours' })])).toEqual({ ok: true })
    expect((await pool.query("select to_regclass('of_the_host') as found")).rows).toEqual([{ found: null }])
  })

  it('has the server’s time for its now where it was handed no clock', async () => {
    const pool = makePool()
    const store = postgresStore({ pool, tablePrefix: freshPrefix() })
    await store.migrate()
    const { rows } = await pool.query<{ now: string }>('select extract(epoch from now()) * 1000 as now')
    const now = Math.floor(Number(rows[0]!.now))
    await store.commit([
      ...insertKey(1, {}, { endsAt: now + 60_000 }),
      ...insertKey(2, {}, { endsAt: now - 1 }),
    ])
    const lengths = (await store.listKeys({ workspaceId: 'ws_1', limit: 9 })).map(
      ({ secrets }) => secrets.length,
    )
    expect(lengths).toEqual([0, 1])
    expect(await store.commit([{ ...insert('event', makeEvent(1)), before: now + 60_000 }])).toEqual({
      ok: true,
    })
    expect(await store.commit([{ ...insert('event', makeEvent(2)), before: now }])).toEqual({
      ok: false,
      failed: 0,
      why: 'late',
    })
  })

  it('says the server’s code and nothing of its text when it cannot answer', async () => {
    const store = postgresStore({ pool: makePool(), tablePrefix: freshPrefix() })
    for (const call of [() => store.findKey('ws_secret', 'x'), () => store.commit(insertKey(1))]) {
      const error: unknown = await Promise.resolve(call()).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'store_unavailable', internal: 'postgres: 42P01' })
      expect(inspect(error)).toContain('does not exist')
      expect((error as Error).message).not.toMatch(/relation|keys/)
    }
  })

  it('outlives connections that break while they lie idle, also where the host listens to nothing', async () => {
    const pool = makePool({ max: 2 })
    const store = postgresStore({ pool, tablePrefix: freshPrefix() })
    await store.migrate()
    await store.commit(insertKey(1))
    await Promise.all([store.findCredential(digestOf(1)), store.findCredential(digestOf(1))])
    const admin = new pg.Client(address)
    await admin.connect()
    await admin.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await admin.end()
    expect((await store.findCredential(digestOf(1)))?.key.id).toBe(idOf('key', 1))
    expect(pool.listenerCount('error')).toBe(1)
    await store.close()
    expect(pool.listenerCount('error')).toBe(0)
  })

  it('refuses in time where no connection is to be had, and gives back the one that comes too late', async () => {
    const pool = makePool({ max: 1 })
    const tablePrefix = freshPrefix()
    await postgresStore({ pool, tablePrefix }).migrate()
    const store = postgresStore({ pool, tablePrefix, timeoutMs: 50 })
    const held = await pool.connect()
    await expect(async () => store.findCredential(digestOf(1))).rejects.toMatchObject({
      code: 'store_unavailable',
      internal: 'postgres: no connection in time',
    })
    await expect(async () => store.commit(insertKey(1))).rejects.toMatchObject({ code: 'store_unavailable' })
    held.release()
    const [other] = [postgresStore({ pool, tablePrefix })]
    expect(await other.commit(insertKey(1))).toEqual({ ok: true })
    expect(pool.totalCount).toBe(1)
  })

  it.each([
    ['no pool', {}],
    ['what is no pool', { pool: { query: () => undefined } }],
    ['a prefix that needs quoting', { tablePrefix: 'A"' }],
    ['a schema that is none', { schema: 'a.b' }],
    ['a time-out of no time', { timeoutMs: 0 }],
    ['a time-out that is none', { timeoutMs: Infinity }],
    ['a switch that is none', { prepare: 'no' }],
  ])('refuses %s at once', (name, options) => {
    const pool = name.includes('pool') ? {} : { pool: makePool() }
    expect(() => postgresStore({ ...pool, ...options } as never)).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })
})
