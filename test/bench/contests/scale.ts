import { createRequire } from 'node:module'
import pg from 'pg'
import { createKeyrung } from 'keyrung'
import type { Keyrung } from 'keyrung'
import { createDigester, digestBytes } from '../../../src/crypto/digest.js'
import { postgresMigrations, postgresStore } from '../../../src/stores/postgres.js'
import { tableNames } from '../../../src/stores/sql/tables.js'
import type { TableNames } from '../../../src/stores/sql/tables.js'
import { median, report } from '../contest.js'
import { bareLookup } from '../scale/bare-lookup.js'
import { startPostgres } from '../scale/postgres-server.js'
import { bigShare, bigWorkspace, idOf, instantOf, isActive, secretOf, writeKeys } from '../scale/many-keys.js'
import { formatCursor } from '../../../src/service/cursor.js'
import { catalog } from '../seed.js'

const few = 10_000
const usual = 10_000_000
const rounds = 9
const pageSize = 100
const inFlightAtOnce = 32

/** For a database that is made once and thrown away; what serves the lookups is as on a machine of this size. */
const settings = {
  ...{ fsync: 'off', full_page_writes: 'off', wal_level: 'minimal', max_wal_senders: '0', autovacuum: 'off' },
  ...{ max_wal_size: '8GB', maintenance_work_mem: '512MB', shared_buffers: '4GB' },
}

interface Filled {
  readonly count: number
  readonly names: TableNames
  readonly prefix: string
}

/**
 * Lookups and pages among so many keys in a PostgreSQL of the benchmark's own; ten million unless said otherwise.
 * With `KEYRUNG_BENCH_FOLDER` what was loaded is kept there for the next run.
 */
export async function scaleContest(argument?: string): Promise<void> {
  const count = argument === undefined ? usual : Number(argument.replaceAll('_', ''))
  if (!Number.isSafeInteger(count) || count < few || count >= 100_000_000) {
    throw new Error(`scale takes a number of keys from ${few} to 99,999,999`)
  }
  const server = await startPostgres(settings, process.env['KEYRUNG_BENCH_FOLDER'])
  const pool = new pg.Pool({ host: '127.0.0.1', port: server.port, user: 'bench', database: 'postgres' })
  // Connections that lie idle hear of the server's end.
  pool.on('error', () => undefined)
  try {
    await describe(pool)
    const small = await fill(pool, 'few_', few)
    const large = await fill(pool, 'many_', count)
    await lookups(pool, small, large)
    await coldLookups(pool, large)
    await pages(pool, large)
    await memory(pool, large)
  } finally {
    await pool.end()
    await server.stop()
  }
}

async function describe(pool: pg.Pool): Promise<void> {
  const require = createRequire(import.meta.url)
  const { version } = require('pg/package.json') as { version: string }
  const { rows } = await pool.query<{ server_version: string }>('show server_version')
  console.log(
    `\nPostgreSQL ${rows[0]!.server_version}, pg ${version}, a pool of 10 connections over loopback`,
  )
  console.log(
    Object.entries(settings)
      .map((pair) => pair.join('='))
      .join(' '),
  )
}

/** Makes the tables, loads them, and only then makes the indexes: within one transaction nothing of it is logged. */
async function fill(pool: pg.Pool, prefix: string, count: number): Promise<Filled> {
  const names = tableNames(prefix)
  const start = performance.now()
  const tell = (what: string) =>
    console.log(`  ${prefix} ${((performance.now() - start) / 1e3).toFixed(1).padStart(7)} s  ${what}`)
  const statements = postgresMigrations({ tablePrefix: prefix }).flatMap((migration) => migration.sql)
  const isIndex = (text: string) => /^create (unique )?index/.test(text)
  const client = await pool.connect()
  try {
    const there = await client.query('select to_regclass($1) as found', [names.key])
    if ((there.rows[0] as { found: unknown }).found !== null) {
      const last = await client.query(`select max(id) from ${names.key}`)
      if ((last.rows[0] as { max: unknown }).max !== idOf('key', count)) {
        throw new Error('KEYRUNG_BENCH_FOLDER holds another number of keys')
      }
      tell(`${count.toLocaleString('en')} keys are there from an earlier run`)
      return { count, names, prefix }
    }
    await client.query('begin')
    for (const text of statements.filter((text) => !isIndex(text))) await client.query(text)
    await writeKeys(client, names, count, (done) => tell(`${done.toLocaleString('en')} keys`))
    for (const text of statements.filter(isIndex)) {
      await client.query(text)
      tell(/index "?(\w+)/.exec(text)![1]!)
    }
    await client.query('commit')
    await client.query(`vacuum analyze ${Object.values(names).join(', ')}`)
    tell('vacuumed and analyzed')
    await client.query('create extension if not exists pg_prewarm')
    const { rows } = await client.query<{ bytes: string }>(
      `select sum(pg_relation_size(c.oid)) as bytes, sum(pg_prewarm(c.oid, 'read'))
       from pg_class c where c.relkind in ('r', 'i') and c.relname like $1`,
      [`${prefix.replace('_', '\\_')}%`],
    )
    tell(`${(Number(rows[0]!.bytes) / 2 ** 30).toFixed(2)} GiB with indexes, read once`)
  } finally {
    client.release()
  }
  return { count, names, prefix }
}

async function open(
  pool: pg.Pool,
  { prefix, count }: Filled,
  freshness: 'strict' | 'cached',
): Promise<Keyrung<typeof catalog>> {
  const keyrung = createKeyrung({
    ...{ catalog, freshness, pepper: 'none', keys: { prefix: 'tp', environments: ['live', 'test'] } },
    ...{
      store: postgresStore({ pool, tablePrefix: prefix, timeoutMs: 60_000 }),
      storeTimeoutMs: 60_000,
      leaseMs: 3_600_000,
    },
    cache: { max: 1_000_000 },
    notify: () => undefined,
  })
  const start = performance.now()
  await keyrung.ready({ migrate: true })
  const seconds = ((performance.now() - start) / 1e3).toFixed(2)
  console.log(`  ready among ${count.toLocaleString('en')} keys after ${seconds} s`)
  return keyrung
}

/** Numbers of keys that are let in, in an order that jumps about. */
function numbersUpTo(count: number): () => number {
  let state = 88_172_645
  return () => {
    for (;;) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      const number = 1 + Math.floor((state / 2 ** 32) * count)
      if (isActive(number)) return number
    }
  }
}

function verifying(keyrung: Keyrung<typeof catalog>, { count }: Filled): () => Promise<void> {
  const next = numbersUpTo(count)
  return async () => {
    const { ok } = await keyrung.authenticate(secretOf(next()))
    if (!ok) throw new Error('a key of the benchmark is refused')
  }
}

/** Nanoseconds of each of so many calls, one after the other. */
async function timesOf(calls: number, run: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < calls; i++) {
    const start = performance.now()
    await run()
    times.push((performance.now() - start) * 1e6)
  }
  return times.sort((a, b) => a - b)
}

/** Nanoseconds a call, of so many calls of which some are always on their way. */
async function timeEach(atOnce: number, calls: number, run: () => Promise<unknown>): Promise<number> {
  let left = calls
  const start = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await run()
    }),
  )
  return ((performance.now() - start) * 1e6) / calls
}

const among = ({ count }: Filled) => `among ${count.toLocaleString('en')} keys`

/** Is a lookup among very many as fast as among few, also one of the slowest hundredth? */
async function lookups(pool: pg.Pool, small: Filled, large: Filled): Promise<void> {
  const sizes = [small, large]
  const runs = new Map<Filled, () => Promise<void>>()
  for (const size of sizes) runs.set(size, verifying(await open(pool, size, 'strict'), size))
  const p50 = new Map<string, number[]>(sizes.map((size) => [among(size), []]))
  const p99 = new Map<string, number[]>(sizes.map((size) => [among(size), []]))
  for (const run of runs.values()) await timesOf(1_000, run)
  for (let round = 0; round < rounds; round++) {
    for (const [size, run] of runs) {
      const times = await timesOf(500, run)
      p50.get(among(size))!.push(times[Math.floor(times.length * 0.5)]!)
      p99.get(among(size))!.push(times[Math.floor(times.length * 0.99)]!)
    }
  }
  for (const [title, standings] of [
    ['median', p50],
    ['99th of 100', p99],
  ] as const) {
    report(`A verification that asks the store each time, one at a time: ${title}`, standings, [
      { of: among(large), against: among(small), times: 0.5 },
    ])
  }
}

/** How much of the bare driver is left, and what asking for many in one query gives. */
async function coldLookups(pool: pg.Pool, large: Filled): Promise<void> {
  const store = postgresStore({ pool, tablePrefix: large.prefix })
  const digest = createDigester(null)
  const [bareNext, storeNext] = [numbersUpTo(large.count), numbersUpTo(large.count)]
  const lookup = bareLookup(large.names)
  const contestants = {
    'bare driver': async () => {
      const found = await lookup(pool, digestBytes(digest(secretOf(bareNext()))))
      if (found.length !== 1) throw new Error('a key of the benchmark is not there')
    },
    "the store's own lookup": async () => {
      const found = await store.findCredential(digest(secretOf(storeNext())))
      if (!found) throw new Error('a key of the benchmark is not there')
    },
    'keyrung, whole verification': verifying(await open(pool, large, 'strict'), large),
  }
  for (const [atOnce, calls, times] of [
    [1, 300, 0.75],
    [inFlightAtOnce, 1_500, 3],
  ] as const) {
    const standings = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]))
    for (const run of Object.values(contestants)) await timeEach(atOnce, calls, run)
    for (let round = 0; round < rounds; round++) {
      for (const [name, run] of Object.entries(contestants)) {
        standings.get(name)!.push(await timeEach(atOnce, calls, run))
      }
    }
    report(`Cold lookups ${among(large)}, ${atOnce} in flight`, standings, [
      { of: 'keyrung, whole verification', against: 'bare driver', times },
    ])
  }
}

/** Does a page cost the same wherever it is? */
async function pages(pool: pg.Pool, large: Filled): Promise<void> {
  const keyrung = await open(pool, large, 'strict')
  const actor = { type: 'system', name: 'bench', workspaceId: bigWorkspace } as const
  const share = bigShare(large.count)
  const last = Math.floor(share / pageSize)
  /** The number of the last row before a page, newest first: every tenth belongs to the workspace. */
  const before = (page: number) => (share - (page - 1) * pageSize + 1) * 10
  const keyCursor = (page: number) => formatCursor([idOf('key', before(page))])
  const eventCursor = (page: number) => formatCursor([instantOf(before(page)), idOf('evt', before(page))])
  const listKeys = async (page: number, status?: 'active' | 'revoked') => {
    const cursor = page === 1 ? undefined : keyCursor(page)
    const { keys } = await keyrung.keys.list(actor, { limit: pageSize, cursor, status })
    if (keys.length !== pageSize) throw new Error(`page ${page} of keys has ${keys.length}`)
  }
  const listEvents = async (page: number, action?: 'key.created') => {
    const given = { ...(page > 1 && { cursor: eventCursor(page) }), ...(action && { action }) }
    const { events } = await keyrung.audit.list(actor, { limit: pageSize, ...given })
    if (events.length !== pageSize) throw new Error(`page ${page} of events has ${events.length}`)
  }
  const deep = `page ${last.toLocaleString('en')}`
  for (const [what, list] of [
    ['keys', (page: number) => listKeys(page)],
    ['active keys', (page: number) => listKeys(page, 'active')],
    ['events', (page: number) => listEvents(page)],
    ['events of one action', (page: number) => listEvents(page, 'key.created')],
  ] as const) {
    const standings = new Map<string, number[]>([
      ['page 1', []],
      [deep, []],
    ])
    for (let round = -1; round < rounds; round++) {
      for (const [name, page] of [
        ['page 1', 1],
        [deep, last],
      ] as const) {
        const time = await timeEach(1, 10, () => list(page))
        if (round >= 0) standings.get(name)!.push(time)
      }
    }
    const title = `A page of ${pageSize} ${what} of a workspace that has ${share.toLocaleString('en')}`
    report(title, standings, [{ of: deep, against: 'page 1', times: 0.8 }])
  }
}

/** What a key takes in the cache of the mode `cached`, with all that hangs on it. */
async function memory(pool: pg.Pool, large: Filled): Promise<void> {
  const gc = globalThis.gc
  if (!gc) throw new Error('memory is measured with --expose-gc')
  const keyrung = await open(pool, large, 'cached')
  const count = Math.min(50_000, large.count / 10)
  const used = () => {
    gc()
    gc()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const keep = (from: number, to: number) =>
    timeEach(inFlightAtOnce, to - from, async () => {
      const number = from++
      if (isActive(number)) await keyrung.authenticate(secretOf(number))
    })
  await keep(1, 1_000)
  const measured: number[] = []
  for (let part = 0; part < 5; part++) {
    const [from, to] = [1_000 + (part * count) / 5, 1_000 + ((part + 1) * count) / 5]
    const before = used()
    await keep(from, to)
    measured.push((used() - before) / (to - from))
  }
  console.log(`\nMemory of a cached key, over ${count.toLocaleString('en')}`)
  console.log(
    `  ${median(measured).toFixed(0)} bytes (${measured.map((bytes) => bytes.toFixed(0)).join(', ')})`,
  )
  await keyrung.close()
}
