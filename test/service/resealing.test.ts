import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signWebhook } from '../../src/crypto/webhook-secret.js'
import type { Store } from '../../src/ports/store.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { stores } from './keys/stores.js'
import { startInstance } from './rotation-host.js'
import { admin } from './sample.js'
import { createReceiver } from './webhooks/fixture.js'

const older = 'the older secret of the host, long enough'
const newer = 'the newer secret of the host, long enough'

let receiver: Awaited<ReturnType<typeof createReceiver>>
beforeAll(async () => {
  receiver = await createReceiver()
})
afterAll(() => receiver.close())

describe.each(stores)('on the %s store', (_, make) => {
  /** A host under its first secret, with something of every kind that hangs on it. */
  async function underOlder() {
    const clock = manualClock()
    const store: Store = { ...(await make(clock)), durable: true }
    const start = (...secret: readonly string[]) => startInstance({ clock, store, secret })
    const before = await start(older)
    const { id, secret, webhookSecret } = await before.makeKey(receiver.url)
    const waiting = await before.ask(secret, 'waits')
    const done = await before.ask(secret, 'done')
    expect(await before.approve(done)).toBe('{"said":"done"}')
    const counts = await before.counts()
    const oldId = Object.keys(counts)[0]!
    expect(counts).toEqual({
      [oldId]: { keys: 1, requests: 2, results: 1, deliveries: 2, webhooks: 1, signingKeys: 1 },
    })
    return { clock, store, start, id, secret, webhookSecret, waiting, done, oldId }
  }

  test('the documented end of a rotation loses nothing', async () => {
    const { start, id, secret, waiting, done, oldId } = await underOlder()
    const behind = await start(older, newer)
    const ahead = await start(newer, older)
    expect(await ahead.keyrung.authenticate(secret)).toMatchObject({ ok: true })
    await ahead.work()
    const moved = { keys: 0, requests: 0, results: 0, deliveries: 0, webhooks: 1, signingKeys: 0 }
    expect((await ahead.counts())[oldId]).toEqual(moved)
    await behind.work()
    expect((await ahead.counts())[oldId], 'nothing is moved back').toEqual(moved)
    const { webhookSecret } = await ahead.keyrung.keys.rotateWebhook(admin, id, { graceMs: 0 })
    expect((await ahead.counts())[oldId]).toBeUndefined()

    const token = await ahead.exchange(secret)
    const last = await start(newer)
    expect(last.notices).toEqual([])
    expect(await last.keyrung.approvals.get(admin, done)).toMatchObject({
      ...{ status: 'succeeded', request: { body: { text: '{"text":"done"}' } } },
      result: { text: '{"said":"done"}' },
    })
    expect(await last.approve(waiting)).toBe('{"said":"waits"}')
    expect(await last.keyrung.authenticate(token)).toMatchObject({ ok: true })
    receiver.received.length = 0
    await last.ask(secret, 'late')
    await last.work()
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[number]]
    const [messageId, at] = [headers['webhook-id'] as string, Number(headers['webhook-timestamp'])]
    const bytes = Buffer.from(webhookSecret.slice('whsec_'.length), 'base64')
    expect(headers['webhook-signature']).toBe(signWebhook(messageId, at, body, [bytes]))
  })

  test('a start without a secret that something hangs on says what, and how much of each', async () => {
    const { start, store } = await underOlder()
    await start(newer, older)
    await store.commit([{ do: 'delete', type: 'setting', id: 'signing-keys', expectVersion: 1 }])
    const { notices } = await start(newer)
    expect(notices).toEqual([
      {
        code: 'secrets_orphaned',
        message:
          'What was made under host secrets that are not configured here is lost until they are added again: ' +
          '1 secret of a key (refused), 2 requests for approval (cannot be shown or run), ' +
          '1 result of an approved request (cannot be shown), 2 messages to webhooks (cannot be sent), ' +
          '1 webhook (cannot be signed for, so nothing is sent).',
      },
    ])
  })

  test('what cannot be read is left as it is, and holds up nothing else', async () => {
    const { start, store, clock, oldId, waiting } = await underOlder()
    const content = (await store.findApprovalContent('ws_1', waiting))!
    const request = `${content.request.slice(0, -4)}AAAA`
    await store.commit([
      { do: 'update', type: 'approvalContent', id: waiting, expectVersion: 1, set: { request } },
    ])
    const ahead = await start(newer, older)
    await ahead.work()
    await clock.advance(600_000)
    expect((await ahead.counts())[oldId]).toMatchObject({ requests: 1, results: 0, deliveries: 0 })
    expect((await store.findApprovalContent('ws_1', waiting))!.request).toBe(request)
  })
})

test('the worker looks at a bounded number of records in a step, and at none while there is a single secret', async () => {
  const clock = manualClock()
  const inner = stores[0]![1](clock) as Store
  const pages: number[] = []
  const store: Store = {
    ...inner,
    durable: true,
    listSealed(request) {
      pages.push(request.limit)
      return inner.listSealed(request)
    },
  }
  const before = await startInstance({ clock, store, secret: older })
  // Without a webhook: deliveries would wait for their share of the clock.
  const { secret } = await before.keyrung.keys.create(admin, { name: 'agent', scopes: ['contacts:write'] })
  for (let i = 0; i < 60; i++) await before.ask(secret, `${i}`)
  await before.work()
  expect(pages).toEqual([])
  const ahead = await startInstance({ clock, store, secret: [newer, older] })
  await ahead.work()
  expect(Math.max(...pages)).toBeLessThanOrEqual(50)
  expect(Object.values(await ahead.counts())).toMatchObject([{ keys: 1, requests: 0 }, { requests: 60 }])
  const looked = pages.length
  await ahead.work()
  await ahead.work()
  expect(pages.length - looked, 'it rests once all is done').toBeLessThanOrEqual(6)
})
