import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, it } from 'vitest'
import { readWebhook } from '../../../src/core/webhook.js'
import { readHostSecrets } from '../../../src/crypto/host-secret.js'
import { createWebhookSecrets } from '../../../src/crypto/webhook-secret.js'
import { findNodeOutbound } from '../../../src/net/outbound-node.js'
import { createOutbound } from '../../../src/net/outbound.js'
import { createOutboundPolicy } from '../../../src/net/outbound-url.js'
import { createDeliveryJob } from '../../../src/service/webhooks/deliver.js'
import { createWebhooks, webhookJobs } from '../../../src/service/webhooks.js'
import { admin, hourMs, refusal } from '../keys/fixture.js'
import { stores } from '../keys/stores.js'
import { createHooked, createReceiver } from './fixture.js'
import type { Answering } from './fixture.js'

const receivers: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close()
})

async function receiver(answer?: (count: number) => Answering | null) {
  const made = await createReceiver(answer)
  receivers.push(made)
  return made
}

/** Verifies as the receiver's own library does, whatever the time of the test's clock is. */
function verified(secret: string, { headers, body }: { headers: object; body: string }): unknown {
  const given = headers as Record<string, string>
  const age = Math.floor(Date.now() / 1_000) - Number(given['webhook-timestamp'])
  const real = Date.now
  try {
    Date.now = () => real() - age * 1_000
    return new Webhook(secret).verify(body, given)
  } finally {
    Date.now = real
  }
}

describe.each(stores)('a message to a webhook, on the %s store', (_, store) => {
  it('goes out at once, whatever the clock of the instance shows', async () => {
    const { url, received } = await receiver()
    const hooked = await createHooked({ store, url })
    await hooked.announce()
    const behind = { ...hooked.world.clock, now: () => hooked.world.clock.now() - hourMs }
    const job = createDeliveryJob(
      { ...hooked.context, clock: behind },
      createOutbound(hooked.context.webhookSettings.policy, findNodeOutbound(hooked.world.clock)!),
    )
    expect(await job.step()).toMatchObject({ delivered: 1 })
    expect(received).toHaveLength(1)
  })

  it('arrives signed, tells the reason, and is listed as delivered', async () => {
    const { url, received } = await receiver()
    const hooked = await createHooked({ store, url })
    expect(await hooked.announce()).toBe(1)
    expect(await hooked.job.step()).toEqual({ delivered: 1, failed: 0, left: 'nothing' })
    expect(received).toHaveLength(1)
    expect(verified(hooked.webhookSecret!, received[0]!)).toMatchObject({
      type: 'approval.rejected',
      data: { reason: 'Not this one.', approval: { operation: 'POST /contacts', key_id: hooked.key.id } },
    })
    const webhooks = createWebhooks(hooked.context)
    const { deliveries } = await webhooks.list(admin)
    expect(deliveries).toMatchObject([
      { status: 'delivered', attempts: 1, lastStatus: 204, nextAttemptAt: null },
    ])
    expect(received[0]!.headers['webhook-id']).toBe(deliveries[0]!.id)
    expect((await hooked.job.step()).delivered).toBe(0)
  })

  it('is kept sealed', async () => {
    const { url } = await receiver()
    const hooked = await createHooked({ store, url })
    await hooked.announce()
    expect(JSON.stringify(await hooked.deliveries())).not.toContain('Not this one')
  })

  it('is for those events only that were asked for', async () => {
    const { url } = await receiver()
    const hooked = await createHooked({ store, url, events: ['approval.succeeded', 'approval.queued'] })
    expect(await hooked.announce()).toBe(0)
    expect(await hooked.announce({}, 'approval.succeeded')).toBe(1)
    expect(await hooked.announce({}, 'approval.started')).toBe(0)
  })

  it('is tried again under the same id, later each time, until it is taken', async () => {
    const { url, received } = await receiver((count) => ({ status: count < 3 ? 500 : 200 }))
    const hooked = await createHooked({ store, url })
    await hooked.announce()
    for (let i = 0; i < 3; i++) {
      await hooked.job.step()
      const [delivery] = await hooked.deliveries()
      if (delivery!.status === 'waiting')
        await hooked.world.clock.advance(delivery!.dueAt - hooked.world.clock.now())
    }
    expect(received).toHaveLength(3)
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
    for (const one of received) expect(verified(hooked.webhookSecret!, one)).toBeTruthy()
    expect(await hooked.deliveries()).toMatchObject([{ status: 'delivered', attempts: 3, lastStatus: 200 }])
  })

  it('waits as long as the receiver asks for', async () => {
    const { url, received } = await receiver(() => ({ status: 429, headers: { 'retry-after': '3600' } }))
    const hooked = await createHooked({ store, url })
    await hooked.announce()
    await hooked.job.step()
    await hooked.world.clock.advance(hourMs - 1)
    await hooked.job.step()
    expect(received).toHaveLength(1)
    await hooked.world.clock.advance(1)
    await hooked.job.step()
    expect(received).toHaveLength(2)
  })

  it('is given up after all its attempts, which is told, and can be sent again', async () => {
    let isWell = false
    const { url, received } = await receiver(() => ({ status: isWell ? 200 : 503 }))
    const hooked = await createHooked({ store, url })
    await hooked.announce()
    for (let i = 0; i < 20; i++) {
      await hooked.job.step()
      await hooked.world.clock.advance(30 * hourMs)
    }
    expect(received).toHaveLength(10)
    const [delivery] = await hooked.deliveries()
    expect(delivery).toMatchObject({ status: 'given_up', attempts: 10, lastStatus: 503 })
    expect(hooked.notices).toMatchObject([{ code: 'webhook_failing' }])
    isWell = true
    const webhooks = createWebhooks(hooked.context)
    expect(await webhooks.redeliver(admin, delivery!.id)).toMatchObject({ status: 'waiting', attempts: 0 })
    await hooked.job.step()
    expect(received).toHaveLength(11)
    expect(received[10]!.headers['webhook-id']).toBe(delivery!.id)
    await refusal(webhooks.redeliver({ ...admin, workspaceId: 'other' }, delivery!.id), 'not_found')
    await refusal(webhooks.redeliver(admin, 'dlv_nonsense'), 'not_found')
  })

  it('ends the webhook where the receiver says that it is gone', async () => {
    const { url, received } = await receiver(() => ({ status: 410 }))
    const hooked = await createHooked({ store, url })
    await hooked.announce()
    await hooked.announce({ id: 'apr_01kdve00000000000000000002' })
    await hooked.job.step()
    await hooked.world.clock.advance(30 * hourMs)
    await hooked.job.step()
    const row = await hooked.world.store.findKey('ws', hooked.key.id)
    expect(readWebhook(row!.key.webhook)?.disabledAt).toBeTypeOf('number')
    expect(await hooked.announce({ id: 'apr_01kdve00000000000000000003' })).toBe(0)
    expect((await hooked.deliveries()).map(({ status }) => status)).toEqual(['given_up', 'given_up'])
    expect(received.length).toBeLessThanOrEqual(2)
    expect(await hooked.world.event('key.edited')).toMatchObject({ actor: 'system:webhooks' })
    // Set anew, it is told again.
    const { version } = row!.key
    await hooked.world.keys.edit(admin, hooked.key.id, { webhook: { url } }, { version })
    expect(await hooked.announce({ id: 'apr_01kdve00000000000000000004' })).toBe(1)
  })

  it('goes where the webhook leads now, and nowhere where there is none any more', async () => {
    const [old, fresh] = [await receiver(), await receiver()]
    const hooked = await createHooked({ store, url: old.url })
    await hooked.announce()
    await hooked.world.keys.edit(admin, hooked.key.id, { webhook: { url: fresh.url } }, { version: 1 })
    await hooked.job.step()
    expect([old.received.length, fresh.received.length]).toEqual([0, 1])
    await hooked.world.clock.advance(1)
    await hooked.announce({ id: 'apr_01kdve00000000000000000002' })
    await hooked.world.keys.edit(admin, hooked.key.id, { webhook: null }, { version: 2 })
    await hooked.job.step()
    expect((await hooked.deliveries()).map(({ lastError }) => lastError)).toEqual(['no_webhook', null])
  })

  it('is sent once by two instances that find it at the same time', async () => {
    const { url, received } = await receiver()
    const hooked = await createHooked({ store, url })
    await hooked.announce()
    const reached = {
      post: async () => (
        received.push({ headers: {}, body: '' }),
        { ok: true, status: 200, retryAfter: null } as const
      ),
    }
    const jobs = [1, 2, 3].map(() => createDeliveryJob(hooked.context, reached))
    await Promise.all(jobs.map((job) => job.step()))
    expect(received).toHaveLength(1)
  })

  it('comes up again when the instance that had claimed it has died', async () => {
    const { url, received } = await receiver()
    const hooked = await createHooked({ store, url })
    await hooked.announce()
    const never = createDeliveryJob(hooked.context, { post: () => new Promise(() => undefined) })
    void never.step()
    await hooked.world.clock.advance(0)
    expect((await hooked.job.step()).delivered).toBe(0)
    await hooked.world.clock.advance(60_000)
    await hooked.job.step()
    expect(received.length).toBe(1)
  })
})

it('is given up on for now when the receiver takes too long', async () => {
  const { url, received } = await receiver(() => null)
  const hooked = await createHooked({ url, timeoutMs: 1_000 })
  await hooked.announce()
  const step = hooked.job.step()
  // The receiver has the message and says nothing.
  while (received.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await hooked.world.clock.advance(1_000)
  const reports = [await step, await hooked.job.step()]
  expect(reports.map(({ failed }) => failed).toSorted()).toEqual([0, 1])
  expect(await hooked.deliveries()).toMatchObject([
    { status: 'waiting', lastError: 'timeout', lastStatus: null },
  ])
})

it('is not sent to a place that the host no longer allows', async () => {
  const { url, received } = await receiver()
  const hooked = await createHooked({ url })
  await hooked.announce()
  const strict = createDeliveryJob(
    hooked.context,
    createOutbound(createOutboundPolicy(), findNodeOutbound(hooked.world.clock)!),
  )
  await strict.step()
  expect(received).toHaveLength(0)
  expect(await hooked.deliveries()).toMatchObject([{ status: 'waiting', lastError: 'url_denied' }])
})

describe('a message that cannot be sent', () => {
  it('as the secret it is signed with is lost is tried again, and says why', async () => {
    const { url, received } = await receiver()
    const hooked = await createHooked({ url })
    await hooked.announce()
    const others = readHostSecrets('another secret of the host, of 32 characters')
    const outbound = createOutbound(
      hooked.context.webhookSettings.policy,
      findNodeOutbound(hooked.world.clock)!,
    )
    for (const lost of [
      { webhookSecrets: createWebhookSecrets(others) },
      { webhookSecrets: null },
      { sealer: null },
    ]) {
      const job = createDeliveryJob({ ...hooked.context, ...lost }, outbound)
      expect(await job.step()).toEqual({ delivered: 0, failed: 1, left: 'nothing' })
      const [delivery] = await hooked.deliveries()
      expect(delivery).toMatchObject({ status: 'waiting', lastError: 'secret_missing', lastStatus: null })
      await hooked.world.clock.advance(delivery!.dueAt - hooked.world.clock.now())
    }
    expect(received).toEqual([])
    // An instance that has the secret sends it.
    expect((await hooked.job.step()).delivered).toBe(1)
    expect(verified(hooked.webhookSecret!, received[0]!)).toBeTruthy()
  })

  it('as what is sealed of it was changed, or is another’s, is never sent', async () => {
    const { url, received } = await receiver()
    const hooked = await createHooked({ url })
    await hooked.announce()
    await hooked.announce({ id: 'apr_01kdve00000000000000000002' })
    const [one, two] = await hooked.deliveries()
    await hooked.world.store.commit([
      { do: 'update', type: 'delivery', id: one!.id, expectVersion: 1, set: { payload: two!.payload } },
      { do: 'update', type: 'delivery', id: two!.id, expectVersion: 1, set: { payload: 'nonsense' } },
    ])
    expect(await hooked.job.step()).toMatchObject({ delivered: 0, failed: 2 })
    expect((await hooked.deliveries()).map(({ lastError }) => lastError)).toEqual([
      'payload_lost',
      'payload_lost',
    ])
    expect(received).toEqual([])
  })

  it('as the webhook was disabled by then is given up', async () => {
    let status = 500
    const { url, received } = await receiver(() => ({ status }))
    const hooked = await createHooked({ url })
    await hooked.announce()
    await hooked.job.step()
    status = 410
    await hooked.announce({ id: 'apr_01kdve00000000000000000002' })
    await hooked.job.step()
    await hooked.world.clock.advance(hourMs)
    await hooked.job.step()
    expect(received).toHaveLength(2)
    const deliveries = await hooked.deliveries()
    expect(deliveries.map(({ status: now, lastError }) => `${now} ${lastError}`).toSorted()).toEqual([
      'given_up disabled',
      'given_up gone',
    ])
  })
})

describe('many messages', () => {
  it('are sent as earlier ones end, and listed page by page, newest first', async () => {
    const { url, received } = await receiver()
    const hooked = await createHooked({ url })
    for (let i = 0; i < 25; i++) {
      await hooked.announce()
      await hooked.world.clock.advance(1)
    }
    expect(await hooked.job.step()).toEqual({ delivered: 25, failed: 0, left: 'nothing' })
    expect(received).toHaveLength(25)
    const webhooks = createWebhooks(hooked.context)
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await webhooks.list(admin, { limit: 10, cursor })
      ids.push(...page.deliveries.map(({ id }) => id))
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    expect(ids).toEqual((await hooked.deliveries()).map(({ id }) => id))
    expect(ids).toHaveLength(25)
    for (const bad of ['x', '', 7, ids[0]]) {
      const { faults } = await refusal(webhooks.list(admin, { cursor: bad as never }), 'input_invalid')
      expect(faults.map(({ path }) => path)).toEqual(['cursor'])
    }
  })

  it('are shown to their own workspace only, whatever the store answers', async () => {
    const { url } = await receiver()
    const hooked = await createHooked({ url })
    await hooked.announce()
    const [found] = await hooked.deliveries()
    const foreign = { ...found!, workspaceId: 'other' }
    const webhooks = createWebhooks(hooked.context)
    Object.assign(hooked.world.store, {
      listDeliveries: async () => [foreign],
      findDelivery: async () => foreign,
    })
    await refusal(webhooks.list(admin), 'store_unavailable')
    await refusal(webhooks.redeliver(admin, found!.id), 'store_unavailable')
  })
})

it('is not sent again by two at once, nor when it or its key is gone', async () => {
  const { url } = await receiver()
  const hooked = await createHooked({ url })
  await hooked.announce()
  const { id } = (await hooked.deliveries())[0]!
  const webhooks = createWebhooks(hooked.context)
  const { commit } = hooked.world.store
  const before = (act: () => Promise<unknown>): void =>
    void Object.assign(hooked.world.store, {
      async commit(...args: Parameters<typeof commit>) {
        Object.assign(hooked.world.store, { commit })
        await act()
        return commit(...args)
      },
    })
  before(() => webhooks.redeliver(admin, id))
  await refusal(webhooks.redeliver(admin, id), 'conflict')
  before(async () => commit([{ do: 'delete', type: 'delivery', id, expectVersion: 2 }]))
  await refusal(webhooks.redeliver(admin, id), 'not_found')
  await hooked.announce()
  const [next] = await hooked.deliveries()
  await hooked.world.keys.delete(admin, hooked.key.id)
  await refusal(webhooks.redeliver(admin, next!.id), 'not_found')
})

it('needs a runtime that can send anything at all', async () => {
  const hooked = await createHooked({ url: 'http://127.0.0.1:1/' })
  expect(webhookJobs(hooked.context)).toHaveLength(1)
  const load = process.getBuiltinModule
  try {
    Object.assign(process, { getBuiltinModule: undefined })
    expect(webhookJobs(hooked.context)).toEqual([])
  } finally {
    Object.assign(process, { getBuiltinModule: load })
  }
})
