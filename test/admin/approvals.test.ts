import { describe, expect, test } from 'vitest'
import { manualClock } from '../../src/testing/manual-clock.js'
import { watchedLimits } from '../service/meter-sample.js'
import { approvalHost, created } from './approval-host.js'

const unknownId = 'apr_01h000000000000000000000zz'

describe('listing', () => {
  test('tells what waits, newest first, a page at a time, and nothing of what was asked', async () => {
    const host = approvalHost()
    const { secret, key, approval } = await host.makeAsked()
    await host.clock.advance(1_000)
    const second = await host.queue(secret, '{"name":"Mallory"}')
    const first = await host.ask('admin', 'GET', '/approvals?limit=1&status=pending')
    expect(first.status).toBe(200)
    expect(first.body.approvals.map(({ id }: { id: string }) => id)).toEqual([second.id])
    expect(first.body.approvals[0]).toMatchObject({
      ...{
        status: 'pending',
        outcome: null,
        kind: 'replay',
        operation: 'POST /contacts',
        app: 'crm',
        effect: 'unsafe',
      },
      ...{ permissions: ['contacts:write'], queued: ['contacts:write'], resource: 'contacts' },
      ...{ key_id: key.id, key_name: 'Agent', quorum: 1, votes: 0, digest: second.digest },
      ...{ decided_at: null, decided_by: null, reason: null, result_status: null },
      created_at: new Date(second.createdAt).toISOString(),
      expires_at: new Date(second.expiresAt).toISOString(),
    })
    expect(JSON.stringify(first.body)).not.toContain('Mallory')
    const rest = await host.ask('admin', 'GET', `/approvals?limit=1&cursor=${first.body.next}`)
    expect(rest.body).toMatchObject({ approvals: [{ id: approval.id }], next: null })
  })

  test('narrows by status, key, resource and age', async () => {
    const host = approvalHost()
    const { key, approval } = await host.makeAsked()
    await host.clock.advance(60_000)
    const other = await host.makeAsked()
    const ids = async (query: string) => {
      const { status, body } = await host.ask('admin', 'GET', `/approvals?${query}`)
      expect(status, JSON.stringify(body)).toBe(200)
      return body.approvals.map(({ id }: { id: string }) => id)
    }
    expect(await ids(`key_id=${key.id}`)).toEqual([approval.id])
    expect(await ids('resource=contacts')).toEqual([other.approval.id, approval.id])
    expect(await ids('resource=email')).toEqual([])
    expect(await ids('status=rejected')).toEqual([])
    const between = new Date(approval.createdAt + 1).toISOString()
    expect(await ids(`created_before=${encodeURIComponent(between)}`)).toEqual([approval.id])
  })

  test('refuses what it does not know, by the names of the wire', async () => {
    const { ask } = approvalHost()
    const reply = await ask('admin', 'GET', '/approvals?key_id=x&status=late&created_before=2026&nope=1')
    expect(reply.status).toBe(422)
    const paths = reply.body.faults.map(({ path }: { path: string }) => path)
    expect(new Set(paths)).toEqual(new Set(['created_before', 'nope']))
    const service = await ask('admin', 'GET', '/approvals?key_id=x&status=late&limit=201')
    expect(new Set(service.body.faults.map(({ path }: { path: string }) => path))).toEqual(
      new Set(['key_id', 'status', 'limit']),
    )
  })
})

describe('deciding', () => {
  test('shows the exact request with its digest, masked as the host says', async () => {
    const host = approvalHost({ approvals: { redact: ['/card', '/notify'] } })
    const { approval } = await host.makeAsked()
    const { status, body } = await host.ask('admin', 'GET', `/approvals/${approval.id}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ id: approval.id, digest: approval.digest, result: null, voters: [] })
    expect(body.request).toMatchObject({
      ...{ method: 'POST', target: '/contacts?notify=***', masked_query: ['/notify'], preview: null },
      headers: [['content-type', 'application/json']],
      body: {
        ...{ content_type: 'application/json', encoding: 'utf8', bytes: 28 },
        ...{ masked: ['/card'], rewritten: false, truncated: false },
      },
    })
    expect(body.request.body.text).toContain('Eve')
    expect(body.request.body.text).not.toContain('4111')
  })

  test('approving runs it once and answers with its result', async () => {
    const host = approvalHost()
    const { approval } = await host.makeAsked()
    const input = { digest: approval.digest, reason: 'fine' }
    const reply = await host.ask('admin', 'POST', `/approvals/${approval.id}/approve`, input)
    expect(reply.status, JSON.stringify(reply.body)).toBe(200)
    expect(reply.body).toMatchObject({
      ...{ status: 'succeeded', outcome: 'done', decided_by: 'user:ann', reason: 'fine', result_status: 201 },
      result: { content_type: 'application/json', encoding: 'utf8', text: '{"id":7}', truncated: false },
      voters: [{ actor: 'user:ann', reason: 'fine' }],
    })
    expect(host.handler.calls).toBe(1)
    const again = await host.ask('admin', 'POST', `/approvals/${approval.id}/approve`, input)
    expect([again.status, again.body.code]).toEqual([409, 'not_pending'])
    expect(host.handler.calls).toBe(1)
  })

  test('what still runs is 202, and tells where its end will stand', async () => {
    const host = approvalHost()
    let release = (): void => undefined
    host.handler.answer = () => new Promise((resolve) => (release = () => resolve(created('{}'))))
    const { approval, secret } = await host.makeAsked()
    const path = `/approvals/${approval.id}`
    const reply = await host.ask('admin', 'POST', `${path}/approve`, {
      digest: approval.digest,
      wait_seconds: 0,
    })
    expect(reply.status).toBe(202)
    expect(['approved', 'executing']).toContain(reply.body.status)
    expect(reply.headers.get('location')).toBe(path)
    expect(reply.headers.get('retry-after')).toBe('5')
    await expect.poll(() => host.handler.calls).toBe(1)
    const end = host.ask(secret, 'GET', path, undefined, { prefer: 'wait=60' })
    release()
    expect((await end).body).toMatchObject({ status: 'succeeded', result_status: 201 })
  })

  test('an approver can say how long to wait by Prefer, too; a body counts before it', async () => {
    const host = approvalHost()
    host.handler.answer = () => new Promise(() => undefined)
    const one = await host.makeAsked()
    const prefer = { prefer: 'wait=0' }
    const path = (id: string) => `/approvals/${id}/approve`
    const input = { digest: one.approval.digest }
    const preferred = await host.ask('admin', 'POST', path(one.approval.id), input, prefer)
    expect([preferred.status, preferred.headers.get('preference-applied')]).toEqual([202, 'wait=0'])
    const two = await host.makeAsked()
    const both = { digest: two.approval.digest, wait_seconds: 0 }
    const said = await host.ask('admin', 'POST', path(two.approval.id), both, { prefer: 'wait=60' })
    expect([said.status, said.headers.get('preference-applied')]).toEqual([202, null])
  })

  test('another digest than the one that was shown approves nothing', async () => {
    const host = approvalHost()
    const { approval } = await host.makeAsked()
    const path = `/approvals/${approval.id}/approve`
    const other = await host.ask('admin', 'POST', path, { digest: '0'.repeat(64) })
    expect([other.status, other.body.code]).toEqual([412, 'digest_mismatch'])
    const none = await host.ask('admin', 'POST', path, {})
    expect([none.status, none.body.faults[0].path]).toEqual([422, 'digest'])
    const long = await host.ask('admin', 'POST', path, { digest: approval.digest, wait_seconds: 61 })
    expect(long.body.faults).toEqual([{ path: 'wait_seconds', message: 'must be whole seconds, at most 60' }])
    expect(host.handler.calls).toBe(0)
  })

  test('rejecting needs a reason, and the key is told it', async () => {
    const host = approvalHost()
    const { approval, secret } = await host.makeAsked()
    const path = `/approvals/${approval.id}`
    const bare = await host.ask('admin', 'POST', `${path}/reject`)
    expect([bare.status, bare.body.faults[0].path]).toEqual([422, 'reason'])
    const reply = await host.ask('admin', 'POST', `${path}/reject`, { reason: 'not this one' })
    expect(reply.body).toMatchObject({ status: 'rejected', reason: 'not this one', decided_by: 'user:ann' })
    expect((await host.ask(secret, 'GET', path)).body).toMatchObject({
      status: 'rejected',
      reason: 'not this one',
    })
    expect(host.handler.calls).toBe(0)
  })

  test('a run of which nobody knows how it ended is settled by a human', async () => {
    const host = approvalHost()
    host.handler.answer = () => Promise.reject(new Error('the socket broke'))
    const { approval } = await host.makeAsked()
    const path = `/approvals/${approval.id}`
    const early = await host.ask('admin', 'POST', `${path}/resolve`, { as: 'failed' })
    expect([early.status, early.body.code]).toEqual([409, 'not_unknown'])
    const run = await host.ask('admin', 'POST', `${path}/approve`, { digest: approval.digest })
    expect(run.body).toMatchObject({ status: 'unknown' })
    host.handler.answer = async () => created('{}')
    const odd = await host.ask('admin', 'POST', `${path}/resolve`, { as: 'maybe' })
    expect([odd.status, odd.body.faults[0].path]).toEqual([422, 'as'])
    const again = await host.ask('admin', 'POST', `${path}/resolve`, { as: 'again', reason: 'looked' })
    expect([again.status, again.body.status]).toEqual([200, 'succeeded'])
    expect(host.handler.calls).toBe(2)
  })

  test('a decision that another site’s page asks for is none', async () => {
    const host = approvalHost()
    const { approval } = await host.makeAsked()
    const headers = { 'sec-fetch-site': 'cross-site' }
    for (const [verb, input] of [
      ['approve', { digest: approval.digest }],
      ['reject', { reason: 'no' }],
    ] as const) {
      const reply = await host.ask('admin', 'POST', `/approvals/${approval.id}/${verb}`, input, headers)
      expect([reply.status, reply.body.code]).toEqual([403, 'cross_site'])
      expect((await host.ask('admin', 'GET', `/approvals/${approval.id}/${verb}`)).status).toBe(405)
    }
    expect((await host.ask('admin', 'GET', `/approvals/${approval.id}`)).body.status).toBe('pending')
  })
})

describe('a key', () => {
  test('follows its own request, unmasked, and may wait for its end', async () => {
    const host = approvalHost({ approvals: { redact: ['/card'] } })
    const { approval, secret } = await host.makeAsked()
    const path = `/approvals/${approval.id}`
    const now = await host.ask(secret, 'GET', path)
    expect([now.status, now.headers.get('retry-after')]).toEqual([200, '5'])
    expect(now.headers.get('preference-applied')).toBeNull()
    expect(now.body.request.body.text).toContain('4111')
    const end = host.ask(secret, 'GET', path, undefined, { prefer: 'wait=600' })
    await host.ask('admin', 'POST', `${path}/reject`, { reason: 'no' })
    const told = await end
    expect(told.body.status).toBe('rejected')
    expect(told.headers.get('preference-applied')).toBe('wait=60')
    expect(told.headers.get('retry-after')).toBeNull()
  })

  test('is charged for each call that waits, and for no other', async () => {
    const host = approvalHost({ limits: { store: watchedLimits(manualClock()) } })
    const limits = [{ name: 'minute', limit: 3, window_seconds: 60 }]
    const { approval, secret } = await host.makeAsked({ limits })
    const path = `/approvals/${approval.id}`
    for (let i = 0; i < 6; i++) expect((await host.ask(secret, 'GET', path)).status).toBe(200)
    const client = AbortSignal.abort()
    const prefer = { prefer: 'wait=60' }
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) {
      const reply = await host.ask(secret, 'GET', path, undefined, prefer, client)
      statuses.push(reply.status)
      if (reply.status === 429) expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    // It had asked for the approval with the first.
    expect(statuses).toEqual([200, 200, 429, 429])
    expect((await host.ask(secret, 'GET', path)).status).toBe(200)
  })

  test('that has gone is waited for no longer, nor is an approver', async () => {
    const host = approvalHost()
    host.handler.answer = () => new Promise(() => undefined)
    const { approval, secret } = await host.makeAsked()
    const path = `/approvals/${approval.id}`
    const input = { digest: approval.digest }
    for (const [who, method, target, body] of [
      [secret, 'GET', path, undefined],
      ['admin', 'POST', `${path}/approve`, input],
    ] as const) {
      const client = new AbortController()
      const idle = host.clock.sleepers
      const waiting = host.ask(who, method, target, body, { prefer: 'wait=60' }, client.signal)
      await expect.poll(() => host.clock.sleepers).toBeGreaterThan(idle)
      client.abort()
      expect((await waiting).status).toBeLessThan(300)
    }
    expect(host.handler.calls).toBe(1)
  })

  test('takes back what it has asked for, once', async () => {
    const host = approvalHost()
    const { approval, secret } = await host.makeAsked()
    const path = `/approvals/${approval.id}/cancel`
    const odd = await host.ask(secret, 'POST', path, { reason: 'x' })
    expect([odd.status, odd.body.faults[0].path]).toEqual([422, 'reason'])
    const reply = await host.ask(secret, 'POST', path)
    expect(reply.body).toMatchObject({ status: 'cancelled', outcome: 'cancelled_by_caller' })
    const again = await host.ask(secret, 'POST', path)
    expect([again.status, again.body.code]).toEqual([409, 'not_pending'])
  })

  test('finds nothing of another key’s, whatever it asks', async () => {
    const host = approvalHost()
    const { approval } = await host.makeAsked()
    const { secret } = await host.makeKey(['contacts:read'])
    for (const [method, tail] of [
      ['GET', ''],
      ['POST', '/cancel'],
    ] as const) {
      const texts = await Promise.all(
        [approval.id, unknownId, 'nonsense'].map(async (id) => {
          const { status, body } = await host.ask(secret, method, `/approvals/${id}${tail}`)
          return JSON.stringify([status, body])
        }),
      )
      expect(new Set(texts).size, texts.join('\n')).toBe(1)
      expect(texts[0]).toContain('[404,')
    }
  })

  test('that the host lets decide reaches others’ requests, but never its own', async () => {
    const host = approvalHost({ approvals: { canDecide: () => true } })
    const { approval } = await host.makeAsked()
    const { body } = await host.ask('other', 'POST', '/keys', { name: 'Elsewhere', mode: 'full' })
    expect((await host.ask(body.secret, 'GET', `/approvals/${approval.id}`)).status).toBe(404)
    const decider = await host.keyrung.keys.create(
      { type: 'user', id: 'dora', workspaceId: 'ws_1', role: 'admin' },
      { name: 'Decider', mode: 'full' },
    )
    const shown = await host.ask(decider.secret!, 'GET', `/approvals/${approval.id}`)
    expect([shown.status, shown.body.digest]).toEqual([200, approval.digest])
    expect((await host.ask(decider.secret!, 'GET', '/approvals')).status).toBe(200)
    const unknown = await host.ask(decider.secret!, 'GET', `/approvals/${unknownId}`)
    expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found'])
    const reply = await host.ask(decider.secret!, 'POST', `/approvals/${approval.id}/reject`, {
      reason: 'no',
    })
    expect([reply.status, reply.body.status]).toEqual([200, 'rejected'])
  })

  test('never approves what it has asked for itself', async () => {
    const host = approvalHost({ approvals: { canDecide: () => true } })
    const { approval, secret } = await host.makeAsked()
    const reply = await host.ask(secret, 'POST', `/approvals/${approval.id}/approve`, {
      digest: approval.digest,
    })
    expect(reply.status).toBe(403)
    expect(host.handler.calls).toBe(0)
  })
})
