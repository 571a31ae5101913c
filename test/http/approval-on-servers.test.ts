import Database from 'better-sqlite3'
import express from 'express'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAdmin } from '../../src/admin/handler.js'
import type { ApprovalRecord } from '../../src/core/approval.js'
import type { Store } from '../../src/ports/store.js'
import { attach, guard, mount } from '../../src/middleware/express.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { mysqlStore } from '../../src/stores/mysql.js'
import { postgresStore } from '../../src/stores/postgres.js'
import { sqliteStore } from '../../src/stores/sqlite.js'
import { promisePool } from '../stores/mysql-pools.js'
import { describeOn } from '../servers/on-server.js'
import { outcome } from '../service/keys/fixture.js'
import { catalog } from './host.js'
import { serve } from './host-apps.js'
import type { Running } from './host-apps.js'

const ann = { type: 'user', id: 'ann', workspaceId: 'ws', role: 'admin' } as const
const bob = { ...ann, id: 'bob' }

/** What is proven here is who wins, not how fast. */
const timeoutMs = 15_000

/** A store on a database of its own; each call is another instance's. */
interface Shared {
  open(): Store
  dispose(): Promise<void>
}

/** A host in Express with its management API, on the wire, and a second instance of it. */
async function start({ open, dispose }: Shared) {
  const keyrungs = [open(), open()].map((store) => {
    const keyrung = createKeyrung({
      ...{ catalog, store, secret: 'a secret of the host, long enough to be one' },
      // Nobody waits for a lease of a second here, and what is revoked is revoked.
      freshness: 'strict',
      storeTimeoutMs: timeoutMs,
      keys: { prefix: 'tp' },
      usage: false,
      notify: () => undefined,
    })
    return { keyrung, store }
  })
  const ran: string[] = []
  const answers: number[] = []
  const listeners = keyrungs.map(({ keyrung }) => {
    const app = express()
    app.use(
      '/manage',
      mount(createAdmin(keyrung, { actor: (request) => (request.headers.has('session') ? ann : null) })),
    )
    app.post('/contacts/:id', guard(keyrung, 'contacts:write'), (request, response) => {
      ran.push(request.approval!.id)
      response.status(answers.shift() ?? 201).json({ run: ran.length })
    })
    attach(keyrung, app)
    return app
  })
  const [{ keyrung, store }, { keyrung: other }] = keyrungs as [(typeof keyrungs)[0], (typeof keyrungs)[0]]
  await keyrung.ready({ migrate: true })
  await other.ready()
  const running: Running = await serve(listeners[0]!)

  async function send(method: string, path: string, headers: Record<string, string>, body?: unknown) {
    const response = await fetch(`http://127.0.0.1:${running.port}${path}`, {
      method,
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    // What a test reads out of JSON is its own business.
    return { status: response.status, body: (await response.json()) as ReturnType<JSON['parse']> }
  }
  const manage = (method: string, path: string, body?: unknown) =>
    send(method, `/manage/approvals${path}`, { session: 'ann' }, body)
  let asked = 0
  return {
    ...{ keyrung, other, store, ran, answers, send, manage },
    /** Has a key ask for something over the wire. */
    async ask(secret: string) {
      const bearer = { authorization: `Bearer ${secret}` }
      const { status, body } = await send('POST', `/contacts/${++asked}`, bearer, { name: 'Ada' })
      expect(status).toBe(202)
      return { id: body.approval_id as string, digest: body.digest as string }
    },
    async makeKey() {
      const { key, secret } = await keyrung.keys.create(ann, {
        name: 'Agent',
        scopes: ['contacts:write-approval'],
      })
      return { id: key.id, secret }
    },
    /** What was told of an approval; events of one millisecond come in any order. */
    async told(id: string) {
      const { events } = await keyrung.audit.list(ann, { limit: 200 })
      return events.filter(({ target }) => target.id === id)
    },
    async stop() {
      await running.stop()
      for (const one of [keyrung, other]) await one.close()
      await dispose()
    },
  }
}

type Host = Awaited<ReturnType<typeof start>>

/** Declares what is promised on any store. */
function promises(make: () => Promise<Shared>): void {
  let host: Host
  beforeAll(async () => void (host = await start(await make())))
  afterAll(() => host.stop())

  /** An approval whose run has answered in a way that tells nobody what it did. */
  async function makeUnknown() {
    const { secret } = await host.makeKey()
    const asked = await host.ask(secret)
    host.answers.push(503)
    const { status, body } = await host.manage('POST', `/${asked.id}/approve`, { digest: asked.digest })
    expect([status, body.status, body.outcome, body.result_status]).toEqual([
      200,
      'unknown',
      'handler_failed',
      503,
    ])
    return { ...asked, secret }
  }
  const runsOf = (id: string) => host.ran.filter((one) => one === id).length

  test.each([
    ['succeeded', 'succeeded marked_done', 1],
    ['failed', 'failed marked_failed', 1],
    ['again', 'succeeded done', 2],
  ] as const)('a run that nobody knows the end of is found, and settled as %s', async (as, ended, runs) => {
    const { id, secret } = await makeUnknown()
    const list = await host.manage('GET', '?status=unknown')
    expect(list.body.approvals.map((one: { id: string }) => one.id)).toEqual([id])
    // The worker leaves it to a human, and so does the key that asked.
    await host.keyrung.tick()
    await host.other.tick()
    const bearer = { authorization: `Bearer ${secret}` }
    const own = await host.send('POST', `/manage/approvals/${id}/resolve`, bearer, { as })
    expect(own.status).toBe(403)
    expect([runsOf(id), (await host.manage('GET', `/${id}`)).body.status]).toEqual([1, 'unknown'])

    const { status, body } = await host.manage('POST', `/${id}/resolve`, { as, reason: 'I have looked' })
    expect([status, `${body.status} ${body.outcome}`, runsOf(id)]).toEqual([200, ended, runs])
    expect([body.decided_by, body.reason]).toEqual(['user:ann', 'I have looked'])
    expect((await host.send('GET', `/manage/approvals/${id}`, bearer)).body).toMatchObject({
      ...{ status: body.status, outcome: body.outcome },
    })
    const second = await host.manage('POST', `/${id}/resolve`, { as })
    expect([second.status, second.body.code]).toEqual([409, 'not_unknown'])
    const steps = (await host.told(id)).map(({ action }) => action.replace('approval.', '')).sort()
    const once = ['approved', 'queued', 'resolved', 'started', 'unknown']
    expect(steps).toEqual(as === 'again' ? [...once, 'started', 'succeeded'].sort() : once)
  })

  test('of many who settle it at once one does, and it is run again once', async () => {
    const { id } = await makeUnknown()
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        host.manage('POST', `/${id}/resolve`, { as: i % 3 === 0 ? 'failed' : 'again' }),
      ),
    )
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(replies.filter(({ body }) => body.code === 'not_unknown')).toHaveLength(11)
    const resolved = (await host.told(id)).filter(({ action }) => action === 'approval.resolved')
    expect(resolved).toHaveLength(1)
    const { status } = (await host.store.findApproval('ws', id))!
    expect(runsOf(id)).toBe(status === 'failed' ? 1 : 2)
  })

  test('fifty who approve, reject, cancel and revoke at once on two instances have one winner', async () => {
    for (let round = 0; round < 2; round++) {
      const key = await host.makeKey()
      const { id, digest } = await host.ask(key.secret)
      const known = await host.keyrung.authenticate(key.secret)
      if (!known.ok) throw new Error(known.code)
      const decisions: Promise<string>[] = []
      const revocations: Promise<string>[] = []
      for (let i = 0; i < 50; i++) {
        const { approvals, keys } = i % 2 === 0 ? host.keyrung : host.other
        if (i % 4 === 0) decisions.push(outcome(approvals.approve(ann, id, { digest }, { waitMs: 0 })))
        else if (i % 4 === 1) decisions.push(outcome(approvals.reject(bob, id, { reason: 'no' })))
        else if (i % 4 === 2) decisions.push(outcome(approvals.cancel(known.principal, id)))
        // With a revocation ever later.
        else if (i > 10 * round) revocations.push(outcome(keys.revoke(ann, key.id)))
      }
      const told = await Promise.all(decisions)
      expect(['ok', 'not_pending', 'key_revoked']).toEqual(expect.arrayContaining([...new Set(told)]))
      expect(new Set(await Promise.all(revocations))).toEqual(new Set(['ok']))

      await host.keyrung.tick()
      await host.other.tick()
      const events = await host.told(id)
      const won = events.filter(({ action }) => /approved|rejected|cancelled/.test(action))
      // What was approved may be taken back, or its key revoked, until it runs.
      expect(['approved', 'rejected', 'cancelled', 'approved cancelled']).toContain(
        won
          .map(({ action }) => action.replace('approval.', ''))
          .sort()
          .join(' '),
      )
      // Each who was told that it was done did it; what the library itself has cancelled was for the key's sake.
      const byCallers = won.filter(({ actor }) => actor !== 'system:keyrung')
      expect(told.filter((one) => one === 'ok')).toHaveLength(byCallers.length)
      const record = (await host.store.findApproval('ws', id)) as ApprovalRecord
      const ends = events.filter(({ action }) => /succeeded|rejected|cancelled/.test(action))
      expect(ends.map(({ after }) => after)).toEqual([expect.objectContaining({ status: record.status })])
      expect(runsOf(id)).toBe(record.status === 'succeeded' ? 1 : 0)
      expect(
        await host.store.listApprovals({ workspaceId: 'ws', keyId: key.id, status: 'pending', limit: 1 }),
      ).toEqual([])
    }
  })
}

describe('approvals on the wire, on SQLite', () => {
  promises(async () => {
    const database = new Database(':memory:')
    return {
      open: () => sqliteStore({ database }),
      dispose: async () => void database.close(),
    }
  })
})

describeOn('postgres', 'approvals on the wire, on PostgreSQL', (server) => {
  promises(async () => {
    const address = await server.createDatabase()
    const made = [new pg.Pool(address), new pg.Pool(address)]
    const left = [...made]
    return {
      open: () => postgresStore({ pool: left.shift()!, timeoutMs }),
      dispose: async () => void (await Promise.all(made.map((pool) => pool.end()))),
    }
  })
})

describeOn('mariadb', 'approvals on the wire, on MariaDB', (server) => {
  promises(async () => {
    const address = await server.createDatabase()
    const made = [promisePool(address), promisePool(address)]
    const left = [...made]
    return {
      open: () => mysqlStore({ pool: left.shift()!.pool, timeoutMs }),
      dispose: async () => void (await Promise.all(made.map((pool) => pool.end()))),
    }
  })
})
