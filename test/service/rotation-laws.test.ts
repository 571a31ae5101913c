import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signWebhook } from '../../src/crypto/webhook-secret.js'
import type { Store } from '../../src/ports/store.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { startInstance } from './rotation-host.js'
import { admin } from './sample.js'
import { createReceiver } from './webhooks/fixture.js'

let receiver: Awaited<ReturnType<typeof createReceiver>>
beforeAll(async () => {
  receiver = await createReceiver()
})
afterAll(() => receiver.close())

const tokenMs = 290_000

/** A host whose secret is rotated as documented, on two instances of which one may be a step behind, and its callers. */
async function createModel() {
  const clock = manualClock()
  const store: Store = { ...memoryStore({ clock }), durable: true }
  const start = (secrets: readonly string[]) => startInstance({ clock, store, secret: secrets })
  const name = (i: number) => `secret number ${i} of the host, long enough`
  let made = 1
  let secrets: readonly string[] = [name(0)]
  const first = await start(secrets)
  let instances = [first, first] as const
  const any = (n: number) => instances[n % 2]!

  const keys: { id: string; secret: string; signing: string[] }[] = []
  const waiting: { id: string; text: string }[] = []
  const done: { id: string; text: string }[] = []
  const asked = new Map<string, number>()
  const tokens: { token: string; until: number }[] = []
  receiver.received.length = 0

  async function rollOut(next: readonly string[]): Promise<void> {
    secrets = next
    instances = [instances[1], await start(next)]
  }

  async function check(n: number): Promise<void> {
    for (const { secret } of keys) {
      expect(await any(n).keyrung.authenticate(secret)).toMatchObject({ ok: true })
    }
  }

  /** All that the last step of a rotation waits for. */
  async function finish(old: string): Promise<void> {
    instances = [await start(secrets), await start(secrets)]
    const { keyrung, counts, work } = instances[0]
    await check(0)
    for (const key of keys) {
      const { webhookSecret } = await keyrung.keys.rotateWebhook(admin, key.id, { graceMs: 0 })
      key.signing.push(webhookSecret)
    }
    const isMoved = async () => Object.keys(await counts()).length <= 1
    for (let i = 0; i < 4 && !(await isMoved()); i++) await work()
    expect(await counts(), old).toSatisfy((left: object) => Object.keys(left).length <= 1)
    await rollOut(secrets.slice(0, 1))
    expect(instances[1].notices.filter(({ code }) => code === 'secrets_orphaned')).toEqual([])
  }

  const acts = {
    async step() {
      const [writing, other] = secrets
      if (other === undefined) return rollOut([writing!, name(made++)])
      const isAhead = Number(/\d+/.exec(writing!)![0]) > Number(/\d+/.exec(other)![0])
      return isAhead ? finish(other) : rollOut([other, writing!])
    },
    async restart(n: number) {
      const again = await start(secrets)
      instances = n % 2 === 0 ? [again, instances[1]] : [instances[0], again]
    },
    async make(n: number) {
      const { id, secret, webhookSecret } = await any(n).makeKey(receiver.url)
      keys.push({ id, secret, signing: [webhookSecret] })
    },
    check,
    async ask(n: number) {
      const key = n % Math.max(1, keys.length)
      if (keys[key] === undefined) return
      const text = `text ${asked.size}`
      const id = await any(n).ask(keys[key].secret, text)
      asked.set(id, key)
      waiting.push({ id, text })
    },
    async approve(n: number) {
      const [one] = waiting.splice(n % Math.max(1, waiting.length), 1)
      if (one === undefined) return
      expect(await any(n).approve(one.id)).toBe(`{"said":"${one.text}"}`)
      done.push(one)
    },
    async look(n: number) {
      const one = done[n % Math.max(1, done.length)]
      if (one === undefined) return
      expect(await any(n).keyrung.approvals.get(admin, one.id)).toMatchObject({
        request: { body: { text: `{"text":"${one.text}"}` } },
        result: { text: `{"said":"${one.text}"}` },
      })
    },
    async exchange(n: number) {
      const key = keys[n % Math.max(1, keys.length)]
      if (key === undefined) return
      tokens.push({ token: await any(n).exchange(key.secret), until: clock.now() + tokenMs })
    },
    async verify(n: number) {
      for (const { token, until } of tokens) {
        if (clock.now() < until) expect(await any(n).keyrung.authenticate(token)).toMatchObject({ ok: true })
      }
    },
    work: (n: number) => any(n).work(),
  }

  return {
    acts,
    /** What has to hold in the end: everything asked was told of, signed by a secret that the receiver has. */
    async expectAllTold() {
      await any(0).work()
      const told = receiver.received.map(({ headers, body }) => {
        const { id } = (JSON.parse(body) as { data: { approval: { id: string } } }).data.approval
        const at = Number(headers['webhook-timestamp'])
        const signatures = keys[asked.get(id)!]!.signing.map((text) =>
          signWebhook(headers['webhook-id'] as string, at, body, [
            Buffer.from(text.slice('whsec_'.length), 'base64'),
          ]),
        )
        expect(signatures).toContain(headers['webhook-signature'])
        return id
      })
      expect(told.sort()).toEqual([...asked.keys()].sort())
    },
    clock,
  }
}

type Act = keyof Awaited<ReturnType<typeof createModel>>['acts']

const often: readonly Act[] = ['step', 'step', 'make', 'ask', 'ask', 'approve', 'work']
const rare: readonly Act[] = ['restart', 'check', 'look', 'exchange', 'verify']

test('no rotation of the host’s secret loses a key, an approval, a result, a message or a token', async () => {
  const act = fc.tuple(fc.constantFrom(...often, ...rare), fc.nat(99))
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 40, size: 'max' }), async (given) => {
      const { acts, expectAllTold } = await createModel()
      await acts.make(0)
      for (const [name, n] of given) await acts[name](n)
      for (const name of ['check', 'look', 'verify'] as const) {
        for (const n of [0, 1]) await acts[name](n)
      }
      await expectAllTold()
    }),
    { numRuns: 12 },
  )
}, 120_000)
