import Database from 'better-sqlite3'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { voteId } from '../../../src/service/approvals/voters.js'
import { mysqlStore } from '../../../src/stores/mysql.js'
import { postgresStore } from '../../../src/stores/postgres.js'
import { sqliteStore } from '../../../src/stores/sqlite.js'
import { describeOn } from '../../servers/on-server.js'
import { promisePool, tell } from '../../stores/mysql-pools.js'
import { ann, backUp, setBack, startHost } from './world.js'
import type { Past } from './world.js'

type Host = Awaited<ReturnType<typeof startHost>>

const effects = ['unsafe', 'idempotent', 'transactional'] as const

/** What happens before and after a backup; then the backup comes back. */
async function live(past: Past) {
  const trail: string[] = []
  const ran: string[] = []
  const first = await startHost(past.open(), trail, ran)
  const { keys, approvals } = first.keyrung
  const names = ['kept', 'narrowed', 'widened', 'revoked', 'activated', 'rotated', 'deleted'] as const
  const made: Record<string, Awaited<ReturnType<Host['makeKey']>>> = {}
  for (const name of names) made[name] = await first.makeKey(name, ['contacts:read', 'contacts:write'])
  await keys.revoke(ann, made['activated']!.id)
  const { secret } = await first.makeKey('asker')
  const asked: Record<string, string> = {}
  const ask = async (name: string, effect: (typeof effects)[number] = 'unsafe') =>
    void (asked[name] = await first.ask(secret, effect))
  for (const effect of effects) {
    await ask(`${effect}, ran`, effect)
    await ask(`${effect}, in doubt`, effect)
  }
  for (const name of ['waiting', 'rejected', 'cancelled', 'lost run', 'settled']) await ask(name)
  await first.keyrung.tick()
  await backUp(past)

  const webhook = { url: 'https://hooks.example/here' }
  await keys.edit(ann, made['narrowed']!.id, { scopes: ['contacts:read'] }, { version: 1 })
  await keys.edit(ann, made['widened']!.id, { scopes: ['contacts:delete'], webhook }, { version: 1 })
  await keys.revoke(ann, made['revoked']!.id, { reason: 'Laptop lost' })
  await keys.activate(ann, made['activated']!.id)
  const rotated = await keys.rotate(ann, made['rotated']!.id)
  await keys.delete(ann, made['deleted']!.id)
  const late = await first.makeKey('late')
  for (const effect of effects) await first.approve(asked[`${effect}, ran`]!)
  await approvals.reject(ann, asked['rejected']!, { reason: 'Not this one.' })
  await first.approve(asked['lost run']!, { fails: true })
  await first.approve(asked['settled']!, { fails: true })
  await approvals.resolve(ann, asked['settled']!, { as: 'succeeded', reason: 'It is there.' })
  await ask('late')
  await first.keyrung.tick()
  await first.keyrung.close()
  await setBack(past)
  return { trail, ran, made, asked, rotated, late }
}

/** Approvals that the restored moment knows as approved or running; nothing tells what became of them. */
async function doubt(past: Past, asked: Record<string, string>) {
  const store = past.open()
  const annsHand = { marks: new Set(['user:ann']), isKnown: true }
  for (const [index, effect] of effects.entries()) {
    const record = (await store.findApproval('ws', asked[`${effect}, in doubt`]!))!
    const set = {
      ...{ status: index === 1 ? ('executing' as const) : ('approved' as const), lane: 'named' as const },
      ...{ dueAt: record.createdAt, fence: index === 1 ? 1 : 0, votes: 1 },
    }
    const { id, version: expectVersion } = record
    const vote = {
      ...{
        id: voteId(id, 0, 'user:ann', annsHand),
        workspaceId: 'ws',
        version: 1,
        approvalId: id,
        keyId: record.keyId,
      },
      ...{ actor: 'user:ann', role: 'admin', secretId: null, at: record.createdAt, reason: null },
    }
    await store.commit([
      { do: 'update', type: 'approval', id, expectVersion, set },
      { do: 'insert', type: 'vote', record: vote },
    ])
  }
  await store.close()
}

function promises(make: () => Promise<Past>): void {
  let past: Past
  let before: Awaited<ReturnType<typeof live>>
  let host: Host
  const runs: string[] = []

  beforeAll(async () => {
    past = await make()
    before = await live(past)
    await doubt(past, before.asked)
    host = await startHost(past.open(), [], runs)
  }, 120_000)
  afterAll(async () => {
    await host.keyrung.close()
    await past.dispose()
  })

  const torn = '{"type":"change","id":"evt_0'
  async function* lines() {
    yield torn
    yield* before.trail
    yield '{"type":"decision"}'
    // A sink may tell an event twice.
    yield* before.trail.slice(-3)
    yield ''
  }

  test('what was done since is done again, and what is in doubt waits for a human', async () => {
    const progress: number[] = []
    const report = await host.keyrung.restore({
      events: lines(),
      onProgress: ({ mended }) => progress.push(mended),
    })
    expect(report).toMatchObject({
      torn: 1,
      read: before.trail.length + 3,
      keys: { edited: 2, rotated: 1, revoked: 1, activated: 1, deleted: 1, lost: 1 },
      // The runs of two effects, the rejection and what was settled; the transaction is undone, and its run unknown.
      approvals: { ended: 4, unknown: 5, lost: 1 },
    })
    expect(report.attention).toEqual(
      expect.arrayContaining([
        { workspaceId: 'ws', keyId: before.made['rotated']!.id, why: 'secret_lost' },
        { workspaceId: 'ws', keyId: before.made['widened']!.id, why: 'webhook_lost' },
      ]),
    )
    expect(report.attention).toHaveLength(2)
    expect(progress.at(-1)).toBe(report.forgotten)
  })

  test('keys are as they were, as far as anybody can know', async () => {
    const { made, rotated, late } = before
    const works = async (name: string) => host.works(made[name]!.secret)
    expect({
      kept: await works('kept'),
      narrowed: await works('narrowed'),
      revoked: await works('revoked'),
      activated: await works('activated'),
      rotated: await works('rotated'),
      deleted: await works('deleted'),
      successor: await host.works(rotated.secret),
      late: await host.works(late.secret),
    }).toMatchObject({
      ...{ kept: 'ok', narrowed: 'ok', activated: 'ok', revoked: 'key_revoked' },
      ...{ deleted: 'credential_invalid', successor: 'credential_invalid', late: 'credential_invalid' },
    })
    const get = (name: string) => host.keyrung.keys.get(ann, made[name]!.id)
    expect((await get('narrowed')).scopes).toEqual(['contacts:read'])
    expect((await get('widened')).scopes).toEqual(['contacts:delete'])
    expect(await get('revoked')).toMatchObject({ revokedReason: 'Laptop lost', revokedBy: 'user:ann' })
    // The old secret works until its grace period is over; a new one can be made at once.
    expect((await get('rotated')).secrets.every(({ endsAt }) => endsAt !== null)).toBe(true)
    const { secret } = await host.keyrung.keys.rotate(ann, made['rotated']!.id)
    expect(await host.works(secret)).toBe('ok')
  })

  test('approvals have their end, or wait for a human, and none of them runs', async () => {
    const { asked } = before
    await host.keyrung.tick()
    expect(runs).toEqual([])
    const standing = Object.entries(asked).filter(([name]) => name !== 'late')
    const found = await Promise.all(standing.map(async ([name, id]) => [name, await host.status(id)]))
    expect(Object.fromEntries(found)).toEqual({
      ...{ 'unsafe, ran': 'succeeded done', 'unsafe, in doubt': 'unknown restored' },
      ...{ 'idempotent, ran': 'succeeded done', 'idempotent, in doubt': 'unknown restored' },
      ...{ 'transactional, ran': 'unknown restored', 'transactional, in doubt': 'unknown restored' },
      ...{ waiting: 'pending', cancelled: 'pending', rejected: 'rejected' },
      ...{ 'lost run': 'unknown restored', settled: 'succeeded marked_done' },
    })
  })

  test('the audit trail is whole again, and a second restore finds nothing to do', async () => {
    const { events } = await host.keyrung.audit.list(ann, { limit: 200 })
    const ids = new Set(events.map(({ id }) => id))
    const told = before.trail.map((line) => (JSON.parse(line) as { id: string }).id)
    expect(told.filter((id) => !ids.has(id))).toEqual([])
    const nothing = { edited: 0, rotated: 0, revoked: 0, activated: 0, deleted: 0, lost: 0 }
    expect(await host.keyrung.restore({ events: lines() })).toMatchObject({
      ...{ forgotten: 0, keys: nothing, approvals: { ended: 0, unknown: 0, lost: 0 }, attention: [] },
    })
    expect((await host.keyrung.audit.list(ann, { limit: 200 })).events).toHaveLength(events.length)
  })

  test('what a human has looked at can be run again', async () => {
    const id = before.asked['unsafe, in doubt']!
    const settled = await host.keyrung.approvals.resolve(ann, id, { as: 'again' }, { waitMs: 10_000 })
    expect([settled.status, runs]).toEqual(['succeeded', [id]])
  })
}

const inSchema = (schema: string) => `select table_name from information_schema.tables where ${schema}`

describe('a restored backup on SQLite', () => {
  promises(async () => {
    const database = new Database(':memory:')
    return {
      open: () => sqliteStore({ database }),
      tables: "select name from sqlite_master where type = 'table'",
      async tell(statement) {
        const prepared = database.prepare(statement)
        if (prepared.reader) return prepared.pluck().all() as string[]
        prepared.run()
        return []
      },
      dispose: async () => void database.close(),
    }
  })
})

describeOn('postgres', 'a restored backup on PostgreSQL', (server) => {
  promises(async () => {
    const pool = new pg.Pool(await server.createDatabase())
    return {
      open: () => postgresStore({ pool, timeoutMs: 15_000 }),
      tables: inSchema('table_schema = current_schema()'),
      tell: async (statement) =>
        (await pool.query<string[]>({ text: statement, rowMode: 'array' })).rows.map((row) => row[0]!),
      dispose: () => pool.end(),
    }
  })
})

describeOn('mariadb', 'a restored backup on MariaDB', (server) => {
  promises(async () => {
    const address = await server.createDatabase()
    const { pool, end } = promisePool(address)
    return {
      open: () => mysqlStore({ pool, timeoutMs: 15_000 }),
      tables: inSchema('table_schema = database()'),
      tell: async (statement) => (await tell(address, statement)).map((row) => row[0] as string),
      dispose: end,
    }
  })
})
