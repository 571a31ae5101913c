import { describe, expect, it } from 'vitest'
import type { OutboundAnswer } from '../../../src/net/outbound.js'
import { createDeliveryJob } from '../../../src/service/webhooks/deliver.js'
import { createWorker } from '../../../src/service/worker.js'
import { makeKey, otherAdmin } from '../keys/fixture.js'
import type { MakeStore } from '../keys/stores.js'
import { stores } from '../keys/stores.js'
import { createHooked } from './fixture.js'

const pit = 'http://127.0.0.1:1/pit'
const well = 'http://127.0.0.1:1/well'

/** Lets ciphers end, which take no time of the test's clock. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A job whose receivers never answer where they are tar pits, and what it has sent. */
async function openQueue(store?: MakeStore) {
  const hooked = await createHooked({ url: pit, ...(store && { store }) })
  const { world, context } = hooked
  const sent: string[] = []
  const underWay = { now: 0, most: 0 }
  const job = createDeliveryJob(context, {
    post({ url }, signal): Promise<OutboundAnswer> {
      sent.push(url)
      if (url !== pit) return Promise.resolve({ ok: true, status: 204, retryAfter: null })
      underWay.most = Math.max(underWay.most, ++underWay.now)
      signal.addEventListener('abort', () => underWay.now--)
      return new Promise(() => undefined)
    },
  })
  let count = 0
  return {
    ...{ hooked, world, context, job, sent, underWay },
    other: async () =>
      (
        await world.keys.create(otherAdmin, {
          name: 'Other',
          scopes: ['contacts:write'],
          webhook: { url: well },
        })
      ).key.id,
    async queue(keyId: string, messages: number, workspaceId = 'ws') {
      for (let i = 0; i < messages; i++) {
        await hooked.announce({ id: `apr_01kdve${`${++count}`.padStart(20, '0')}`, keyId, workspaceId })
        await world.clock.advance(1)
      }
    },
    /** Lets all go on that needs no time to pass. */
    async until(isReached: () => boolean) {
      for (let i = 0; i < 5_000 && !isReached(); i++) await new Promise((resolve) => setImmediate(resolve))
      expect(isReached()).toBe(true)
    },
  }
}

describe.each(stores)('behind a tar pit, on the %s store', (_, store) => {
  it('the message of another tenant goes out at once', async () => {
    const { hooked, world, job, other, queue, sent, underWay, until } = await openQueue(store)
    await queue(hooked.key.id, 100)
    await queue(await other(), 1, 'other')
    const asked = world.clock.now()
    const step = job.step()
    await until(() => sent.includes(well))
    expect(world.clock.now()).toBe(asked)
    expect(underWay.most).toBe(4)
    await world.clock.advance(1_000)
    expect(await step).toEqual({ delivered: 1, failed: 0, left: 'more' })
  })
})

it('several keys of one workspace have no more than its share', async () => {
  const { world, context, job, other, queue, sent, underWay } = await openQueue()
  for (let i = 0; i < 4; i++) await queue((await makeKey(world, { webhook: { url: pit } })).key.id, 30)
  await queue(await other(), 30, 'other')
  const worker = createWorker({ clock: world.clock, jobs: [job], notify: context.notify }).run()
  const asked = world.clock.now()
  while (sent.filter((url) => url === well).length < 30 && world.clock.now() < asked + 9_000) {
    await settle()
    await world.clock.advance(100)
  }
  expect(sent.filter((url) => url === well)).toHaveLength(30)
  void worker.stop()
  expect(underWay.most).toBe(8)
})

it('what was put back is tried in its turn, and a message that comes later goes out within a second', async () => {
  const { hooked, world, context, job, other, queue, sent, until } = await openQueue()
  const later = await other()
  await queue(hooked.key.id, 100)
  const worker = createWorker({ clock: world.clock, jobs: [job], notify: context.notify }).run()
  for (let minute = 1; minute <= 15; minute++) {
    for (let second = 0; second < 59; second++) {
      await world.clock.advance(1_000)
      await settle()
    }
    await queue(later, 1, 'other')
    await world.clock.advance(1_000)
    await until(() => sent.filter((url) => url === well).length === minute)
  }
  for (const { attempts } of await hooked.deliveries()) expect(attempts).toBeGreaterThan(0)
  void worker.stop()
  await world.clock.advance(60_000)
})

it('stopping waits for what is under way', async () => {
  const { hooked, world, context, job, queue, underWay, until } = await openQueue()
  await queue(hooked.key.id, 1)
  const { timeoutMs } = context.webhookSettings
  const options = { clock: world.clock, jobs: [job], notify: context.notify, stopLimitMs: 2 * timeoutMs }
  const worker = createWorker(options).run()
  await until(() => underWay.now === 1)
  await world.clock.advance(2_000)
  let hasStopped = false
  const stopping = worker.stop().then(() => (hasStopped = true))
  await world.clock.advance(timeoutMs - 2_001)
  expect({ hasStopped, underWay: underWay.now }).toEqual({ hasStopped: false, underWay: 1 })
  await world.clock.advance(1)
  await stopping
  expect(await hooked.deliveries()).toMatchObject([{ attempts: 1, lastError: 'timeout' }])
})

it('a failure of the store is told, and what is due is sent afterwards', async () => {
  const { world, job, other, queue, sent } = await openQueue()
  await queue(await other(), 8, 'other')
  const { commit } = world.store
  Object.assign(world.store, { commit: () => Promise.reject(new Error('away')) })
  await expect(job.step()).rejects.toThrow('away')
  expect(sent).toEqual([])
  Object.assign(world.store, { commit })
  expect(await job.step()).toEqual({ delivered: 8, failed: 0, left: 'nothing' })
})
