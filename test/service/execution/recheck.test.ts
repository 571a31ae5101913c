import { expect, test } from 'vitest'
import type { ApprovalEffect } from '../../../src/core/approval.js'
import { KeyrungError } from '../../../src/core/errors.js'
import type { Store } from '../../../src/ports/store.js'
import { admin } from '../keys/fixture.js'
import { approved, createApprovalWorld, createInstance, read, standing, stepsOf } from './fixture.js'
import type { ApprovalWorld } from './fixture.js'

/** Says how an approval ends where a world was changed between its approval and its run; nothing may run. */
async function afterChange(
  change: (world: ApprovalWorld, id: string) => unknown,
  {
    effect = 'unsafe',
    status = 'approved',
  }: { effect?: ApprovalEffect; status?: 'approved' | 'executing' } = {},
): Promise<string> {
  const world = await createApprovalWorld({ members: { ann: { role: 'admin', scopes: 'full' } } })
  let ran = 0
  const { execution } = createInstance(world, {
    operations: {
      'contacts.merge': { effect: effect === 'transactional' ? 'unsafe' : effect, run: () => void ran++ },
    },
  })
  const set = status === 'executing' ? { status, fence: 1, startedAt: world.clock.now() } : {}
  const { id } = await approved(world, { effect, set })
  await change(world, id)
  await execution.wake(id, 'ws')
  expect(ran).toBe(0)
  expect((await read(world, id)).lane).not.toBe('named')
  return standing(world, id)
}

type Change = readonly [string, string, (world: ApprovalWorld, id: string) => unknown]

const changes: readonly Change[] = [
  ['the key was revoked', 'cancelled key_revoked', ({ keys, key }) => keys.revoke(admin, key.id, {})],
  ['the key was deleted', 'cancelled key_deleted', ({ keys, key }) => keys.delete(admin, key.id)],
  [
    'the key was revoked and activated again',
    'cancelled key_revoked',
    async ({ keys, key }) => {
      await keys.revoke(admin, key.id, {})
      await keys.activate(admin, key.id, {})
    },
  ],
  [
    'the key holds less',
    'cancelled insufficient',
    ({ keys, key }) => keys.edit(admin, key.id, { scopes: ['contacts:read'] }, { version: 1 }),
  ],
  [
    'the key has expired',
    'cancelled key_expired',
    async ({ keys, key, clock }) => {
      await keys.edit(admin, key.id, { expiresAt: clock.now() + 10 }, { version: 1 })
      await clock.advance(10)
    },
  ],
  [
    'the key may only be used from elsewhere',
    'cancelled key_changed',
    ({ keys, key }) => keys.edit(admin, key.id, { addressRules: ['192.0.2.1'] }, { version: 1 }),
  ],
  ['the plan has no access any more', 'cancelled not_entitled', ({ plan }) => void (plan.access = false)],
  [
    'the approver is no member any more',
    'cancelled approver_lost',
    ({ members }) => void members.delete('ann'),
  ],
  [
    'the approver is no administrator any more',
    'cancelled approver_lost',
    ({ members }) => void members.set('ann', { role: 'guest', scopes: 'full' }),
  ],
  [
    'the vote is gone',
    'cancelled approver_lost',
    async ({ store }, id) => {
      const [vote] = await store.listVotes(id)
      return store.commit([{ do: 'delete', type: 'vote', id: vote!.id, expectVersion: 1 }])
    },
  ],
  [
    'what was asked for is gone',
    'stale content_lost',
    ({ store }, id) => store.commit([{ do: 'delete', type: 'approvalContent', id, expectVersion: 1 }]),
  ],
  [
    'the digest is another',
    'stale digest_mismatch',
    ({ store }, id) =>
      store.commit([
        { do: 'update', type: 'approval', id, expectVersion: 1, set: { digest: '0'.repeat(64) } },
      ]),
  ],
  [
    'what was asked for is another request of the same key',
    'stale digest_mismatch',
    async (world, id) => {
      const other = await approved(world, { input: { id: 8 } })
      const { request } = (await world.store.findApprovalContent('ws', other.id))!
      const set = { request: request.replace(other.id, id) }
      return world.store.commit([{ do: 'update', type: 'approvalContent', id, expectVersion: 1, set }])
    },
  ],
  ...(['permissions', 'effect', 'lineage', 'chain', 'tokenScopes', 'environment', 'app'] as const).map(
    (field): Change => [
      `its ${field} is another`,
      'stale digest_mismatch',
      ({ store }, id) => {
        const set = { [field]: field === 'effect' ? 'idempotent' : 'contacts:read' } as object
        return store.commit([{ do: 'update', type: 'approval', id, expectVersion: 1, set }])
      },
    ],
  ),
]

test.each(changes)('where %s, nothing runs: %s', async (_, came, change) => {
  expect(await afterChange(change)).toBe(came)
})

// What may be repeated had this effect before already.
const otherChanges = changes.filter(([what]) => what !== 'its effect is another')

test.each(otherChanges)(
  'where %s after a run was begun, it is not known what it did',
  async (_, __, change) => {
    const came = await afterChange(change, { effect: 'idempotent', status: 'executing' })
    expect(came).toBe('unknown lease_lost')
  },
)

test('an operation whose permissions, effect or kind have changed since is not run', async () => {
  const world = await createApprovalWorld()
  let ran = 0
  const run = () => void ran++
  const { execution } = createInstance(world, {
    operations: {
      'other.permission': { permission: ['contacts:write', 'email:send'] as never, run },
      'other.effect': { effect: 'idempotent', run },
    },
  })
  for (const operation of ['other.permission', 'other.effect']) {
    const { id } = await approved(world, { operation })
    await execution.wake(id, 'ws')
    expect(await standing(world, id)).toBe('stale operation_changed')
    expect(await stepsOf(world, id)).toEqual(['stale'])
  }
  expect(ran).toBe(0)
})

test('what an operation is about has moved: nothing runs', async () => {
  const world = await createApprovalWorld()
  let etag = 'v1'
  let ran = 0
  const asked: unknown[] = []
  const { execution } = createInstance(world, {
    operations: {
      'contacts.merge': {
        precondition: (input, call) => (asked.push([input, call.approvalId]), etag),
        run: () => void ran++,
      },
    },
  })
  const one = await approved(world, { precondition: 'v1' })
  await execution.wake(one.id, 'ws')
  expect(await standing(world, one.id)).toBe('succeeded done')
  expect(asked).toEqual([[{ id: 7 }, one.id]])
  etag = 'v2'
  const two = await approved(world, { precondition: 'v1' })
  await execution.wake(two.id, 'ws')
  expect(await standing(world, two.id)).toBe('stale precondition_failed')
  expect(ran).toBe(1)
})

test('a precondition that throws or hangs decides nothing: it waits as it did', async () => {
  const world = await createApprovalWorld()
  const { execution } = createInstance(world, {
    operations: {
      throwing: { precondition: () => Promise.reject(new Error('down')) },
      hanging: { precondition: () => new Promise(() => undefined) },
    },
  })
  for (const operation of ['throwing', 'hanging']) {
    const { id } = await approved(world, { operation, precondition: 'v1' })
    const woken = expect(execution.wake(id, 'ws')).rejects.toMatchObject({ code: 'hook_failed' })
    await world.clock.advance(10_000)
    await woken
    expect(await standing(world, id)).toBe('approved')
  }
})

test('a key that is edited between the check and the claim is looked at again', async () => {
  const world = await createApprovalWorld()
  let ran = 0
  let edits = 0
  const store: Store = {
    ...world.store,
    async commit(changes) {
      const isClaim = changes.some((change) => change.do === 'check')
      if (isClaim && edits++ === 0)
        await world.keys.edit(admin, world.key.id, { scopes: ['contacts:read'] }, { version: 1 })
      return world.store.commit(changes)
    },
  }
  const { execution } = createInstance(world, {
    store,
    operations: { 'contacts.merge': { run: () => void ran++ } },
  })
  const { id } = await approved(world)
  await execution.wake(id, 'ws')
  expect(await standing(world, id)).toBe('approved')
  await execution.wake(id, 'ws')
  expect(await standing(world, id)).toBe('cancelled insufficient')
  expect(ran).toBe(0)
})

test('a sealed text that was changed or moved never runs', async () => {
  const world = await createApprovalWorld()
  const { execution } = createInstance(world, {
    operations: { 'contacts.merge': { run: () => expect.fail() } },
  })
  const one = await approved(world)
  const two = await approved(world)
  const { request } = (await world.store.findApprovalContent('ws', two.id))!
  await world.store.commit([
    { do: 'update', type: 'approvalContent', id: one.id, expectVersion: 1, set: { request } },
  ])
  await expect(execution.wake(one.id, 'ws')).rejects.toBeInstanceOf(KeyrungError)
  expect(await standing(world, one.id)).toBe('approved')
})
