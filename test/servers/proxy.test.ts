import fc from 'fast-check'
import mysql from 'mysql2/promise'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { describeOn } from './on-server.js'
import { startProxy } from './proxy.js'
import type { CommitFate, Proxy } from './proxy.js'
import type { DatabaseAddress } from './test-server.js'
import { createMessageReader, isCommit } from './wire.js'

/** The little of a client that these tests need, for both servers. */
interface Client {
  query(text: string): Promise<readonly unknown[][]>
  end(): Promise<void>
}

/** What has to be closed after a test, last first. */
const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

function kept(client: Client): Client {
  closing.push(() => client.end())
  return client
}

async function postgresClient(address: DatabaseAddress): Promise<Client> {
  const client = new pg.Client(address)
  client.on('error', () => undefined)
  await client.connect()
  return kept({
    query: async (text: string) =>
      (await client.query<unknown[]>({ text, rowMode: 'array' })).rows.map((row) => row.map(Number)),
    end: () => client.end().catch(() => undefined),
  })
}

async function mariadbClient(address: DatabaseAddress): Promise<Client> {
  const client: Connection = await mysql.createConnection(address)
  client.on('error', () => undefined)
  return kept({
    async query(text: string) {
      const [rows] = await client.query<RowDataPacket[][]>({ sql: text, rowsAsArray: true })
      return Array.isArray(rows) ? (rows as unknown[][]) : []
    },
    end: async () => client.destroy(),
  })
}

async function kindOf(answer: Promise<unknown>): Promise<'answered' | 'failed'> {
  return answer.then(
    () => 'answered',
    () => 'failed',
  )
}

for (const [kind, protocol, connect] of [
  ['postgres', 'postgres', postgresClient],
  ['mariadb', 'mysql', mariadbClient],
] as const) {
  describeOn(kind, `a proxy in front of ${kind}`, (server) => {
    async function setUp(): Promise<{
      proxy: Proxy
      direct: Client
      through: Client
      address: DatabaseAddress
    }> {
      const address = await server.createDatabase()
      const proxy = await startProxy(address, protocol)
      closing.push(() => proxy.close())
      const direct = await connect(address)
      await direct.query('create table notes (id int primary key)')
      const through = await connect({ ...address, host: proxy.host, port: proxy.port })
      return { proxy, direct, through, address }
    }

    async function note(client: Client, id: number): Promise<unknown> {
      await client.query('begin')
      await client.query(`insert into notes (id) values (${id})`)
      return client.query('COMMIT')
    }

    /** What is there once the server has ended every transaction: they hold the rows they have written. */
    const notes = async (direct: Client) => (await direct.query('select id from notes order by id')).flat()

    test('lets everything through as it is', async () => {
      const { proxy, direct, through } = await setUp()
      await note(through, 1)
      expect(await notes(through)).toEqual([1])
      expect(await notes(direct)).toEqual([1])
      expect([proxy.accepted, proxy.open]).toEqual([1, 1])
    })

    test.each<[CommitFate, readonly number[]]>([
      ['lose-request', [1]],
      ['lose-answer', [1, 2]],
    ])('%s cuts the commit it is told to cut, and no other', async (fate, left) => {
      const { proxy, direct, through } = await setUp()
      const struck = proxy.strike(fate, 2)
      await note(through, 1)
      expect(await kindOf(note(through, 2))).toBe('failed')
      await struck
      expect(await kindOf(through.query('select 1'))).toBe('failed')
      expect(await notes(direct)).toEqual(left)
    })

    test.each<[CommitFate, readonly number[]]>([
      ['hold-request', []],
      ['hold-answer', [1]],
    ])('%s leaves the caller waiting until it is released', async (fate, meanwhile) => {
      const { proxy, direct, through } = await setUp()
      const struck = proxy.strike(fate)
      const answer = kindOf(note(through, 1))
      await struck
      expect(await Promise.race([answer, notes(direct)])).toEqual(meanwhile)
      proxy.release()
      expect(await answer).toBe('answered')
      expect(await notes(direct)).toEqual([1])
    })

    test('cuts, refuses, stalls and delays', async () => {
      const { proxy, through, address } = await setUp()
      const target = { ...address, host: proxy.host, port: proxy.port }
      proxy.stall()
      const answer = kindOf(through.query('select 1'))
      const other = kindOf(connect(target))
      proxy.release()
      expect([await answer, await other]).toEqual(['answered', 'answered'])

      proxy.delay(30)
      const start = performance.now()
      await through.query('select 1')
      expect(performance.now() - start).toBeGreaterThan(29)
      proxy.delay(0)

      proxy.refuse(true)
      expect(await kindOf(connect(target))).toBe('failed')
      expect(await kindOf(through.query('select 1'))).toBe('answered')
      proxy.refuse(false)
      proxy.cut()
      expect(proxy.open).toBe(0)
      expect(await kindOf(through.query('select 1'))).toBe('failed')
      expect(await kindOf(connect(target))).toBe('answered')
    })
  })
}

describe('messages of the wire', () => {
  const startup = Buffer.from([0, 0, 0, 8, 0, 3, 0, 0])
  const tls = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

  function framed(letter: string, body: string): Buffer {
    const head = Buffer.alloc(5)
    head.write(letter)
    head.writeUInt32BE(4 + body.length, 1)
    return Buffer.concat([head, Buffer.from(body)])
  }

  function packet(command: number, text: string): Buffer {
    const head = Buffer.alloc(5)
    head.writeUIntLE(1 + text.length, 0, 3)
    head[4] = command
    return Buffer.concat([head, Buffer.from(text)])
  }

  test.each(['postgres', 'mysql'] as const)('are whole however %s comes in pieces', (protocol) => {
    const messages =
      protocol === 'postgres'
        ? [tls, startup, framed('Q', 'begin\0'), framed('P', 's\0COMMIT\0\0\0'), framed('Q', 'commit\0')]
        : [packet(0x03, 'begin'), packet(0x16, 'COMMIT'), packet(0x03, 'commit')]
    const bytes = Buffer.concat(messages)
    const pieces = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(pieces, (sizes) => {
        const reader = createMessageReader(protocol)
        const found: Buffer[] = []
        let at = 0
        for (const size of [...sizes, bytes.length]) {
          found.push(...reader.take(bytes.subarray(at, at + size)))
          at += size
        }
        expect(found).toEqual(messages)
        expect(found.map((message) => isCommit(protocol, message)).filter(Boolean)).toHaveLength(2)
      }),
      { seed: 1 },
    )
  })

  test('that only speak of commits are none', () => {
    const texts = ['insert into keyrung_commits values (1)', 'begin', 'select 1 as commit_', 'rollback']
    for (const text of texts) {
      expect(isCommit('postgres', framed('Q', `${text}\0`))).toBe(false)
      expect(isCommit('mysql', packet(0x03, text))).toBe(false)
    }
    for (const text of [
      'commit',
      'COMMIT;',
      'commit and no chain no release',
      'insert into keyrung_commits values (1); commit',
    ]) {
      expect(isCommit('postgres', framed('Q', `${text}\0`))).toBe(true)
      expect(isCommit('mysql', packet(0x03, text))).toBe(true)
    }
    expect(isCommit('postgres', framed('X', ''))).toBe(false)
    expect(isCommit('mysql', packet(0x01, 'commit'))).toBe(false)
  })
})
