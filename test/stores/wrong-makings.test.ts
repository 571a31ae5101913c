import Database from 'better-sqlite3'
import { createConnection, createPool } from 'mysql2'
import { createPool as createPromisePool } from 'mysql2/promise'
import { Client, Pool } from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import type { KeyrungError } from '../../src/core/errors.js'
import { defineCatalog } from '../../src/core/catalog.js'
import { describeGiven } from '../../src/core/given.js'
import { ladders } from '../../src/core/ladder.js'
import * as express from '../../src/middleware/express.js'
import * as koa from '../../src/middleware/koa.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { memoryLimits } from '../../src/stores/memory-limits.js'
import { memoryStore } from '../../src/stores/memory.js'
import { mysqlLimits, mysqlStore } from '../../src/stores/mysql.js'
import { postgresLimits, postgresStore } from '../../src/stores/postgres.js'
import { redisLimits } from '../../src/stores/redis.js'
import { sqliteLimits, sqliteStore } from '../../src/stores/sqlite.js'

/** A handle as node:sqlite has it: `open` is a function there. */
class DatabaseSync {
  readonly isOpen = true
  readonly isTransaction = false
  open(): void {}
  close(): void {}
  exec(): void {}
  prepare(): object {
    return {}
  }
}

const closed = new Database(':memory:')
closed.close()
const single = createConnection({ host: '127.0.0.1', port: 1 })
single.on('error', () => undefined)
const promisePool = createPromisePool({ host: '127.0.0.1', port: 1 })
const callbackPool = createPool({ host: '127.0.0.1', port: 1 })
const database = new Database(':memory:')
afterAll(async () => {
  single.destroy()
  database.close()
  await Promise.all([promisePool.end(), callbackPool.promise().end()])
})

const catalog = defineCatalog({ resources: { contacts: { ladder: ladders.crud } } })
const usual = { catalog, store: memoryStore(), pepper: 'none' as const, keys: { prefix: 'tp' } }
const handler = () => new Response()

/** Maker, what it is made with, and what its error says. */
type Case = readonly [name: string, make: () => unknown, says: RegExp]

function given<O>(name: string, make: (options: O) => unknown, values: readonly [unknown, RegExp][]): Case[] {
  return values.map(([value, says]) => [
    `${name} of ${describeGiven(value)}`,
    () => make(value as O),
    new RegExp(`${name}.*given was ${says.source}`),
  ])
}

/** The cases of an option that makers of two kinds have in common. */
function both<O>(
  makers: Readonly<Record<string, (options: O) => unknown>>,
  option: string,
  values: readonly [unknown, RegExp][],
): Case[] {
  return Object.entries(makers).flatMap(([name, make]) =>
    given(name, (value) => make({ [option]: value } as O), values),
  )
}

const cases: Case[] = [
  ...both({ sqliteStore, sqliteLimits }, 'database', [
    [new DatabaseSync(), /a DatabaseSync/],
    [closed, /one that is closed/],
    [new Pool(), /a BoundPool/],
    [{}, /an empty object/],
    [undefined, /nothing/],
    ['app.db', /a string/],
  ]),
  ...both({ postgresStore, postgresLimits }, 'pool', [
    [new Client(), /a Client/],
    [promisePool, /a PromisePool/],
    [{ connect() {}, on() {} }, /a plain object/],
    [{}, /an empty object/],
    [null, /null/],
    ['postgres://', /a string/],
  ]),
  ...both({ mysqlStore, mysqlLimits }, 'pool', [
    [single, /a Connection/],
    [single.promise(), /a PromiseConnection/],
    [Promise.resolve(), /a Promise/],
    [{ getConnection(_done: () => void) {} }, /a plain object/],
    [new Pool(), /a BoundPool/],
    [undefined, /nothing/],
  ]),
  ...both({ redisLimits }, 'client', [
    [new Pool(), /a BoundPool/],
    [Promise.resolve(), /a Promise/],
    [{}, /an empty object/],
    [undefined, /nothing/],
  ]),
  ...[sqliteStore, sqliteLimits, postgresStore, postgresLimits, mysqlStore, mysqlLimits, redisLimits].map(
    (make): Case => [`${make.name} of nothing at all`, () => make(undefined as never), /given was nothing/],
  ),
  [
    'a store in memory with a clock of nothing',
    () => memoryStore({ clock: {} as never }),
    /clock.*without now/,
  ],
  ['limits in memory with another clock', () => memoryLimits({ clock: Date as never }), /clock.*a function/],
  ['a clock that cannot wait', () => sqliteStore({ database, clock: { now: Date.now } as never }), /clock/],
  ['an empty store', () => createKeyrung({ ...usual, store: {} as never }), /an empty object without now/],
  ['no store', () => createKeyrung({ ...usual, store: undefined as never }), /store: is missing/],
  [
    'an uncalled maker',
    () => createKeyrung({ ...usual, store: memoryStore as never }),
    /given was a function/,
  ],
  [
    'limits as a store',
    () => createKeyrung({ ...usual, store: memoryLimits() as never }),
    /MemoryLimits without now/,
  ],
  [
    'a store that lacks a call',
    () => createKeyrung({ ...usual, store: { ...memoryStore(), listVotes: undefined } as never }),
    /a plain object without listVotes;/,
  ],
  ['an empty catalog', () => createKeyrung({ ...usual, catalog: {} as never }), /an empty object without/],
  [
    'a store as limits',
    () => createKeyrung({ ...usual, limits: { store: memoryStore() as never } }),
    /a plain object without spend/,
  ],
  [
    'a clock of nothing',
    () => createKeyrung({ ...usual, clock: {} as never }),
    /an empty object without now/,
  ],
  ...[express, koa].flatMap(({ mount, attach, notFound }, i): Case[] => {
    const framework = ['Express', 'Koa'][i]!
    return [
      ...([undefined, null, {}, 'x', Promise.resolve(handler)] as const).map((value): Case => [
        `${framework}: mount of ${describeGiven(value)}`,
        () => mount(value as never),
        new RegExp(`handler: must be a function.*given was ${describeGiven(value)}`),
      ]),
      [`${framework}: mount with null`, () => mount(handler, null as never), /options: must be an object/],
      [
        `${framework}: mount with a size`,
        () => mount(handler, { maxBodyBytes: '1mb' as never }),
        /maxBodyBytes/,
      ],
      [`${framework}: no app`, () => attach(createKeyrung(usual), undefined as never), /app: .* nothing/],
      [`${framework}: no keyrung`, () => attach(undefined as never, {} as never), /keyrung: .* nothing/],
      [`${framework}: notFound of nothing`, () => notFound({} as never), /keyrung: .* an empty object/],
    ]
  }),
]

describe('what cannot work is refused where it is made, and says what was given', () => {
  test.each(cases)('%s', (_name, make, says) => {
    let error: unknown
    try {
      make()
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'config_invalid' })
    expect((error as KeyrungError).message).toMatch(says)
  })

  test.each<Case[0]>(['better-sqlite3', 'pg', 'mysql2', 'mysql2/promise'])('%s is taken', (name) => {
    const make = {
      'better-sqlite3': () => sqliteStore({ database }),
      pg: () => postgresStore({ pool: new Pool() }),
      mysql2: () => mysqlStore({ pool: callbackPool }),
      'mysql2/promise': () => mysqlStore({ pool: promisePool }),
    }[name]!
    expect(make().name).toMatch(/sqlite|postgres|mysql/)
  })
})

test.each([
  [Object.create({ constructor: undefined }) as object, 'an object'],
  [
    new Proxy({}, { getPrototypeOf: () => Object.prototype, get: () => ({ name: '\n<secret>' }) }),
    'an empty object',
  ],
  [
    new Proxy(
      {},
      {
        get() {
          throw new Error('secret')
        },
      },
    ),
    'an object',
  ],
  [[], 'an array'],
  [7, 'a number'],
])('what was given is named, and never shown', (value, name) => {
  expect(describeGiven(value).replace('an empty object', name)).toBe(name)
})
