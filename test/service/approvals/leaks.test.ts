import { describe, expect, it } from 'vitest'
import type { Principal } from '../../../src/core/principal.js'
import { tokens } from '../tokens/fixture.js'
import { ann, bob, openDesk, outcome, refusal, stores } from './fixture.js'
import type { Desk } from './fixture.js'

const graceMs = 60_000
const lost = { status: 'cancelled', outcome: 'secret_rotated', decidedBy: null }

describe.each(stores)('what was asked with a secret, on %s', (_, store) => {
  const rotate = ({ keyrung }: Desk, { keyId }: Principal, grace: number) =>
    keyrung.keys.rotate(ann, keyId, { graceMs: grace })
  const find = async (desk: Desk, id: string) => (await desk.store.findApproval('ws', id))!

  /** Counts nothing that is noted down to be swept. */
  const notes = async (desk: Desk) => (await desk.store.findSettings('sweep')).length

  it.each(['the key', 'a token'])('is cancelled as that ends at once, asked by %s', async (by) => {
    const desk = await openDesk({ store, options: { tokens } })
    const agent = await desk.agent()
    let asker = agent
    if (by === 'a token') {
      const { token } = await desk.keyrung.tokens.exchange(agent)
      const known = await desk.keyrung.authenticate(token, { ip: '203.0.113.7' })
      if (!known.ok) throw new Error(known.code)
      asker = known.principal
    }
    const { id, digest } = (await desk.ask(asker)).approval
    const { secret } = await rotate(desk, agent, 0)
    expect(await find(desk, id)).toMatchObject(lost)
    await refusal(desk.keyrung.approvals.approve(ann, id, { digest }), 'not_pending')
    expect(await notes(desk)).toBe(0)
    // Who has the new secret sees what became of it, and can ask for the same.
    const renewed = await desk.keyrung.authenticate(secret, { ip: '203.0.113.7' })
    if (!renewed.ok) throw new Error(renewed.code)
    expect(await desk.keyrung.approvals.track(renewed.principal, id)).toMatchObject({
      outcome: 'secret_rotated',
    })
    const again = await desk.ask(renewed.principal)
    expect(again.repeated).toBe(false)
    const { approve } = desk.keyrung.approvals
    expect(await outcome(approve(ann, again.approval.id, { digest: again.approval.digest }))).toBe('ok')
    expect(desk.runs).toHaveLength(1)
  })

  it('can be approved until its grace period ends, to the millisecond, and is swept then', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const before = (await desk.ask(agent, { body: 1 })).approval
    await rotate(desk, agent, graceMs)
    // The old secret works on, so more can be asked with it.
    const [during, late, unseen] = [
      (await desk.ask(agent, { body: 2 })).approval,
      (await desk.ask(agent, { body: 3 })).approval,
      (await desk.ask(agent, { body: 4 })).approval,
    ]
    await desk.keyrung.tick()
    const { approve } = desk.keyrung.approvals
    expect(await outcome(approve(ann, before.id, { digest: before.digest }))).toBe('ok')
    await desk.clock.advance(graceMs - 1)
    await desk.keyrung.tick()
    expect(await outcome(approve(ann, during.id, { digest: during.digest }))).toBe('ok')
    await desk.clock.advance(1)
    // Nothing has swept yet.
    expect((await find(desk, late.id)).status).toBe('pending')
    await refusal(approve(ann, late.id, { digest: late.digest }), 'not_pending')
    expect(await find(desk, late.id)).toMatchObject(lost)
    await desk.keyrung.tick()
    expect(await find(desk, unseen.id)).toMatchObject(lost)
    expect(await notes(desk)).toBe(0)
    expect(desk.runs).toHaveLength(2)
  })

  it('is cancelled by a second rotation that ends the grace period of the first', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const { id } = (await desk.ask(agent)).approval
    await rotate(desk, agent, graceMs)
    await rotate(desk, agent, graceMs)
    expect(await find(desk, id)).toMatchObject(lost)
  })

  it('does not run though it was approved before, and what was asked with the new one is left alone', async () => {
    const desk = await openDesk({ store, approvals: { quorum: 2 } })
    const agent = await desk.agent()
    const { id, digest } = (await desk.ask(agent)).approval
    await desk.keyrung.approvals.approve(ann, id, { digest })
    const { secret } = await rotate(desk, agent, graceMs)
    const renewed = await desk.keyrung.authenticate(secret, { ip: '203.0.113.7' })
    if (!renewed.ok) throw new Error(renewed.code)
    const own = (await desk.ask(renewed.principal, { body: 2 })).approval
    await desk.clock.advance(graceMs)
    await refusal(desk.keyrung.approvals.approve(bob, id, { digest }), 'not_pending')
    await desk.keyrung.tick()
    expect((await find(desk, own.id)).status).toBe('pending')
    expect(desk.runs).toEqual([])
  })
})
