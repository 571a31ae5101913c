import { describe, expect, it, test } from 'vitest'
import type { Actor } from '../../../src/core/actor.js'
import type { Principal } from '../../../src/core/principal.js'
import { ann, bob, openDesk, outcome, refusal, stores } from './fixture.js'
import type { Desk } from './fixture.js'

const full = { mode: 'full', scopes: undefined } as const
const lenient = { canDecide: () => true, quorum: 2 } as const
const as = (principal: Principal): Actor => ({ type: 'principal', principal })

describe.each(stores)('a key that has voted, on %s', (_, store) => {
  type Change = (desk: Desk, voter: Principal) => Promise<unknown>
  const set = async ({ keyrung }: Desk, { keyId }: Principal, input: object) => {
    const { version } = await keyrung.keys.get(ann, keyId)
    return keyrung.keys.edit(ann, keyId, input as never, { version })
  }

  async function run(change: Change) {
    const desk = await openDesk({ store, approvals: lenient })
    const voter = await desk.agent(full, bob)
    const { id, digest } = (await desk.ask(await desk.agent())).approval
    const { approve } = desk.keyrung.approvals
    expect(await approve(as(voter), id, { digest })).toMatchObject({ status: 'pending', votes: 1 })
    await change(desk, voter)
    const { status, outcome: why } = await approve(ann, id, { digest })
    return { ended: `${status} ${why}`, runs: desk.runs.length }
  }

  it.each<[string, Change]>([
    ['renamed', (desk, voter) => set(desk, voter, { name: 'Night shift' })],
    [
      'rotated, and in its grace',
      ({ keyrung }, { keyId }) => keyrung.keys.rotate(ann, keyId, { graceMs: 1 }),
    ],
    ['allowed from elsewhere only', (desk, voter) => set(desk, voter, { addressRules: ['192.0.2.1'] })],
  ])('still counts where it was %s', async (__, change) => {
    expect(await run(change)).toEqual({ ended: 'succeeded done', runs: 1 })
  })

  it.each<[string, Change]>([
    ['revoked', ({ keyrung }, { keyId }) => keyrung.keys.revoke(ann, keyId)],
    ['rotated', ({ keyrung }, { keyId }) => keyrung.keys.rotate(ann, keyId, { graceMs: 0 })],
    [
      'rotated, and past its grace',
      async ({ keyrung, clock }, { keyId }) => {
        await keyrung.keys.rotate(ann, keyId, { graceMs: 1 })
        await clock.advance(1)
      },
    ],
    ['deleted', ({ keyrung }, { keyId }) => keyrung.keys.delete(ann, keyId)],
    ['narrowed', (desk, voter) => set(desk, voter, { mode: 'custom', scopes: ['contacts:delete'] })],
    [
      'over',
      async (desk, voter) => {
        await set(desk, voter, { expiresAt: desk.clock.now() + 1 })
        await desk.clock.advance(1)
      },
    ],
  ])('counts no more where it was %s, and nothing runs', async (__, change) => {
    expect(await run(change)).toEqual({ ended: 'cancelled approver_lost', runs: 0 })
  })
})

test('a job of the host’s that has voted counts as long as the host lets jobs decide', async () => {
  for (const isLeft of [true, false]) {
    let areJobsIn = true
    const canDecide = (actor: Actor) => actor.type === 'user' || areJobsIn
    const desk = await openDesk({ approvals: { canDecide, quorum: 2 } })
    const { id, digest } = (await desk.ask(await desk.agent())).approval
    const { approve } = desk.keyrung.approvals
    const job: Actor = { type: 'system', name: 'policy: small sums', workspaceId: 'ws' }
    await approve(job, id, { digest })
    areJobsIn = isLeft
    const done = await approve(ann, id, { digest })
    expect(done.voters.map(({ actor }) => actor).toSorted()).toEqual([
      'system:policy: small sums',
      'user:ann',
    ])
    expect([done.outcome, desk.runs.length]).toEqual(isLeft ? ['done', 1] : ['approver_lost', 0])
  }
})

describe('where nobody knows any more whose a key was', () => {
  const canDecide = { canDecide: () => true }

  test('that made the one that asks, no key decides, and a human does', async () => {
    const desk = await openDesk({ approvals: canDecide })
    const maker = await desk.agent({ ...full, ownerId: null })
    const agent = await desk.agent({}, as(maker))
    const { id, digest } = (await desk.ask(agent)).approval
    await desk.keyrung.keys.delete(ann, maker.keyId)
    const { approve } = desk.keyrung.approvals
    await refusal(approve(as(await desk.agent(full, bob)), id, { digest }), 'own_request')
    expect(await outcome(approve(bob, id, { digest }))).toBe('ok')
    expect(desk.runs).toHaveLength(1)
  })

  test('as its line of makers is too long to be followed, no key decides', async () => {
    const desk = await openDesk({ approvals: canDecide })
    let last = await desk.agent(full)
    for (let i = 0; i < 15; i++) last = await desk.agent(full, as(last))
    const followed = await desk.agent({}, as(await desk.agent(full, ann)))
    const tooLong = await desk.agent({}, as(last))
    const { approve } = desk.keyrung.approvals
    const other = as(await desk.agent(full, bob))
    for (const [agent, told] of [
      [followed, 'ok'],
      [tooLong, 'own_request'],
    ] as const) {
      const { id, digest } = (await desk.ask(agent)).approval
      expect(await outcome(approve(other, id, { digest }))).toBe(told)
    }
    expect(desk.runs).toHaveLength(1)
  })

  test('as its makers go in a circle, no key decides', async () => {
    const desk = await openDesk({ approvals: canDecide })
    const [one, two] = [await desk.agent(full), await desk.agent(full)]
    for (const [key, maker] of [
      [one, two],
      [two, one],
    ] as const) {
      const set = { createdBy: `key:${maker.keyId}` } as object
      await desk.store.commit([{ do: 'update', type: 'key', id: key.keyId, expectVersion: 1, set }])
    }
    const { id, digest } = (await desk.ask(await desk.agent({}, as(one)))).approval
    const other = await desk.agent(full, bob)
    await refusal(desk.keyrung.approvals.approve(as(other), id, { digest }), 'own_request')
    expect(desk.runs).toEqual([])
  })
})
