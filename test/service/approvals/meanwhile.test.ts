import { describe, expect, it, test } from 'vitest'
import type { Change } from '../../../src/ports/change.js'
import type { ApprovalOptions } from '../../../src/service/approval-settings.js'
import { ann, bob, cem, openDesk, outcome, refusal, stores } from './fixture.js'
import type { Desk } from './fixture.js'

const moves = (change: Change): boolean => change.do === 'update' && change.type === 'approval'

/** Does something right before the next commit that moves an approval. */
function beforeMove(desk: Desk, act: (changes: readonly Change[]) => unknown): void {
  const { commit } = desk.store
  Object.assign(desk.store, {
    async commit(changes: readonly Change[]) {
      if (!changes.some(moves)) return commit.call(desk.store, changes)
      Object.assign(desk.store, { commit })
      await act(changes)
      return commit.call(desk.store, changes)
    },
  })
}

async function purge(desk: Desk, id: string): Promise<void> {
  const { version } = (await desk.store.findApproval('ws', id))!
  await desk.store.commit([{ do: 'delete', type: 'approval', id, expectVersion: version }])
}

describe.each(stores)('what happens in the middle of a decision, on %s', (_, store) => {
  const open = (approvals: ApprovalOptions = {}) => openDesk({ store, approvals })

  it('is found out where the approval is gone by then', async () => {
    for (const verb of ['approve', 'reject', 'cancel'] as const) {
      const desk = await open()
      const agent = await desk.agent()
      const { id, digest } = (await desk.ask(agent)).approval
      beforeMove(desk, () => purge(desk, id))
      const { approvals } = desk.keyrung
      const call = {
        approve: () => approvals.approve(ann, id, { digest }),
        reject: () => approvals.reject(ann, id, { reason: 'no' }),
        cancel: () => approvals.cancel(agent, id),
      }[verb]
      await refusal(call(), 'not_found')
      expect(desk.runs).toEqual([])
    }
  })

  it('makes a rejection the second where somebody votes in between, and it still ends it', async () => {
    const desk = await open({ quorum: 3 })
    const { id, digest } = (await desk.ask(await desk.agent())).approval
    beforeMove(desk, () => desk.keyrung.approvals.approve(bob, id, { digest }))
    const done = await desk.keyrung.approvals.reject(ann, id, { reason: 'no' })
    expect(done).toMatchObject({ status: 'rejected', votes: 1, decidedBy: 'user:ann' })
  })

  it('counts one of two votes at once that have a party in common, and both of others', async () => {
    for (const [maker, told] of [
      [bob, 'voted'],
      [cem, 'ok'],
    ] as const) {
      const desk = await open({ quorum: 3, canDecide: () => true })
      const { id, digest } = (await desk.ask(await desk.agent())).approval
      const key = await desk.agent({ mode: 'full', scopes: undefined }, maker)
      const { approve } = desk.keyrung.approvals
      beforeMove(desk, () => approve({ type: 'principal', principal: key }, id, { digest }))
      expect(await outcome(approve(bob, id, { digest }))).toBe(told)
      expect(await desk.store.findApproval('ws', id)).toMatchObject({ votes: told === 'ok' ? 2 : 1 })
      expect(await desk.store.listVotes(id)).toHaveLength(told === 'ok' ? 2 : 1)
    }
  })

  it('keeps no revocation from cancelling what somebody votes for in between', async () => {
    const desk = await open({ quorum: 3 })
    const agent = await desk.agent()
    const { id, digest } = (await desk.ask(agent)).approval
    // The key is revoked by then, so a vote has come through only a moment before.
    beforeMove(desk, async () => {
      const { version } = (await desk.store.findApproval('ws', id))!
      await desk.store.commit([
        {
          do: 'update',
          type: 'approval',
          id,
          expectVersion: version,
          set: { votes: 1, decidedBy: 'user:bob' },
        },
      ])
    })
    await desk.keyrung.keys.revoke(ann, agent.keyId)
    expect(await desk.store.findApproval('ws', id)).toMatchObject({
      ...{ status: 'cancelled', outcome: 'key_revoked', votes: 1 },
    })
    expect(await desk.pending(agent.keyId)).toBe(0)
    await refusal(desk.keyrung.approvals.approve(ann, id, { digest }), 'not_pending')
  })

  it('ends an approval once where several workers find it expired', async () => {
    const desk = await open({ expiresMs: 1_000 })
    const { id } = (await desk.ask(await desk.agent())).approval
    await desk.clock.advance(1_000)
    // Another instance makes the same step a moment before.
    beforeMove(desk, (changes) => desk.store.commit(changes))
    expect(await desk.keyrung.tick()).toMatchObject({ expired: 0 })
    expect((await desk.store.findApproval('ws', id))!.status).toBe('expired')
    const told = (await desk.events()).filter(({ action }) => action === 'approval.expired')
    expect(told).toHaveLength(1)
  })

  it('is waited out no longer than it is there: a caller whose approval is purged is told so', async () => {
    const desk = await open()
    const agent = await desk.agent()
    const { id } = (await desk.ask(agent)).approval
    const waiting = outcome(desk.keyrung.approvals.track(agent, id, { waitMs: 10_000 }))
    await desk.clock.advance(10)
    await purge(desk, id)
    await desk.clock.advance(1_000)
    expect(await waiting).toBe('not_found')
    expect(desk.clock.sleepers).toBe(0)
  })

  it('leads a name to what waits for the same already, and everybody who uses it at once', async () => {
    const desk = await open()
    const agent = await desk.agent()
    const { id, digest } = (await desk.ask(agent)).approval
    const named = { idempotencyKey: 'order-1' }
    const all = await Promise.all(Array.from({ length: 10 }, () => desk.ask(agent, named)))
    expect(all.every(({ approval, repeated }) => repeated && approval.id === id)).toBe(true)
    await refusal(desk.ask(agent, { ...named, body: 'other' }), 'idempotency_mismatch')
    // The name goes on leading there, also when nothing waits any more.
    await desk.keyrung.approvals.approve(ann, id, { digest })
    expect(await desk.ask(agent, named)).toMatchObject({
      ...{ repeated: true, approval: { id, status: 'succeeded' } },
    })
    expect((await desk.ask(agent)).approval.id).not.toBe(id)
    expect(desk.runs).toHaveLength(1)
  })

  it('is not asked for anew under a name whose approval is gone', async () => {
    const desk = await open()
    const agent = await desk.agent()
    const named = { idempotencyKey: 'order-1' }
    const { id } = (await desk.ask(agent, named)).approval
    await purge(desk, id)
    await refusal(desk.ask(agent, named), 'not_found')
    expect(await desk.pending(agent.keyId)).toBe(0)
  })
})

test('a store that lets nobody win is given up on', async () => {
  const desk = await openDesk()
  const agent = await desk.agent()
  const { id } = (await desk.ask(agent)).approval
  let commits = 0
  Object.assign(desk.store, { commit: () => (commits++, { ok: false, failed: 0, why: 'version' }) })
  await refusal(desk.keyrung.approvals.reject(ann, id, { reason: 'no' }), 'store_unavailable')
  await refusal(desk.keyrung.approvals.cancel(agent, id), 'store_unavailable')
  await refusal(desk.ask(agent, { body: 2 }), 'store_unavailable')
  expect(commits).toBe(3_000)
  expect((await desk.store.findApproval('ws', id))!.status).toBe('pending')
})

test('an approval whose run cannot begin is approved all the same, and is run as soon as it can be', async () => {
  let isWell = true
  const desk = await openDesk({
    approvals: {
      canDecide(_actor, verb) {
        // At the run it is asked again whether the approver still is one.
        if (verb === 'approve' && !isWell) throw new Error('down')
        isWell = verb !== 'approve'
        return true
      },
    },
  })
  const { id, digest } = (await desk.ask(await desk.agent())).approval
  const done = await desk.keyrung.approvals.approve(ann, id, { digest }, { waitMs: 0 })
  expect(done.status).toBe('approved')
  await desk.clock.advance(0)
  expect(desk.runs).toEqual([])
  isWell = true
  await desk.clock.advance(60_000)
  await desk.keyrung.tick()
  expect(desk.runs).toHaveLength(1)
  expect((await desk.store.findApproval('ws', id))!.status).toBe('succeeded')
})
