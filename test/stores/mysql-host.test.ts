import mysql from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mysqlStore } from '../../src/stores/mysql.js'
import type { Change } from '../../src/ports/change.js'
import type { Store } from '../../src/ports/store.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import {
  add,
  commitAll,
  expectCounter,
  expectRefused,
  remove,
  update,
} from '../../src/testing/suite/probe.js'
import {
  digestOf,
  idOf,
  insert,
  insertKey,
  makeEvent,
  makeKey,
  makeMessage,
  makeSecret,
  makeSetting,
  someInstant,
} from '../../src/testing/suite/records.js'
import { describeOn } from '../servers/on-server.js'
import type { DatabaseAddress } from '../servers/test-server.js'
import { callbackPool, promisePool, tell } from './mysql-pools.js'
import type { HostPool } from './mysql-pools.js'

/** Texts that a character set, an escape or a collation could change. */
const texts = ['a', 'A', 'a ', 'á', 'a\u0301', '🗝', '\\', "'", '"', '`', '?', ':id', '%', '\u{10ffff}']

/** A bit of everything that is read and written, with what has to come of it. */
async function exercise(store: Store, base = 0): Promise<void> {
  const [one, two] = [base + 1, base + 2]
  const scopes = texts.join('\n')
  await commitAll(store, ...insertKey(one, { scopes, ownerId: null, metadata: 'x'.repeat(70_000) }))
  await commitAll(
    store,
    insert('secret', makeSecret(two, { keyId: idOf('key', one), endsAt: someInstant + 5 })),
  )
  await expectRefused(store, [insert('key', makeKey(one))], 0, 'duplicate')
  await expectRefused(
    store,
    [update('secret', idOf('sec', two), 1, { digest: digestOf(one) })],
    0,
    'duplicate',
  )
  await commitAll(store, update('key', idOf('key', one), 1, { scopes, updatedAt: Number.MAX_SAFE_INTEGER }))
  await expectRefused(store, [update('key', idOf('key', one), 1, { scopes })], 0, 'version')
  const row = await store.findCredential(digestOf(one))
  expect(row?.key).toEqual({
    ...makeKey(one, { scopes, ownerId: null, metadata: 'x'.repeat(70_000) }),
    version: 2,
    updatedAt: Number.MAX_SAFE_INTEGER,
  })
  expect(row?.secret.digest).toBe(digestOf(one))
  expect(await store.findCredentials([digestOf(one), digestOf(two), digestOf(base + 9)])).toHaveLength(2)
  await store.recordUses([{ keyId: idOf('key', one), at: someInstant + 3 }])
  await store.recordUses([{ keyId: idOf('key', one), at: someInstant + 1 }])
  expect((await store.findKey('ws_1', idOf('key', one)))?.lastUsedAt).toBe(someInstant + 3)

  const settings: Change[] = texts.map((text) =>
    insert('setting', makeSetting(`${base}${text}`, { value: text })),
  )
  await commitAll(store, ...settings)
  expect((await store.findSettings(`${base}`)).map(({ value }) => value).sort()).toEqual([...texts].sort())
  await commitAll(store, insert('event', makeEvent(one, { workspaceId: '' })))
  expect(await store.listEvents({ workspaceId: '', limit: 9 })).toContainEqual(
    makeEvent(one, { workspaceId: '' }),
  )
  await commitAll(store, insert('message', makeMessage(one, { destination: `to ${base}` })))
  expect((await store.countMessages()).get(`to ${base}`)).toBe(1)

  await commitAll(store, add(`n${base}`, 3, 3), add(`n${base}`, 0, 3))
  await expectRefused(store, [add(`n${base}`, 1, 3)], 0, 'limit')
  await commitAll(store, add(`n${base}`, 0, 3))
  await expectCounter(store, `n${base}`, 3)
  await commitAll(store, remove('key', idOf('key', one), 2), insert('tombstone', tombstone(one)))
  expect(await store.findCredential(digestOf(one))).toBeUndefined()
  expect(await store.purge({ now: someInstant + 5, limit: 100 })).toBe(3)
}

function tombstone(number: number) {
  return { id: idOf('key', number), workspaceId: 'ws_1', version: 1, deletedAt: someInstant }
}

/** Everything that could make a client read or write differently. */
const everySetting = {
  supportBigNumbers: true,
  bigNumberStrings: true,
  dateStrings: true,
  decimalNumbers: true,
  namedPlaceholders: true,
  nestTables: true,
  jsonStrings: true,
  stringifyObjects: true,
  timezone: '-11:00',
  typeCast: () => 'the host’s own',
  queryFormat: (sql: string, values: unknown) => (Object.keys(values ?? {}).length > 0 ? 'select 0' : sql),
} as const

const pools: Record<string, (address: DatabaseAddress) => HostPool> = {
  'big numbers': (address) => promisePool(address, { supportBigNumbers: true }),
  'big numbers as texts': (address) =>
    promisePool(address, { supportBigNumbers: true, bigNumberStrings: true }),
  'a type cast of its own': (address) => promisePool(address, { typeCast: () => 'the host’s own' }),
  'no type cast': (address) => promisePool(address, { typeCast: false }),
  'rows as arrays': (address) => promisePool(address, { rowsAsArray: true }),
  'every setting at once': (address) => promisePool(address, { ...everySetting, disableEval: true }),
  'callbacks and every setting at once': (address) => callbackPool(address, everySetting),
  'FOUND_ROWS off': (address) => promisePool(address, { flags: ['-FOUND_ROWS'] }),
  'FOUND_ROWS on': (address) => promisePool(address, { flags: ['FOUND_ROWS'] }),
  'several statements in one': (address) => promisePool(address, { multipleStatements: true }),
  'sessions reset on release': (address) => promisePool(address, { resetOnRelease: true }),
  'an old character set': (address) => promisePool(address, { charset: 'LATIN1_SWEDISH_CI' }),
}

/** What a host may have every session begin with. */
const sessions: Record<string, readonly string[]> = {
  'no sql_mode': ["set sql_mode = ''"],
  'every sql_mode': [
    "set sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,IGNORE_SPACE,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION,PAD_CHAR_TO_FULL_LENGTH,ONLY_FULL_GROUP_BY,TRADITIONAL'",
  ],
  'sql_mode ORACLE': ["set sql_mode = 'ORACLE,EMPTY_STRING_IS_NULL,SIMULTANEOUS_ASSIGNMENT'"],
  'autocommit off': ['set autocommit = 0'],
  'autocommit off and dirty reads': [
    'set autocommit = 0',
    'set session transaction isolation level read uncommitted',
  ],
  SERIALIZABLE: ['set session transaction isolation level serializable'],
  'transactions that begin anew': ["set completion_type = 'CHAIN'"],
  'transactions that end the session': ["set completion_type = 'RELEASE'"],
  'a far time zone': ["set time_zone = '+13:00'"],
  'character sets of its own': ['set names latin1', 'set collation_connection = cp1251_general_ci'],
  'safe updates': ['set sql_safe_updates = 1'],
}

describeOn('mariadb', 'mysqlStore and its host', (server) => {
  let database: DatabaseAddress
  let opened: HostPool[] = []
  let base = 0
  beforeAll(async () => {
    database = await server.createDatabase()
    const { pool, end } = promisePool(database)
    await mysqlStore({ pool }).migrate()
    await end()
  })
  afterAll(async () => void (await Promise.all(opened.map(({ end }) => end()))))

  function open(make: (address: DatabaseAddress) => HostPool = promisePool): HostPool['pool'] {
    const made = make(database)
    opened = [...opened, made]
    return made.pool
  }

  /** A pool of one connection, whose sessions begin with what the host says. */
  function session(...statements: readonly string[]): mysql.Pool {
    const pool = mysql.createPool({ ...database, connectionLimit: 1 })
    opened = [...opened, { pool, end: () => pool.end() }]
    pool.pool.on('connection', (connection) => {
      for (const sql of statements) connection.query(sql)
    })
    return pool
  }

  describe('reads and writes the same whatever the pool’s settings are', () => {
    for (const [name, make] of Object.entries(pools)) {
      for (const prepare of [true, false]) {
        it(`${name}${prepare ? '' : ', nothing prepared'}`, () =>
          exercise(mysqlStore({ pool: open(make), prepare, clock: manualClock() }), (base += 10)))
      }
    }
  })

  describe('reads and writes the same whatever state sessions are in', () => {
    for (const [name, statements] of Object.entries(sessions)) {
      it(name, () =>
        exercise(mysqlStore({ pool: session(...statements), clock: manualClock() }), (base += 10)),
      )
    }
  })

  it('takes the server’s time for its own, in milliseconds since 1970, whatever the time zone', async () => {
    for (const zone of ['+00:00', '-11:30', '+13:00']) {
      const store = mysqlStore({ pool: session(`set time_zone = '${zone}'`) })
      const id = `time ${zone}`
      const late = { ...insert('setting', makeSetting(id)), before: Date.now() - 60_000 }
      await expectRefused(store, [late], 0, 'late')
      await commitAll(store, { ...insert('setting', makeSetting(id)), before: Date.now() + 60_000 })
    }
  })

  it('sees what others commit in a session that begins a transaction with its first question', async () => {
    const reader = mysqlStore({ pool: session('set autocommit = 0') })
    const writer = mysqlStore({ pool: open() })
    const number = (base += 10)
    await commitAll(writer, ...insertKey(number))
    for (let version = 1; version < 4; version++) {
      expect((await reader.findCredential(digestOf(number)))?.key.version).toBe(version)
      await commitAll(writer, update('key', idOf('key', number), version, { name: `at ${version}` }))
    }
  })

  it('never reads what is not committed', async () => {
    const reader = mysqlStore({ pool: session('set session transaction isolation level read uncommitted') })
    const number = (base += 10)
    await commitAll(reader, ...insertKey(number))
    const host = await mysql.createConnection(database)
    try {
      await host.query('start transaction')
      await host.query(`update keyrung_keys set status = 'revoked' where id = '${idOf('key', number)}'`)
      expect((await reader.findCredential(digestOf(number)))?.key.status).toBe('active')
    } finally {
      await host.end()
    }
  })

  it('leaves a session as it found it', async () => {
    const state =
      'select @@tx_isolation, @@autocommit, @@sql_mode, @@time_zone, @@max_statement_time, @@completion_type'
    const pool = session("set sql_mode = 'ANSI_QUOTES'", "set time_zone = '+02:00'")
    const [before] = await pool.query(state)
    await exercise(mysqlStore({ pool, clock: manualClock() }), (base += 10))
    const [after] = await pool.query(state)
    expect(after).toEqual(before)
    expect(JSON.stringify(after)).toContain('REPEATABLE-READ')
  })

  it('keeps away from a transaction that the host left open, and neither ends it nor reads in it', async () => {
    const pool = session()
    const store = mysqlStore({ pool })
    await pool.query('create table if not exists hosts (id int)')
    await pool.query('start transaction')
    await pool.query('insert into hosts values (1)')
    await expect(async () => store.findCredential(digestOf(1))).rejects.toMatchObject({
      code: 'transaction_open',
    })
    await expect(async () => store.commit([insert('setting', makeSetting('open'))])).rejects.toMatchObject({
      code: 'transaction_open',
    })
    await pool.query('commit')
    expect(await tell(database, 'select count(*) from hosts')).toEqual([[1]])
    expect(await store.findSettings('open')).toEqual([])
  })

  it('refuses what is too long in every sql_mode, and cuts nothing', async () => {
    const store = mysqlStore({ pool: session("set sql_mode = ''") })
    const longest = '\uffff'.repeat(255)
    await commitAll(store, insert('setting', makeSetting(longest, { value: 'v'.repeat(300_000) })))
    expect(await store.findSettings(longest)).toMatchObject([{ id: longest, value: 'v'.repeat(300_000) }])
    await expect(async () =>
      store.commit([insert('setting', makeSetting(`${longest}x`))]),
    ).rejects.toMatchObject({
      code: 'input_invalid',
    })
  })

  it('asks for the credentials of one tick in one statement', async () => {
    const asked: string[] = []
    const pool = mysql.createPool(database)
    opened = [...opened, { pool, end: () => pool.end() }]
    pool.pool.on('connection', (connection) => {
      const { query } = connection
      connection.query = ((...args: [{ sql: string }]) => {
        asked.push(args[0].sql)
        return Reflect.apply(query, connection, args) as unknown
      }) as typeof query
    })
    await mysqlStore({ pool }).findCredentials(Array.from({ length: 150 }, (_, i) => digestOf(i)))
    expect(asked.filter((sql) => sql.includes('select'))).toHaveLength(1)
  })

  it('refuses options that cannot be meant', () => {
    const pool = open()
    const wrong: readonly object[] = [
      {},
      { pool: {} },
      { pool, tablePrefix: 'A b' },
      { pool, schema: 'a`b' },
      { pool, prepare: 'no' },
      { pool, timeoutMs: 0 },
      { pool, migrateTimeoutMs: Infinity },
    ]
    for (const options of wrong) {
      expect(() => mysqlStore(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    }
  })
})
