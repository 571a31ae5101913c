import { describe, expect, it, test } from 'vitest'
import { toUtf8 } from '../../../src/crypto/encoding.js'
import type { Sealer } from '../../../src/crypto/sealer.js'
import type { Store } from '../../../src/ports/store.js'
import { openRequest, openResult } from '../../../src/service/approvals/content.js'
import { ann, openDesk, outcome, refusal } from './fixture.js'
import type { Desk } from './fixture.js'

type Query = 'findApproval' | 'findApprovalContent' | 'findIdempotency' | 'listApprovals' | 'listVotes'

/** Has a store answer a query with other columns than those there are. */
function answerWith(desk: Desk, query: Query, wrong: object): void {
  const ask = desk.store[query] as (...args: unknown[]) => Promise<unknown>
  Object.assign(desk.store, {
    async [query](...args: unknown[]) {
      const found = await ask.apply(desk.store, args)
      if (Array.isArray(found)) return found.map((record: object) => ({ ...record, ...wrong }))
      return found && { ...found, ...wrong }
    },
  } satisfies Partial<Record<Query, unknown>> as Partial<Store>)
}

async function waiting() {
  const desk = await openDesk()
  const agent = await desk.agent()
  const { approval } = await desk.ask(agent)
  return { desk, agent, ...approval }
}

const otherId = 'apr_01kdve00000000000000000009'

describe('a store that answers with', () => {
  it.each([
    ['another approval', { id: otherId }],
    ['another workspace’s', { workspaceId: 'other' }],
  ])('%s is believed by nobody, and nothing is decided', async (_, wrong) => {
    const { desk, agent, id, digest } = await waiting()
    const before = await desk.store.findApproval('ws', id)
    const { findApproval } = desk.store
    answerWith(desk, 'findApproval', wrong)
    const { approvals } = desk.keyrung
    for (const call of [
      approvals.get(ann, id),
      approvals.approve(ann, id, { digest }),
      approvals.reject(ann, id, { reason: 'no' }),
      approvals.resolve(ann, id, { as: 'failed' }),
      approvals.track(agent, id),
      approvals.cancel(agent, id),
      desk.ask(agent),
    ]) {
      await refusal(call, 'store_unavailable')
    }
    Object.assign(desk.store, { findApproval })
    expect(await desk.store.findApproval('ws', id)).toEqual(before)
    expect(desk.runs).toEqual([])
  })

  it('another workspace’s approvals shows none of them', async () => {
    const { desk } = await waiting()
    answerWith(desk, 'listApprovals', { workspaceId: 'other' })
    await refusal(desk.keyrung.approvals.list(ann), 'store_unavailable')
  })

  it.each([{ id: otherId }, { workspaceId: 'other' }])(
    'what another approval asks for shows and approves nothing: %j',
    async (wrong) => {
      const { desk, id, digest } = await waiting()
      answerWith(desk, 'findApprovalContent', wrong)
      await refusal(desk.keyrung.approvals.get(ann, id), 'store_unavailable')
      await refusal(desk.keyrung.approvals.approve(ann, id, { digest }), 'store_unavailable')
      expect(desk.runs).toEqual([])
    },
  )

  it.each([{ id: 'f'.repeat(64) }, { workspaceId: 'other' }])(
    'another claim leads to no approval: %j',
    async (wrong) => {
      const { desk, agent } = await waiting()
      answerWith(desk, 'findIdempotency', wrong)
      await refusal(desk.ask(agent), 'store_unavailable')
      expect(await desk.pending(agent.keyId)).toBe(1)
    },
  )

  it.each([
    ['of another approval', { approvalId: otherId }],
    ['of another workspace', { workspaceId: 'other' }],
    ['of nobody', { actor: '' }],
    ['of something that decides nothing', { actor: 'robot:7' }],
    ['of a key that is none', { actor: 'key:7' }],
    ['of a key that is not there', { actor: 'key:key_01kdve00000000000000000001' }],
    ['of a user without a name', { actor: 'user:' }],
  ])('the vote %s has nothing run', async (_, wrong) => {
    const { desk, id, digest } = await waiting()
    answerWith(desk, 'listVotes', wrong)
    const done = await desk.keyrung.approvals.approve(ann, id, { digest })
    expect(done).toMatchObject({ status: 'cancelled', outcome: 'approver_lost' })
    expect(desk.runs).toEqual([])
    const isOwn = !('approvalId' in wrong) && !('workspaceId' in wrong)
    expect(done.voters).toHaveLength(isOwn ? 1 : 0)
  })

  it('too few votes has nothing run', async () => {
    const { desk, id, digest } = await waiting()
    Object.assign(desk.store, { listVotes: async () => [] })
    const done = await desk.keyrung.approvals.approve(ann, id, { digest })
    expect(done).toMatchObject({ status: 'cancelled', outcome: 'approver_lost', voters: [] })
    expect(desk.runs).toEqual([])
  })
})

test('the same vote twice is one', async () => {
  const desk = await openDesk({ approvals: { quorum: 2 } })
  const { approval } = await desk.ask(await desk.agent())
  const { id, digest } = approval
  const { approve } = desk.keyrung.approvals
  await approve(ann, id, { digest })
  const { listVotes } = desk.store
  Object.assign(desk.store, {
    async listVotes(approvalId: string) {
      const [first] = await listVotes.call(desk.store, approvalId)
      return [first, first]
    },
  })
  expect(await outcome(approve({ ...ann, id: 'bob' }, id, { digest }))).toBe('ok')
  expect(await desk.store.findApproval('ws', id)).toMatchObject({ outcome: 'approver_lost' })
  expect(desk.runs).toEqual([])
})

test.each([
  '{"request":null,"input":7}',
  '{"request":null,"input":"*"}',
  '{"request":{"body":null},"input":null}',
  '{"request":{},"input":null}',
])('a sealed text without what is to be run is not run: %s', async (text) => {
  const sealer: Sealer = { seal: async () => '', open: async () => toUtf8(text), hostSecretIds: [] }
  const place = { id: otherId, workspaceId: 'ws' }
  await refusal(openRequest(sealer, place, ''), 'store_unavailable')
  await refusal(openResult(sealer, place, ''), 'store_unavailable')
})
