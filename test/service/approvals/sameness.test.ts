import { describe, expect, test } from 'vitest'
import type { Principal } from '../../../src/core/principal.js'
import { toUtf8 } from '../../../src/crypto/encoding.js'
import type { Change } from '../../../src/ports/change.js'
import { createKeyrung } from '../../../src/service/create-keyrung.js'
import { digestAsked } from '../../../src/service/approvals/content.js'
import { memoryStore } from '../../../src/stores/memory.js'
import { hostSecret } from '../sample.js'
import { ann, catalog, openDesk, refusal, requestOf } from './fixture.js'
import type { Desk, DeskOptions } from './fixture.js'

const newSecret = 'a newer secret of the tests, of some 40 characters'

/** The same bytes again and again: whatever differs does not differ by chance. */
function counting(): (count: number) => Uint8Array {
  let calls = 0
  return (count) => new Uint8Array(count).fill(++calls)
}

/** A desk that notes what its store is told to recognise inputs by. */
async function openNoting(secret: string, given: DeskOptions = {}) {
  const claims: string[] = []
  const note = (changes: readonly Change[]): void => {
    for (const change of changes) {
      if (change.do === 'insert' && change.type === 'idempotency') {
        claims.push(change.record.id, change.record.fingerprint)
      }
    }
  }
  const desk = await openDesk({
    ...given,
    options: { secret, entropy: counting() },
    wrap: (store) => ({
      ...store,
      commit: (changes) => {
        note(changes)
        return store.commit(changes)
      },
    }),
  })
  return { desk, claims }
}

/** Further instances on a desk's store, each with secrets of its own. */
async function instanceOf({ store, clock }: Desk, secret: string | readonly string[]) {
  const keyrung = createKeyrung({
    ...{ catalog, clock, store, secret, usage: false },
    keys: { prefix: 'tp', environments: ['live', 'test'], canManage: () => true },
    notify: () => undefined,
  })
  await keyrung.ready()
  keyrung.attach({ name: 'main', app: {}, dispatch: () => Promise.reject(new Error('it runs nothing')) })
  return {
    keyrung,
    async ask(principal: Principal, body?: unknown, idempotencyKey?: string) {
      const decision = await keyrung.authorize(principal, 'contacts:write')
      const admission = { code: 'approval_required', principal, decision } as const
      const options = { app: 'main', effect: 'unsafe', idempotencyKey } as const
      return keyrung.queue(admission as never, requestOf(body), options)
    },
  }
}

describe('what is masked cannot be found by trying', () => {
  const redact = ['/pin']

  test('by the digest: it is another for the same, and no body that is tried has it', async () => {
    const desk = await openDesk({ approvals: { redact } })
    const agent = await desk.agent()
    const body = { pin: 271 }
    const { approval: first } = await desk.ask(agent, { body })
    await desk.keyrung.approvals.cancel(agent, first.id)
    const { approval: second } = await desk.ask(agent, { body })
    expect(second.digest).not.toBe(first.digest)
    const record = (await desk.store.findApproval('ws', second.id))!
    for (let pin = 0; pin < 1_000; pin++) {
      const request = requestOf({ pin })
      const tried = { salt: '', request, input: null, preview: null, precondition: null }
      expect(digestAsked(record, tried)).not.toBe(second.digest)
    }
    const told = JSON.stringify([await desk.events(), await desk.keyrung.approvals.get(ann, second.id)])
    expect(told).toContain(second.digest)
    expect(told).not.toContain('salt')
  })

  test('by what the store recognises it by: that is another under another secret', async () => {
    const seen: (readonly string[])[] = []
    for (const secret of [hostSecret, newSecret]) {
      const { desk, claims } = await openNoting(secret)
      const input = { name: 'Agent', scopes: ['contacts:write-approval'] } as const
      const agent = await desk.agent()
      await desk.keyrung.keys.create(ann, input, { idempotencyKey: 'c' })
      await desk.ask(agent, { body: { pin: 271 }, idempotencyKey: 'k' })
      seen.push(claims)
    }
    const [some, others] = seen
    // A claim by name has an id that says nothing of what was asked for.
    const isNamed = (i: number) => i === 0 || i === 2
    expect(some).toHaveLength(6)
    some!.forEach((text, i) => expect(text === others![i], `claim ${i}`).toBe(isNamed(i)))
  })
})

describe('while the host changes its secret', () => {
  const settings = [
    [[newSecret, hostSecret], hostSecret],
    [
      [newSecret, hostSecret],
      [hostSecret, newSecret],
    ],
  ] as const

  test.each(settings)('instances of %j and of %j lead equal requests to one approval', async (one, other) => {
    const store = memoryStore()
    const desk = await openDesk({ store: async () => store })
    const agent = await desk.agent()
    const instances = [await instanceOf(desk, one), await instanceOf(desk, other)]
    const ids = new Set<string>()
    for (let i = 0; i < 20; i++) {
      const asked = await Promise.all(instances.map(({ ask }) => ask(agent, { i })))
      for (const { approval } of asked) ids.add(approval.id)
    }
    expect(ids.size).toBe(20)
  })

  test('a name still leads to its approval, and to nothing else', async () => {
    const desk = await openDesk()
    const agent = await desk.agent()
    const first = await desk.ask(agent, { idempotencyKey: 'k' })
    const { ask, keyrung } = await instanceOf(desk, [newSecret, hostSecret])
    expect(await ask(agent, undefined, 'k')).toMatchObject({
      repeated: true,
      approval: { id: first.approval.id },
    })
    await refusal(ask(agent, { name: 'Eve' }, 'k'), 'idempotency_mismatch')

    const input = { name: 'Agent', scopes: ['contacts:read'] } as const
    const made = await desk.keyrung.keys.create(ann, input, { idempotencyKey: 'c' })
    const again = await keyrung.keys.create(ann, input, { idempotencyKey: 'c' })
    expect(again).toMatchObject({ repeated: true, key: { id: made.key.id } })
    const another = keyrung.keys.create(ann, { ...input, name: 'Eve' }, { idempotencyKey: 'c' })
    await refusal(another, 'idempotency_mismatch')
  })
})

test('the address that is asked from is part of what is approved', async () => {
  const desk = await openDesk()
  const agent = await desk.agent()
  const here = await desk.ask(agent)
  const there = await desk.ask({ ...agent, address: '198.51.100.7' })
  expect(there.approval.id).not.toBe(here.approval.id)
  const { id, digest } = here.approval
  expect((await desk.keyrung.approvals.get(ann, id)).address).toBe('203.0.113.7')
  const record = (await desk.store.findApproval('ws', id))!
  const { findApproval } = desk.store
  Object.assign(desk.store, { findApproval: async () => ({ ...record, address: '198.51.100.7' }) })
  await refusal(desk.keyrung.approvals.approve(ann, id, { digest }), 'digest_mismatch')
  Object.assign(desk.store, { findApproval })
  await desk.keyrung.approvals.approve(ann, id, { digest })
  expect(desk.runs.map(({ body }) => body)).toEqual([toUtf8('{"name":"Ada"}')])
})
