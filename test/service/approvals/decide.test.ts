import { describe, expect, it, test } from 'vitest'
import type { Actor } from '../../../src/core/actor.js'
import { createKeyrung } from '../../../src/service/create-keyrung.js'
import { randomLatency } from '../../../src/testing/random-latency.js'
import { slowStore } from '../../../src/testing/slow-store.js'
import { hostSecret } from '../sample.js'
import type { Desk } from './fixture.js'
import { ann, bob, catalog, cem, dayMs, openDesk, outcome, refusal, stores, stranger } from './fixture.js'

const asPrincipal = (principal: Awaited<ReturnType<Desk['agent']>>): Actor => ({
  type: 'principal',
  principal,
})
const lenient = { canDecide: () => true }

describe.each(stores)('deciding on %s', (_, store) => {
  it('runs what was approved, once, and keeps the result', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const { approval } = await desk.ask(agent)
    const { id, digest } = approval
    const done = await desk.keyrung.approvals.approve(ann, id, { digest, reason: 'fine' })
    expect(done).toMatchObject({
      status: 'succeeded',
      outcome: 'done',
      decidedBy: 'user:ann',
      reason: 'fine',
    })
    expect(done.result).toMatchObject({ text: '{"id":7}' })
    expect(done.voters).toEqual([{ actor: 'user:ann', at: desk.clock.now(), reason: 'fine' }])
    expect(desk.runs).toHaveLength(1)
    await refusal(desk.keyrung.approvals.approve(ann, id, { digest }), 'not_pending')
    await refusal(desk.keyrung.approvals.reject(ann, id, { reason: 'x' }), 'not_pending')
    await refusal(desk.keyrung.approvals.cancel(agent, id), 'not_pending')
    expect(desk.runs).toHaveLength(1)
    expect((await desk.events()).map(({ action }) => action).slice(-4)).toEqual([
      ...['approval.queued', 'approval.approved', 'approval.started', 'approval.succeeded'],
    ])
    expect(await desk.keyrung.approvals.track(agent, id)).toMatchObject({ result: { text: '{"id":7}' } })
  })

  it('approves nothing but what was shown', async () => {
    const desk = await openDesk({ store })
    const { approval } = await desk.ask(await desk.agent())
    const approve = (input: unknown) => desk.keyrung.approvals.approve(ann, approval.id, input as never)
    await refusal(approve({ digest: 'a'.repeat(64) }), 'digest_mismatch')
    for (const input of [{}, { digest: '' }, { digest: approval.digest, extra: 1 }, null, 'x', []]) {
      await refusal(approve(input), 'input_invalid')
    }
    const content = (await desk.store.findApprovalContent('ws', approval.id))!
    const other = await desk.ask(await desk.agent(), { body: 2 })
    const moved = (await desk.store.findApprovalContent('ws', other.approval.id))!
    const change = { do: 'update', type: 'approvalContent', id: content.id, expectVersion: 1 } as const
    await desk.store.commit([{ ...change, set: { request: moved.request } }])
    await refusal(approve({ digest: approval.digest }), 'store_unavailable')
    expect(desk.runs).toEqual([])
  })

  it('approves nothing whose record was changed: another route, another key, another effect', async () => {
    for (const set of [
      { operation: 'DELETE /all' },
      { effect: 'idempotent' },
      { permissions: 'email:send' },
    ] as const) {
      const desk = await openDesk({ store })
      const { approval } = await desk.ask(await desk.agent())
      await desk.store.commit([{ do: 'update', type: 'approval', id: approval.id, expectVersion: 1, set }])
      const { id, digest } = approval
      await refusal(desk.keyrung.approvals.approve(ann, id, { digest }), 'digest_mismatch')
    }
  })

  it('rejects with a reason, which the caller is told', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const { approval } = await desk.ask(agent)
    const reject = (reason: unknown) => desk.keyrung.approvals.reject(ann, approval.id, { reason } as never)
    for (const reason of [undefined, '', '   ', 'a'.repeat(501), 'a\nb', 7])
      await refusal(reject(reason), 'input_invalid')
    expect(await reject('  not now ')).toMatchObject({ status: 'rejected', reason: 'not now' })
    expect(await desk.keyrung.approvals.track(agent, approval.id)).toMatchObject({ reason: 'not now' })
    expect(desk.runs).toEqual([])
  })

  it('counts each voice once, and runs at the last that is needed', async () => {
    const desk = await openDesk({ store, approvals: { ...lenient, quorum: 2 } })
    const { approval } = await desk.ask(await desk.agent({}, cem))
    const approve = (actor: Actor) =>
      desk.keyrung.approvals.approve(actor, approval.id, { digest: approval.digest })
    expect(await approve(ann)).toMatchObject({ status: 'pending', votes: 1 })
    await refusal(approve(ann), 'voted')
    // A key that ann has made speaks with her voice.
    const ownKey = await desk.agent({ mode: 'full', scopes: undefined })
    await refusal(approve(asPrincipal(ownKey)), 'voted')
    expect(desk.runs).toEqual([])
    expect(await approve(bob)).toMatchObject({ status: 'succeeded', votes: 2 })
    expect(desk.runs).toHaveLength(1)
  })

  it('ends what nobody decides in time, to the millisecond, also before the worker comes by', async () => {
    const desk = await openDesk({ store, approvals: { expiresMs: 1_000 } })
    const agent = await desk.agent()
    const first = (await desk.ask(agent)).approval
    await desk.clock.advance(999)
    const second = (await desk.ask(agent, { body: 2 })).approval
    expect((await desk.keyrung.approvals.approve(ann, first.id, { digest: first.digest })).status).toBe(
      'succeeded',
    )
    await desk.clock.advance(1_000)
    await refusal(desk.keyrung.approvals.approve(ann, second.id, { digest: second.digest }), 'not_pending')
    await refusal(desk.keyrung.approvals.reject(ann, second.id, { reason: 'x' }), 'not_pending')
    expect((await desk.ask(agent, { body: 2 })).repeated).toBe(false)
    expect(await desk.keyrung.tick()).toMatchObject({ expired: 1, done: true })
    expect(await desk.keyrung.approvals.track(agent, second.id)).toMatchObject({ status: 'expired' })
    expect(await desk.keyrung.tick()).toMatchObject({ expired: 0 })
  })

  it('lets a caller see and take back its own, and nothing of anybody else', async () => {
    const desk = await openDesk({ store })
    const [agent, sibling] = [await desk.agent(), await desk.agent()]
    const { approval } = await desk.ask(agent)
    const { approvals } = desk.keyrung
    for (const call of [approvals.track(sibling, approval.id), approvals.cancel(sibling, approval.id)]) {
      await refusal(call, 'not_found')
    }
    for (const id of ['', 'apr_nope', null, {}, approval.keyId]) {
      await refusal(approvals.track(agent, id as string), 'not_found')
    }
    expect(await approvals.cancel(agent, approval.id)).toMatchObject({ outcome: 'cancelled_by_caller' })
    await desk.keyrung.keys.revoke(ann, agent.keyId)
    await refusal(approvals.track(agent, approval.id), 'key_revoked')
  })

  it('shows no workspace anything of another', async () => {
    const desk = await openDesk({ store })
    const { approval } = await desk.ask(await desk.agent())
    const { approvals } = desk.keyrung
    const { id, digest } = approval
    expect((await approvals.list(stranger)).approvals).toEqual([])
    await refusal(approvals.get(stranger, id), 'not_found')
    await refusal(approvals.approve(stranger, id, { digest }), 'not_found')
    await refusal(approvals.reject(stranger, id, { reason: 'x' }), 'not_found')
    await refusal(approvals.resolve(stranger, id, { as: 'failed' }), 'not_found')
    const foreign = await desk.agent({}, stranger)
    await refusal(approvals.track(foreign, id), 'not_found')
    await refusal(approvals.cancel(foreign, id), 'not_found')
  })

  it('lists by status, key, resource and age, page by page', async () => {
    const desk = await openDesk({ store })
    const [agent, other] = [await desk.agent(), await desk.agent()]
    const ids: string[] = []
    for (let i = 0; i < 5; i++) {
      ids.push((await desk.ask(agent, { body: i })).approval.id)
      await desk.clock.advance(1_000)
    }
    const mail = (await desk.ask(other, { permission: 'email:send' })).approval.id
    const { approvals } = desk.keyrung
    await approvals.reject(ann, ids[2]!, { reason: 'x' })
    const list = async (input: object) => (await approvals.list(ann, input)).approvals.map(({ id }) => id)
    expect(await list({})).toEqual([mail, ...ids.toReversed()])
    expect(await list({ status: 'rejected' })).toEqual([ids[2]])
    expect(await list({ keyId: other.keyId })).toEqual([mail])
    expect(await list({ resource: 'email' })).toEqual([mail])
    const early = desk.clock.now() - 3_000
    expect(await list({ createdBefore: early })).toEqual([ids[1], ids[0]])
    const newest = await approvals.list(ann, { createdBefore: early, limit: 1 })
    expect(newest.approvals.map(({ id }) => id)).toEqual([ids[1]])
    expect(await list({ createdBefore: early, cursor: newest.next! })).toEqual([ids[0]])
    const first = await approvals.list(ann, { limit: 4 })
    const second = await approvals.list(ann, { limit: 4, cursor: first.next! })
    expect([...first.approvals, ...second.approvals].map(({ id }) => id)).toEqual([mail, ...ids.toReversed()])
    expect(second.next).toBeNull()
    for (const input of [
      { status: 'x' },
      { limit: 0 },
      { limit: 201 },
      { cursor: 'x' },
      { keyId: 'x' },
      { x: 1 },
    ]) {
      await refusal(approvals.list(ann, input as never), 'input_invalid')
    }
  })

  it('has one winner among fifty at once, however slow the store is', async () => {
    const desk = await openDesk({
      store,
      wrap: (inner, clock) => {
        const latency = randomLatency({ medianMs: 2, p99Ms: 40, seed: 11 })
        let calm = true
        const slow = slowStore(inner, { clock, latency })
        return new Proxy(inner, {
          get(target, name) {
            if (name === 'hurry') return (on: boolean) => (calm = on)
            return Reflect.get(calm ? target : slow, name) as unknown
          },
        })
      },
    })
    const agent = await desk.agent()
    for (let round = 0; round < 3; round++) {
      const { approval } = await desk.ask(agent, { body: round })
      const { id, digest } = approval
      const { approvals, keys } = desk.keyrung
      const calls = Array.from({ length: 50 }, (__, i) => {
        if (i % 3 === 0) return approvals.approve(ann, id, { digest }, { waitMs: 0 })
        if (i % 3 === 1) return approvals.reject(bob, id, { reason: 'no' })
        return approvals.cancel(agent, id)
      })
      const running = new Set(calls)
      const outcomes = calls.map((call) => outcome(call).finally(() => running.delete(call as never)))
      while (running.size > 0) await desk.clock.advance(1)
      const told = await Promise.all(outcomes)
      const events = (await desk.events()).filter(({ target }) => target.id === id)
      const decisions = events.filter(({ action }) => /approved|rejected|cancelled/.test(action))
      // An approval may be taken back until it runs.
      const kinds = decisions.map(({ action }) => action)
      expect([1, 2]).toContain(kinds.length)
      if (kinds.length === 2) expect(kinds).toEqual(['approval.approved', 'approval.cancelled'])
      expect(told.filter((one) => one === 'ok')).toHaveLength(kinds.length)
      expect(told.every((one) => one === 'ok' || one === 'not_pending')).toBe(true)
      void keys
    }
  })
})

describe('who may decide', () => {
  const system: Actor = { type: 'system', name: 'nightly', workspaceId: 'ws' }
  const member: Actor = { ...ann, id: 'mel', role: 'member' }

  it('is by default an admin, and neither the host itself nor a key', async () => {
    const desk = await openDesk()
    const { approval } = await desk.ask(await desk.agent())
    const full = asPrincipal(await desk.agent({ mode: 'full', scopes: undefined }))
    for (const actor of [system, member, full]) {
      for (const call of [
        desk.keyrung.approvals.approve(actor, approval.id, { digest: approval.digest }),
        desk.keyrung.approvals.get(actor, approval.id),
        desk.keyrung.approvals.list(actor),
        desk.keyrung.approvals.reject(actor, approval.id, { reason: 'x' }),
      ]) {
        await refusal(call, 'forbidden')
      }
    }
    for (const actor of [null, undefined]) {
      await refusal(desk.keyrung.approvals.list(actor as never), 'actor_missing')
    }
    for (const actor of [{}, 'ann', { type: 'user', id: 'ann' }, { ...ann, id: '' }]) {
      await refusal(desk.keyrung.approvals.list(actor as never), 'input_invalid')
    }
  })

  test.each([[1], ['true'], [{}], [Promise.resolve('yes')], [undefined], [Object(true)]])(
    'is nobody by anything but true (%#)',
    async (answer) => {
      const desk = await openDesk({ approvals: { canDecide: () => answer as boolean } })
      await refusal(desk.keyrung.approvals.list(ann), 'hook_failed')
    },
  )

  it('cannot be told where the hook throws', async () => {
    const raise = (): never => {
      throw new Error('canary')
    }
    const desk = await openDesk({ approvals: { canDecide: raise } })
    await refusal(desk.keyrung.approvals.list(ann), 'hook_failed')
  })

  it('is who the directory says, by the role it says', async () => {
    const members = new Map([['ann', { role: 'member', scopes: 'full' as const }]])
    const desk = await openDesk({ members })
    await refusal(desk.keyrung.approvals.list(ann), 'forbidden')
    members.set('ann', { role: 'admin', scopes: 'full' })
    expect((await desk.keyrung.approvals.list(ann)).approvals).toEqual([])
    await refusal(desk.keyrung.approvals.list(bob), 'forbidden')
  })

  it.each([
    ['test', 'live'],
    ['live', 'test'],
  ])('of a %s key reaches no request of a %s key', async (environment, asked) => {
    const desk = await openDesk({ approvals: lenient })
    const agent = await desk.agent({ environment: asked })
    const other: Actor = { type: 'system', name: 'x', workspaceId: 'ws' }
    const full = { mode: 'full', scopes: undefined }
    const stranger = await desk.agent({ ...full, environment }, other)
    const colleague = await desk.agent({ ...full, environment: asked }, other)
    const { id, digest } = (await desk.ask(agent)).approval
    const { approvals } = desk.keyrung
    expect(await outcome(approvals.approve(asPrincipal(stranger), id, { digest }))).toBe('forbidden')
    expect(await outcome(approvals.reject(asPrincipal(stranger), id, { reason: 'no' }))).toBe('forbidden')
    expect(desk.runs).toEqual([])
    expect(await outcome(approvals.approve(asPrincipal(colleague), id, { digest }))).toBe('ok')
  })

  it('of keys is one with Full Access and of another hand, where the host allows it', async () => {
    const full = { mode: 'full', scopes: undefined }
    const members = new Map([
      ['ann', { role: 'admin', scopes: 'full' as const }],
      ['mel', { role: 'member', scopes: ['contacts:read'] }],
      ['kim', { role: 'admin', scopes: 'full' as const }],
      ['bob', { role: 'admin', scopes: 'full' as const }],
    ])
    const desk = await openDesk({ members, approvals: lenient })
    const root = await desk.agent({ ...full, ownerId: 'ann' })
    const exchanged = await desk.agent({ ownerId: 'ann' }, asPrincipal(root))
    const sibling = await desk.agent({ ...full, ownerId: 'ann' }, asPrincipal(root))
    const sameOwner = await desk.agent({ ...full, ownerId: 'ann' })
    const narrow = await desk.agent({ scopes: ['contacts:delete', 'email:send'] })
    const weakOwner = await desk.agent({ ...full, ownerId: 'mel' })
    const inOtherName = await desk.agent({ ...full, ownerId: 'kim' })
    const fine = await desk.agent({ ...full, ownerId: 'kim' }, bob)
    const orphan = await desk.agent(
      { ...full, ownerId: null },
      { type: 'system', name: 'x', workspaceId: 'ws' },
    )
    const adopted = await desk.agent(full, asPrincipal(orphan))
    await desk.keyrung.keys.delete(ann, orphan.keyId)
    const { approval } = await desk.ask(exchanged)
    const { id, digest } = approval
    const told = async (principal: typeof root) =>
      outcome(desk.keyrung.approvals.approve(asPrincipal(principal), id, { digest }))
    expect(await told(exchanged)).toBe('forbidden')
    expect(await told(root)).toBe('own_request')
    expect(await told(sibling)).toBe('own_request')
    expect(await told(sameOwner)).toBe('own_request')
    expect(await told(narrow)).toBe('forbidden')
    expect(await told(weakOwner)).toBe('forbidden')
    expect(await told(inOtherName)).toBe('own_request')
    // Where a chain is not known to its end, it may lead anywhere.
    expect(await told(adopted)).toBe('own_request')
    expect(desk.runs).toEqual([])
    expect(await told(fine)).toBe('ok')
    expect(desk.runs).toHaveLength(1)
  })

  it('is not the owner of the asking key where four eyes are wanted', async () => {
    const members = new Map(['ann', 'bob'].map((id) => [id, { role: 'admin', scopes: 'full' as const }]))
    for (const fourEyes of [true, false]) {
      const desk = await openDesk({ members, approvals: { fourEyes } })
      const { id, digest } = (await desk.ask(await desk.agent({ ownerId: 'ann' }))).approval
      const told = await outcome(desk.keyrung.approvals.approve(ann, id, { digest }))
      expect(told).toBe(fourEyes ? 'own_request' : 'ok')
      if (fourEyes) expect(await outcome(desk.keyrung.approvals.approve(bob, id, { digest }))).toBe('ok')
    }
  })
})

describe('a queue of the host’s own', () => {
  it('has what was approved run where it says, and with the workspace without a look at what else is due', async () => {
    const desk = await openDesk()
    const agent = await desk.agent()
    let looks = 0
    const { listDueApprovals } = desk.store
    Object.assign(desk.store, {
      listDueApprovals: (request: Parameters<typeof listDueApprovals>[0]) => (
        looks++,
        listDueApprovals(request)
      ),
    })
    const elsewhere = createKeyrung({
      ...{ catalog, clock: desk.clock, store: desk.store, secret: hostSecret, usage: false },
      keys: { prefix: 'tp', environments: ['live', 'test'] },
    })
    const { wake } = desk.keyrung.approvals
    for (const options of [{ workspaceId: 'ws' }, undefined]) {
      const { id, digest } = (await desk.ask(agent, { body: options })).approval
      // That instance has no such app.
      await elsewhere.approvals.approve(ann, id, { digest }, { waitMs: 0 })
      await elsewhere.approvals.wake(id, options)
      await wake('nonsense', options)
      await wake(id, { workspaceId: 'other' })
      expect((await desk.keyrung.approvals.get(ann, id)).status).toBe('approved')
      const looked = looks
      await wake(id, options)
      expect((await desk.keyrung.approvals.get(ann, id)).status).toBe('succeeded')
      expect(looks > looked).toBe(options === undefined)
    }
    expect(desk.runs).toHaveLength(2)
    await refusal(wake('apr_x', { workspaceId: 7 as unknown as string }), 'input_invalid')
  })
})

describe('a caller that waits', () => {
  it('is answered when its approval moves on, or when its time is over', async () => {
    const desk = await openDesk()
    const agent = await desk.agent()
    const { approval } = await desk.ask(agent)
    const long = desk.keyrung.approvals.track(agent, approval.id, { waitMs: 60_000 })
    const short = desk.keyrung.approvals.track(agent, approval.id, { waitMs: 1_000 })
    await desk.clock.advance(1_000)
    expect((await short).status).toBe('pending')
    await desk.keyrung.approvals.reject(ann, approval.id, { reason: 'no' })
    await desk.clock.advance(0)
    expect((await long).status).toBe('rejected')
    expect(desk.clock.sleepers).toBe(0)
    // Nothing more will come: it is answered at once.
    expect((await desk.keyrung.approvals.track(agent, approval.id, { waitMs: 60_000 })).status).toBe(
      'rejected',
    )
    await refusal(desk.keyrung.approvals.track(agent, approval.id, { waitMs: 60_001 }), 'input_invalid')
    await desk.clock.advance(dayMs)
  })

  it('is waited for no longer once it has gone: no timer, and no further look at the store', async () => {
    const desk = await openDesk()
    const agent = await desk.agent()
    const { id, digest } = (await desk.ask(agent)).approval
    let looks = 0
    const { findApproval } = desk.store
    Object.assign(desk.store, {
      findApproval: (...args: Parameters<typeof findApproval>) => (looks++, findApproval(...args)),
    })
    const client = new AbortController()
    const patience = { waitMs: 60_000, signal: client.signal }
    const waiting = desk.keyrung.approvals.track(agent, id, patience)
    await desk.clock.advance(100)
    const looked = looks
    client.abort()
    expect((await waiting).status).toBe('pending')
    expect([desk.clock.sleepers, looks]).toEqual([0, looked])
    // Who is gone from the beginning is not waited for at all; what was decided runs all the same.
    expect((await desk.keyrung.approvals.track(agent, id, patience)).status).toBe('pending')
    await desk.keyrung.approvals.approve(ann, id, { digest }, patience)
    await expect.poll(async () => (await desk.keyrung.approvals.get(ann, id)).status).toBe('succeeded')
    const odd = { waitMs: 1, signal: 'x' as unknown as AbortSignal }
    await refusal(desk.keyrung.approvals.track(agent, id, odd), 'input_invalid')
  })
})
