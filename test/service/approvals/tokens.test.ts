import { describe, expect, test } from 'vitest'
import type { ExchangeWish } from '../../../src/core/exchange.js'
import type { Principal } from '../../../src/core/principal.js'
import { ann, openDesk, outcome, refusal } from './fixture.js'

const asking: ExchangeWish<'contacts:write-approval' | 'contacts:read' | 'email:read'> = {
  scopes: ['contacts:write-approval'],
  actor: 'planner',
}

/** A desk with access tokens, one key, and an app that tells for whom it was asked. */
async function openTokenDesk() {
  const desk = await openDesk({ options: { tokens: { issuer: 'https://api.example.com', audience: 'api' } } })
  const { keyrung } = desk
  const callers: Principal[] = []
  keyrung.attach({
    name: 'witness',
    app: {},
    async dispatch(_request, ticket) {
      ticket.state = 'admitted'
      callers.push(ticket.principal)
      return desk.answer
    },
  })

  async function exchange(
    principal: Principal,
    wish: ExchangeWish<'contacts:write-approval' | 'contacts:read' | 'email:read'> = asking,
  ): Promise<Principal> {
    const { token } = await keyrung.tokens.exchange(principal, wish)
    const known = await keyrung.authenticate(token, { ip: '203.0.113.7' })
    if (!known.ok) throw new Error(known.code)
    return known.principal
  }
  const agent = await desk.agent()
  return { ...desk, agent, callers, exchange, planner: await exchange(agent) }
}

describe('what is asked with an access token', () => {
  test('names everyone who acts, and runs as who asked, though the token is long over', async () => {
    const { keyrung, clock, ask, exchange, planner, callers } = await openTokenDesk()
    const researcher = await exchange(planner, { actor: 'researcher' })
    const { approval } = await ask(researcher, { app: 'witness' })
    expect(approval.chain).toEqual(['researcher', 'planner'])
    await clock.advance(3_600_000)
    const { digest, chain } = await keyrung.approvals.get(ann, approval.id)
    expect(chain).toEqual(['researcher', 'planner'])
    const done = await keyrung.approvals.approve(ann, approval.id, { digest }, { waitMs: 1_000 })
    expect(done.status).toBe('succeeded')
    expect(callers).toEqual([
      {
        ...{ ...researcher, audience: [], expiresAt: clock.now() + 300_000 },
        ...{ scopes: ['contacts:write-approval'], chain: ['researcher', 'planner'] },
      },
    ])
    // Whoever goes on with that caller may do no more than was asked with.
    expect(await keyrung.authorize(callers[0]!, 'email:send')).toMatchObject({ code: 'hidden' })
  })

  test('is one approval for each who asks, and one for the same asker twice', async () => {
    const { ask, agent, exchange, planner } = await openTokenDesk()
    const other = await exchange(agent, { ...asking, actor: 'researcher' })
    const ids = []
    for (const principal of [agent, planner, await exchange(agent), other]) {
      ids.push((await ask(principal)).approval.id)
    }
    expect(ids[2]).toBe(ids[1])
    expect(new Set(ids).size).toBe(3)
  })

  test('is seen by who asked and by whom that one acts for, and by no other', async () => {
    const { keyrung, ask, agent, exchange, planner } = await openTokenDesk()
    const researcher = await exchange(planner, { actor: 'researcher' })
    const reader = await exchange(await exchange(agent, { actor: 'planner' }), { scopes: ['email:read'] })
    const { id } = (await ask(planner)).approval
    const below = (await ask(researcher)).approval.id
    const own = (await ask(agent)).approval.id
    const sees = async (principal: Principal, which: string) =>
      outcome(keyrung.approvals.track(principal, which))
    expect([await sees(agent, id), await sees(agent, below), await sees(agent, own)]).toEqual([
      'ok',
      'ok',
      'ok',
    ])
    expect([await sees(planner, id), await sees(planner, below)]).toEqual(['ok', 'ok'])
    expect(await sees(planner, own)).toBe('not_found')
    expect([await sees(researcher, id), await sees(researcher, below)]).toEqual(['not_found', 'ok'])
    // Of the same actor, and yet it could never have asked for it.
    expect(await sees(reader, id)).toBe('not_found')
    await refusal(keyrung.approvals.cancel(researcher, id), 'not_found')
    expect(await outcome(keyrung.approvals.cancel(planner, id))).toBe('ok')
  })

  test.each([
    ['revoked', 'key_revoked', {}],
    ['lowered', 'insufficient', { scopes: ['contacts:read'] }],
  ] as const)('ends when its key is %s', async (change, why, edited) => {
    const { keyrung, ask, planner } = await openTokenDesk()
    const { approval } = await ask(planner)
    const { version } = await keyrung.keys.get(ann, planner.keyId)
    if (change === 'revoked') await keyrung.keys.revoke(ann, planner.keyId)
    else await keyrung.keys.edit(ann, planner.keyId, edited, { version })
    await keyrung.tick()
    expect(await keyrung.approvals.get(ann, approval.id)).toMatchObject({ status: 'cancelled', outcome: why })
  })

  test('is decided neither with a token nor by the key that it came from', async () => {
    const {
      keyrung,
      ask,
      agent: makeAgent,
    } = await openDesk({
      approvals: { canDecide: () => true },
      options: { tokens: { issuer: 'https://api.example.com', audience: 'api' } },
    })
    const full = await makeAgent({ mode: 'full', scopes: undefined })
    const { token } = await keyrung.tokens.exchange(full, asking)
    const known = await keyrung.authenticate(token)
    if (!known.ok) throw new Error(known.code)
    const { id, digest } = (await ask(known.principal)).approval
    const as = (principal: Principal) => ({ type: 'principal', principal }) as const
    await refusal(keyrung.approvals.approve(as(known.principal), id, { digest }), 'forbidden')
    await refusal(keyrung.approvals.approve(as(full), id, { digest }), 'own_request')
    expect(await outcome(keyrung.approvals.approve(ann, id, { digest }))).toBe('ok')
  })

  test('is not run where the stored asker is not the one that was confirmed', async () => {
    const { keyrung, store, ask, planner, callers } = await openTokenDesk()
    for (const set of [{ chain: '[]' }, { tokenScopes: 'contacts:delete' }, { tokenScopes: null }]) {
      const { approval } = await ask(planner, { app: 'witness', body: set })
      const { id, digest } = approval
      await store.commit([{ do: 'update', type: 'approval', id, expectVersion: 1, set }])
      await outcome(keyrung.approvals.approve(ann, id, { digest }, { waitMs: 1_000 }))
      expect((await keyrung.approvals.get(ann, id)).status, JSON.stringify(set)).not.toBe('succeeded')
    }
    expect(callers).toEqual([])
  })
})

test('what a token may not ask for is not queued, whatever its key may', async () => {
  const { keyrung, agent, exchange } = await openTokenDesk()
  const reader = await exchange(agent, { scopes: ['contacts:read'] })
  expect(await keyrung.authorize(reader, 'contacts:write')).toMatchObject({
    effect: 'deny',
    code: 'insufficient',
  })
  const decision = await keyrung.authorize(agent, 'contacts:write')
  expect(decision.effect).toBe('approval')
})
