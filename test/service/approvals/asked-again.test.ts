import { describe, expect, it, test } from 'vitest'
import type { Actor } from '../../../src/core/actor.js'
import { createKeyrung } from '../../../src/service/create-keyrung.js'
import { hostSecret } from '../sample.js'
import { ann, bob, catalog, cem, dayMs, openDesk, outcome, refusal, stores } from './fixture.js'
import type { Desk } from './fixture.js'

const full = { mode: 'full', scopes: undefined } as const

/** An instance on the same store that has no app, so that what it approves waits to be run. */
function elsewhere(desk: Desk) {
  return createKeyrung({
    ...{ catalog, clock: desk.clock, store: desk.store, secret: hostSecret, usage: false },
    keys: { prefix: 'tp', environments: ['live', 'test'] },
  })
}

describe('a vote that is asked about again without a directory', () => {
  it('counts by what the host knows then, and never by the role that it was given with', async () => {
    for (const isLeft of [true, false]) {
      const admins = new Set(['ann', 'bob'])
      const roles: string[] = []
      const canDecide = (actor: Actor) => {
        if (actor.type === 'user') roles.push(actor.role)
        return actor.type === 'user' && admins.has(actor.id)
      }
      const desk = await openDesk({ approvals: { canDecide, quorum: 2 } })
      const { id, digest } = (await desk.ask(await desk.agent())).approval
      const { approve } = desk.keyrung.approvals
      await approve({ ...ann, role: 'owner' }, id, { digest })
      await desk.clock.advance(dayMs)
      if (!isLeft) admins.delete('ann')
      roles.length = 0
      const done = await approve(bob, id, { digest })
      expect([done.outcome, desk.runs.length]).toEqual(isLeft ? ['done', 1] : ['approver_lost', 0])
      expect(roles).not.toContain('owner')
      expect(roles).toContain('')
    }
  })

  it('counts no more where only the role admits', async () => {
    const desk = await openDesk({ approvals: { quorum: 2 } })
    const { id, digest } = (await desk.ask(await desk.agent())).approval
    const { approve } = desk.keyrung.approvals
    await approve(ann, id, { digest })
    expect(await approve(bob, id, { digest })).toMatchObject({ outcome: 'approver_lost' })
    expect(desk.runs).toEqual([])
  })

  it('has just been given where it decided, until a run can take no longer', async () => {
    for (const [passed, told] of [
      [299_999, 'done'],
      [300_000, 'approver_lost'],
      [dayMs, 'approver_lost'],
    ] as const) {
      const desk = await openDesk()
      const { id, digest } = (await desk.ask(await desk.agent())).approval
      await elsewhere(desk).approvals.approve(ann, id, { digest }, { waitMs: 0 })
      await desk.clock.advance(passed)
      await desk.keyrung.tick()
      expect(await desk.store.findApproval('ws', id)).toMatchObject({ outcome: told })
    }
  })
})

test('a vote counts no more where others stand behind its key than when it was given', async () => {
  const members = new Map(['ann', 'bob', 'cem'].map((id) => [id, { role: 'admin', scopes: 'full' as const }]))
  const desk = await openDesk({ members, approvals: { canDecide: () => true, quorum: 2 } })
  const job: Actor = { type: 'system', name: 'setup', workspaceId: 'ws' }
  const { id, digest } = (await desk.ask(await desk.agent())).approval
  const voter = await desk.agent({ ...full, ownerId: 'bob' }, job)
  const { approve } = desk.keyrung.approvals
  await approve({ type: 'principal', principal: voter }, id, { digest })
  await desk.keyrung.keys.edit(job, voter.keyId, { ownerId: 'cem' }, { version: 1 })
  // Otherwise he would have two votes.
  expect(await approve(bob, id, { digest })).toMatchObject({ outcome: 'approver_lost' })
  expect(desk.runs).toEqual([])
})

describe.each(stores)('a run that ended in nobody knows what, on %s', (_, store) => {
  /** Approved by as many as are asked for, and unknown since. */
  async function unknown(quorum: number) {
    const desk = await openDesk({ store, approvals: { canDecide: () => true, quorum } })
    const agent = await desk.agent({}, cem)
    const { id, digest } = (await desk.ask(agent)).approval
    desk.answer = { ...desk.answer, status: 500 }
    for (const actor of [ann, bob, cem].slice(0, quorum)) {
      await desk.keyrung.approvals.approve(actor, id, { digest })
    }
    expect(await desk.store.findApproval('ws', id)).toMatchObject({ status: 'unknown' })
    desk.answer = { ...desk.answer, status: 201 }
    const again = (actor: Actor, reason = 'it was not there') =>
      desk.keyrung.approvals.resolve(actor, id, { as: 'again', reason })
    return { desk, id, again }
  }

  it('is run again only when as many want it as had to approve it', async () => {
    for (const quorum of [1, 2, 3]) {
      const { desk, id, again } = await unknown(quorum)
      for (const [i, actor] of [bob, ann, cem].slice(0, quorum).entries()) {
        expect(desk.runs).toHaveLength(1)
        const told = await again(actor)
        const isLast = i === quorum - 1
        expect(told.status).toBe(isLast ? 'succeeded' : 'unknown')
        expect(told.decidedBy).toBe(`user:${actor.id}`)
        if (!isLast) await refusal(again(actor), 'voted')
      }
      expect(desk.runs).toHaveLength(2)
      const actions = (await desk.events())
        .filter(({ target }) => target.id === id)
        .map(({ action }) => action)
      expect(actions.filter((action) => action === 'approval.voted')).toHaveLength(2 * (quorum - 1))
      expect(actions.filter((action) => action === 'approval.resolved')).toHaveLength(1)
    }
  })

  it('is run again by nobody who has two credentials', async () => {
    const { desk, again } = await unknown(2)
    const key = await desk.agent(full, ann)
    await again(ann)
    await refusal(again({ type: 'principal', principal: key }), 'voted')
    expect(await outcome(again(bob))).toBe('ok')
    expect(desk.runs).toHaveLength(2)
  })

  it('takes as many again after each run, and one alone to say how it ended', async () => {
    const { desk, id, again } = await unknown(2)
    desk.answer = { ...desk.answer, status: 500 }
    await again(ann)
    expect((await again(bob)).status).toBe('unknown')
    expect(desk.runs).toHaveLength(2)
    expect((await again(ann)).status).toBe('unknown')
    expect(desk.runs).toHaveLength(2)
    const done = await desk.keyrung.approvals.resolve(cem, id, { as: 'failed' })
    expect(done).toMatchObject({ status: 'failed', outcome: 'marked_failed' })
  })

  it('has two who want it at once counted one after the other', async () => {
    const { desk, again } = await unknown(2)
    const told = await Promise.all([outcome(again(ann)), outcome(again(bob)), outcome(again(ann))])
    expect(told.filter((one) => one === 'ok')).toHaveLength(2)
    expect(told.find((one) => one !== 'ok')).toMatch(/^(voted|not_unknown)$/)
    expect(desk.runs).toHaveLength(2)
  })

  it('goes on by those who want it again, whoever approved it before', async () => {
    const members = new Map(['ann', 'bob'].map((id) => [id, { role: 'admin', scopes: 'full' as const }]))
    const desk = await openDesk({ store, members })
    const { id, digest } = (await desk.ask(await desk.agent())).approval
    desk.answer = { ...desk.answer, status: 500 }
    await desk.keyrung.approvals.approve(ann, id, { digest })
    members.delete('ann')
    desk.answer = { ...desk.answer, status: 201 }
    expect((await desk.keyrung.approvals.resolve(bob, id, { as: 'again' })).status).toBe('succeeded')
  })
})
