import { describe, expect, it, test } from 'vitest'
import { openDesk, ann, outcome, refusal, stores } from './fixture.js'

describe.each(stores)('a changed key on %s', (_, store) => {
  it('that was revoked loses what it has waiting, and activating it revives nothing', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const { id, digest } = (await desk.ask(agent)).approval
    await desk.keyrung.keys.revoke(ann, agent.keyId)
    expect(await desk.keyrung.approvals.get(ann, id)).toMatchObject({
      ...{ status: 'cancelled', outcome: 'key_revoked', decidedBy: null },
    })
    await desk.keyrung.keys.activate(ann, agent.keyId)
    await refusal(desk.keyrung.approvals.approve(ann, id, { digest }), 'not_pending')
    expect(desk.runs).toEqual([])
    // What it had waiting no longer counts.
    expect((await desk.ask(agent)).repeated).toBe(false)
  })

  it('loses nothing that it can still do by a narrower edit, and all else', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const contact = (await desk.ask(agent)).approval
    const mail = (await desk.ask(agent, { permission: 'email:send' })).approval
    const { version } = await desk.keyrung.keys.get(ann, agent.keyId)
    await desk.keyrung.keys.edit(ann, agent.keyId, { scopes: ['contacts:write'] }, { version })
    const get = (id: string) => desk.keyrung.approvals.get(ann, id)
    expect(await get(mail.id)).toMatchObject({ status: 'cancelled', outcome: 'insufficient' })
    // It may do it by itself by now: what was asked may still be approved.
    expect(await get(contact.id)).toMatchObject({ status: 'pending' })
    const { approvals } = desk.keyrung
    expect(await outcome(approvals.approve(ann, contact.id, { digest: contact.digest }))).toBe('ok')
    expect(desk.runs).toHaveLength(1)
  })

  it('that was deleted has nothing waiting', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const { id } = (await desk.ask(agent)).approval
    await desk.keyrung.keys.delete(ann, agent.keyId)
    expect(await desk.pending(agent.keyId)).toBe(0)
    expect((await desk.store.findApproval('ws', id))?.outcome).toBe('key_deleted')
  })

  it('whose sweep crashed is swept by the worker', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const { id, digest } = (await desk.ask(agent)).approval
    const failing = { on: true }
    const { listApprovals } = desk.store
    // Revoking asks nothing about approvals before it commits.
    Object.assign(desk.store, {
      listApprovals: (request: Parameters<typeof listApprovals>[0]) => {
        if (failing.on) throw new Error('down')
        return listApprovals(request)
      },
    })
    await desk.keyrung.keys.revoke(ann, agent.keyId)
    failing.on = false
    expect((await desk.store.findApproval('ws', id))!.status).toBe('pending')
    expect(await desk.store.findSettings('sweep/')).toHaveLength(1)
    await desk.keyrung.tick()
    expect((await desk.store.findApproval('ws', id))!).toMatchObject({ outcome: 'key_revoked' })
    expect(await desk.store.findSettings('sweep/')).toEqual([])
    await refusal(desk.keyrung.approvals.approve(ann, id, { digest }), 'not_pending')
  })

  it('cannot be stood for, though nothing swept it: whoever approves is told why, and it is cancelled', async () => {
    for (const [set, why] of [
      [{ status: 'revoked' }, 'key_revoked'],
      [{ revocations: 1 }, 'key_revoked'],
      [{ expiresAt: 1_767_225_600_000 }, 'key_expired'],
      [{ scopes: 'contacts:read' }, 'insufficient'],
      [{ scopes: '' }, 'insufficient'],
      [{ environment: 'test' }, 'key_changed'],
      [{ addressRules: '198.51.100.0/24' }, 'key_changed'],
      [{ ownerId: 'kim' }, 'key_changed'],
    ] as const) {
      const desk = await openDesk({ store })
      const agent = await desk.agent()
      const { id, digest } = (await desk.ask(agent)).approval
      const { version } = await desk.keyrung.keys.get(ann, agent.keyId)
      const change = { do: 'update', type: 'key', id: agent.keyId, expectVersion: version, set } as const
      expect(await desk.store.commit([change])).toEqual({ ok: true })
      await refusal(desk.keyrung.approvals.approve(ann, id, { digest }), 'not_pending')
      expect((await desk.store.findApproval('ws', id))!).toMatchObject({ status: 'cancelled', outcome: why })
      expect(desk.runs).toEqual([])
    }
  })

  it('waits for a plan and an owner to come back', async () => {
    const plan = { access: true }
    const members = new Map([
      ['ann', { role: 'admin', scopes: 'full' as const }],
      ['kim', { role: 'member', scopes: ['contacts:write'] as string[] | 'full' }],
    ])
    const of = () => (plan.access ? { access: true } : null)
    const desk = await openDesk({ store, members, options: { entitlements: { of } as never } })
    const agent = await desk.agent({ ownerId: 'kim' })
    const { id, digest } = (await desk.ask(agent)).approval
    const approve = () => outcome(desk.keyrung.approvals.approve(ann, id, { digest }))
    plan.access = false
    expect(await approve()).toBe('not_entitled')
    plan.access = true
    members.set('kim', { role: 'member', scopes: ['contacts:read'] })
    expect(await approve()).toBe('owner_insufficient')
    members.set('kim', { role: 'member', scopes: 'full' })
    expect(await approve()).toBe('ok')
    expect(desk.runs).toHaveLength(1)
  })

  it('runs nothing when an approver is no longer one by then', async () => {
    const members = new Map([
      ['ann', { role: 'admin', scopes: 'full' as const }],
      ['bob', { role: 'admin', scopes: 'full' as const }],
    ])
    const desk = await openDesk({ store, members, approvals: { quorum: 2 } })
    const { id, digest } = (await desk.ask(await desk.agent())).approval
    await desk.keyrung.approvals.approve(ann, id, { digest })
    members.delete('ann')
    const done = await desk.keyrung.approvals.approve({ ...ann, id: 'bob' }, id, { digest })
    expect(done).toMatchObject({ status: 'cancelled', outcome: 'approver_lost' })
    expect(desk.runs).toEqual([])
  })
})

/** Has a key ask for so many different things. */
async function askFor(desk: Awaited<ReturnType<typeof openDesk>>, count: number) {
  const agent = await desk.agent()
  for (let i = 0; i < count; i++) await desk.ask(agent, { body: i })
  return agent
}

test('a key with more waiting than its change looks at is swept to the end by the worker', async () => {
  const desk = await openDesk({ approvals: { maxPending: 1_000 } })
  const agent = await askFor(desk, 620)
  await desk.keyrung.keys.revoke(ann, agent.keyId)
  expect(await desk.pending(agent.keyId)).toBe(120)
  expect(await desk.store.findSettings('sweep/')).toHaveLength(1)
  await desk.keyrung.tick()
  expect(await desk.pending(agent.keyId)).toBe(0)
  expect(await desk.store.findSettings('sweep/')).toEqual([])
  const all = await desk.store.listApprovals({ workspaceId: 'ws', status: 'cancelled', limit: 1_000 })
  expect(all.filter((one) => one.outcome === 'key_revoked')).toHaveLength(620)
})

test('a sweep cancels nothing of another key’s, whatever the store lists', async () => {
  const desk = await openDesk()
  const [agent, other] = [await desk.agent(), await desk.agent()]
  const own = (await desk.ask(agent)).approval
  const foreign = (await desk.ask(other)).approval
  const { listApprovals } = desk.store
  Object.assign(desk.store, {
    listApprovals: ({ keyId: _, ...request }: Parameters<typeof listApprovals>[0]) =>
      listApprovals.call(desk.store, request),
  })
  await desk.keyrung.keys.revoke(ann, agent.keyId)
  expect((await desk.store.findApproval('ws', own.id))!.status).toBe('cancelled')
  expect((await desk.store.findApproval('ws', foreign.id))!.status).toBe('pending')
})

test('more than a worker expires at once is expired by one tick all the same', async () => {
  const desk = await openDesk({ approvals: { maxPending: 1_000, expiresMs: 1_000 } })
  const agent = await askFor(desk, 130)
  await desk.clock.advance(1_000)
  expect(await desk.keyrung.tick()).toMatchObject({ expired: 130, done: true })
  expect(await desk.pending(agent.keyId)).toBe(0)
})

test('a key loses what it asked for when it may act only later', async () => {
  const desk = await openDesk()
  const agent = await desk.agent()
  const { id, digest } = (await desk.ask(agent)).approval
  const { approvals, keys } = desk.keyrung
  await keys.edit(ann, agent.keyId, { notBefore: desk.clock.now() + 60_000 }, { version: 1 })
  await refusal(approvals.approve(ann, id, { digest }), 'not_pending')
  expect((await desk.store.findApproval('ws', id))!.outcome).toBe('key_changed')
  expect(desk.runs).toEqual([])
})
