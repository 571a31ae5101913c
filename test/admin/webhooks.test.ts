import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, test } from 'vitest'
import { createReceiver } from '../service/webhooks/fixture.js'
import { approvalHost } from './approval-host.js'

const receivers: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close()
})

/** A host whose webhooks may lead to this machine, with a receiver on it that answers as it is told. */
async function webhookHost(status = 204) {
  const receiver = await createReceiver(() => ({ status: answering.status }))
  const answering = { status }
  receivers.push(receiver)
  const host = approvalHost({
    webhooks: { dangerouslyAllowAddresses: ['127.0.0.1'] },
    approvals: { redact: ['/card', '/notify'] },
  })
  const webhook = { url: receiver.url, events: ['approval.queued', 'approval.rejected'] }
  const created = await host.ask('admin', 'POST', '/keys', {
    ...{ name: 'Agent', scopes: ['contacts:write-approval'], webhook },
  })
  const { key, secret, webhook_secret: webhookSecret } = created.body
  const path = `/keys/${key.id}`
  return { ...host, answering, created, key, path, receiver, secret, webhookSecret }
}

/** What a receiver makes of a message, whose time is the test's. */
function verify(secret: string, { headers, body }: { headers: object; body: string }): unknown {
  const real = Date.now
  const at = Number((headers as Record<string, string>)['webhook-timestamp']) * 1_000
  try {
    Date.now = () => at
    return new Webhook(secret).verify(body, headers as Record<string, string>)
  } finally {
    Date.now = real
  }
}

describe('a key’s webhook', () => {
  test('is set as the key is made, and what it is signed with is shown this once', async () => {
    const { ask, created, path, receiver, webhookSecret } = await webhookHost()
    expect(created.status).toBe(201)
    expect(created.body.key.webhook).toEqual({
      ...{ url: receiver.url, events: ['approval.queued', 'approval.rejected'], disabled_at: null },
    })
    expect(webhookSecret).toMatch(/^whsec_/)
    expect(JSON.stringify((await ask('admin', 'GET', path)).body)).not.toContain(webhookSecret)
  })

  test('a key without one has no signing secret, and a repetition shows none again', async () => {
    const { ask, receiver } = await webhookHost()
    const creation = { name: 'Twice', scopes: ['contacts:read'], webhook: { url: receiver.url } }
    const headers = { 'idempotency-key': 'k1' }
    const first = await ask('admin', 'POST', '/keys', creation, headers)
    expect(first.body.webhook_secret).toMatch(/^whsec_/)
    expect(first.body.key.webhook.events).toEqual(['approval.rejected'])
    const second = await ask('admin', 'POST', '/keys', creation, headers)
    expect([second.status, second.body.secret, second.body.webhook_secret]).toEqual([200, null, null])
    const bare = await ask('admin', 'POST', '/keys', { name: 'Bare', scopes: ['contacts:read'] })
    expect([bare.body.key.webhook, bare.body.webhook_secret]).toEqual([null, null])
  })

  test('is changed and taken away by an edit; what cannot be is told by its path', async () => {
    const { ask, path, receiver } = await webhookHost()
    const edit = (webhook: unknown, version: number) =>
      ask('admin', 'PATCH', path, { webhook }, { 'if-match': `"v${version}"` })
    const inner = await edit({ url: 'https://10.0.0.1/hook', secret: 'x' }, 1)
    expect([inner.status, inner.body.faults[0].path]).toEqual([422, 'webhook.secret'])
    const local = await edit({ url: 'https://10.0.0.1/hook' }, 1)
    expect([local.status, local.body.faults[0].path]).toEqual([422, 'webhook.url'])
    const narrowed = await edit({ url: receiver.url, events: ['approval.rejected'] }, 1)
    expect(narrowed.body.key.webhook.events).toEqual(['approval.rejected'])
    expect((await edit(null, 2)).body.key.webhook).toBeNull()
  })

  test('gets a new signing secret; for a while both sign', async () => {
    const { ask, clock, keyrung, path, queue, receiver, secret, webhookSecret } = await webhookHost()
    const rotated = await ask('admin', 'POST', `${path}/rotate-webhook`, {
      grace_seconds: 60,
      reason: 'yearly',
    })
    expect([rotated.status, rotated.headers.get('etag')]).toEqual([200, '"v2"'])
    const { webhook_secret: next } = rotated.body
    expect(next).not.toBe(webhookSecret)
    await queue(secret, '{"name":"first"}')
    await keyrung.tick()
    expect(verify(webhookSecret, receiver.received[0]!)).toEqual(verify(next, receiver.received[0]!))
    await clock.advance(60_000)
    await queue(secret, '{"name":"second"}')
    await keyrung.tick()
    expect(() => verify(webhookSecret, receiver.received[1]!)).toThrow()
    expect(verify(next, receiver.received[1]!)).toMatchObject({ type: 'approval.queued' })
  })

  test('that is not there has no secret to renew', async () => {
    const { ask, makeKey } = await webhookHost()
    const { key } = await makeKey()
    const reply = await ask('admin', 'POST', `/keys/${key.id}/rotate-webhook`)
    expect([reply.status, reply.body.code]).toEqual([422, 'input_invalid'])
  })
})

describe('deliveries', () => {
  test('are listed with what came of them, and narrowed by key, approval and status', async () => {
    const { ask, key, keyrung, queue, receiver, secret, webhookSecret } = await webhookHost()
    const approval = await queue(secret)
    const waiting = await ask('admin', 'GET', '/deliveries?status=waiting')
    expect(waiting.body.deliveries).toHaveLength(1)
    await keyrung.tick()
    await ask('admin', 'POST', `/approvals/${approval.id}/reject`, { reason: 'not this one' })
    await keyrung.tick()
    const { body } = await ask('admin', 'GET', `/deliveries?key_id=${key.id}&approval_id=${approval.id}`)
    expect(body.next).toBeNull()
    expect(body.deliveries.map(({ event }: { event: string }) => event).toSorted()).toEqual([
      'approval.queued',
      'approval.rejected',
    ])
    const sent = body.deliveries.find(({ event }: { event: string }) => event === 'approval.rejected')
    expect(sent).toMatchObject({
      ...{ status: 'delivered', key_id: key.id, approval_id: approval.id, attempts: 1 },
      ...{ last_status: 204, last_error: null, next_attempt_at: null },
    })
    const message = receiver.received.find(({ headers }) => headers['webhook-id'] === sent.id)!
    expect(verify(webhookSecret, message)).toMatchObject({
      ...{
        type: 'approval.rejected',
        data: {
          ...{ reason: 'not this one', approval: { id: approval.id } },
          request: {
            ...{ method: 'POST', target: '/contacts?notify=***', masked_query: ['/notify'] },
            ...{ masked: ['/card'], rewritten: false },
            body: expect.stringContaining('Eve'),
          },
        },
      },
    })
    for (const { body: text } of receiver.received) expect(text).not.toContain('4111')
    expect((await ask('admin', 'GET', '/deliveries?status=given_up')).body.deliveries).toEqual([])
    const odd = await ask('admin', 'GET', '/deliveries?key_id=x&approval_id=y&status=z')
    expect(odd.body.faults.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      'approval_id',
      'key_id',
      'status',
    ])
  })

  test('that were given up are sent again, under the same id', async () => {
    const { answering, ask, clock, keyrung, path, queue, receiver, secret } = await webhookHost(410)
    await queue(secret)
    await keyrung.tick()
    const [gone] = (await ask('admin', 'GET', '/deliveries')).body.deliveries
    expect(gone).toMatchObject({ status: 'given_up', last_status: 410, attempts: 1 })
    const { key } = (await ask('admin', 'GET', path)).body
    expect(key.webhook.disabled_at).toBe(new Date(clock.now()).toISOString())
    // Setting it anew says that it is there again.
    answering.status = 204
    const webhook = { url: receiver.url }
    await ask('admin', 'PATCH', path, { webhook }, { 'if-match': `"v${key.version}"` })
    const again = await ask('admin', 'POST', `/deliveries/${gone.id}/redeliver`)
    expect([again.status, again.body]).toMatchObject([200, { status: 'waiting', attempts: 0 }])
    await keyrung.tick()
    const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
    expect(ids).toEqual([gone.id, gone.id])
    expect((await ask('admin', 'GET', '/deliveries?status=delivered')).body.deliveries).toHaveLength(1)
  })

  test('are not sent again by another site’s page', async () => {
    const { ask, queue, secret } = await webhookHost()
    await queue(secret)
    const [{ id }] = (await ask('admin', 'GET', '/deliveries')).body.deliveries
    const headers = { 'sec-fetch-site': 'cross-site' }
    const reply = await ask('admin', 'POST', `/deliveries/${id}/redeliver`, {}, headers)
    expect([reply.status, reply.body.code]).toEqual([403, 'cross_site'])
  })
})
