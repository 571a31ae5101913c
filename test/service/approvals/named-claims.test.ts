import { describe, expect, test } from 'vitest'
import type { Principal } from '../../../src/core/principal.js'
import type { OperationResult, StandardSchema } from '../../../src/service/operation.js'
import { ann, dayMs, openDesk, outcome, refusal } from './fixture.js'
import type { Asked, Desk, DeskOptions } from './fixture.js'

const anything: StandardSchema = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) },
}

const idempotencyKey = 'one'
const json = ['content-type', 'application/json'] as const
const headers = [json, ['if-match', '"v1"'], ['user-agent', 'a/1']] as const

/** What is asked for first. */
const first: Asked = { idempotencyKey, request: { headers } }

/** Has a key ask for something under a name, and for something else under the same. */
async function askTwice(second: Asked, given: DeskOptions = {}) {
  const desk = await openDesk(given)
  desk.keyrung.attach({
    name: 'other',
    app: {},
    dispatch: () => Promise.reject(new Error('it runs nothing')),
  })
  const agent = await desk.agent({ scopes: ['contacts:write-approval', 'email:send-approval'] })
  const { approval } = await desk.ask(agent, first)
  const again = desk.ask(agent, { ...first, ...second, request: { headers, ...second.request } })
  return { desk, agent, approval, again }
}

describe('one name stands for one request', () => {
  const others: readonly [what: string, second: Asked][] = [
    ['another body', { body: { name: 'Eve' } }],
    ['another method', { request: { method: 'PUT' } }],
    ['another target', { request: { target: '/contacts?a=1' } }],
    ['another route', { request: { pattern: '/:any' } }],
    ['another scheme', { request: { scheme: 'http' } }],
    ['another permission', { permission: 'email:send' }],
    ['another app', { app: 'other' }],
    ...(
      [
        ['another If-Match', [json, ['if-match', '"v2"']]],
        ['no If-Match', [json]],
        ['an If-None-Match', [...headers, ['if-none-match', '*']]],
        ['an If-Unmodified-Since', [...headers, ['if-unmodified-since', 'Mon, 01 Jan 2029 00:00:00 GMT']]],
        [
          'another content type',
          [
            ['content-type', 'text/plain'],
            ['if-match', '"v1"'],
          ],
        ],
        ['another language', [...headers, ['accept-language', 'de']]],
        ['another host', [...headers, ['host', 'b.example']]],
        ['a header of the host’s own', [...headers, ['x-dry-run', '1']]],
      ] as const
    ).map(([what, given]): [string, Asked] => [what, { request: { headers: given } }]),
  ]
  test.each(others)('%s is refused', async (_, second) => {
    const { desk, agent, again } = await askTwice(second)
    await refusal(again, 'idempotency_mismatch')
    expect(await desk.pending(agent.keyId)).toBe(1)
  })

  test.each<[what: string, second: Asked]>([
    ['the very same', {}],
    ['another user agent', { request: { headers: [json, ['if-match', '"v1"'], ['user-agent', 'a/2']] } }],
    ['the name itself among the headers', { request: { headers: [...headers, ['idempotency-key', 'one']] } }],
  ])('%s is the same request', async (_, second) => {
    const { approval, again } = await askTwice(second)
    expect(await again).toMatchObject({ repeated: true, approval: { id: approval.id } })
  })

  test('also from another address, and with the secret that the first was rotated to', async () => {
    const { desk, agent, approval } = await askTwice({})
    const { secret } = await desk.keyrung.keys.rotate(ann, agent.keyId, { graceMs: dayMs })
    const known = await desk.keyrung.authenticate(secret, { ip: '198.51.100.7' })
    if (!known.ok) throw new Error(known.code)
    expect(known.principal.secretId).not.toBe(agent.secretId)
    expect((await desk.ask(known.principal, first)).approval.id).toBe(approval.id)
  })

  test('one operation of two with equal inputs, and never a request for an operation', async () => {
    const desk = await openDesk()
    const agent = await desk.agent()
    const [merge, split] = ['contacts.merge', 'contacts.split'].map((name) =>
      desk.keyrung.operation(name, { permission: 'contacts:write', input: anything, run: () => null }),
    )
    const idOf = (result: OperationResult): unknown => result.status === 'queued' && result.approval.id
    const id = idOf(await merge!.call(agent, { id: 7 }, { idempotencyKey }))
    expect(id).toMatch(/^apr_/)
    expect(idOf(await merge!.call(agent, { id: 7 }, { idempotencyKey }))).toBe(id)
    await refusal(split!.call(agent, { id: 7 }, { idempotencyKey }), 'idempotency_mismatch')
    await refusal(desk.ask(agent, { body: { id: 7 }, idempotencyKey }), 'idempotency_mismatch')
    expect(await desk.pending(agent.keyId)).toBe(1)
  })
})

describe('a name belongs to the credential that asks', () => {
  async function openTokens() {
    const tokens = { issuer: 'https://api.example.com', audience: 'api' }
    const desk: Desk = await openDesk({ options: { tokens } })
    async function exchange(principal: Principal, actor: string): Promise<Principal> {
      const wish = { scopes: ['contacts:write-approval'], actor } as const
      const { token } = await desk.keyrung.tokens.exchange(principal, wish)
      const known = await desk.keyrung.authenticate(token, { ip: '203.0.113.7' })
      if (!known.ok) throw new Error(known.code)
      return known.principal
    }
    const agent = await desk.agent()
    return { desk, agent, exchange }
  }

  test('a key, its tokens, and tokens of these use one name for requests of their own', async () => {
    const { desk, agent, exchange } = await openTokens()
    const planner = await exchange(agent, 'planner')
    const sibling = await exchange(agent, 'planner')
    const child = await exchange(planner, 'researcher')
    const ids = new Set<string>()
    for (const [i, principal] of [agent, planner, sibling, child].entries()) {
      const asked = await desk.ask(principal, { body: { i }, idempotencyKey })
      expect(asked.repeated).toBe(false)
      ids.add(asked.approval.id)
      expect((await desk.ask(principal, { body: { i }, idempotencyKey })).approval.id).toBe(asked.approval.id)
      expect(await outcome(desk.ask(principal, { idempotencyKey }))).toBe('idempotency_mismatch')
    }
    expect(ids.size).toBe(4)
  })

  test('what has run for one token is asked for again by its sibling', async () => {
    const { desk, agent, exchange } = await openTokens()
    const [one, other] = [await exchange(agent, 'planner'), await exchange(agent, 'planner')]
    const { id, digest } = (await desk.ask(one, { idempotencyKey })).approval
    await desk.keyrung.approvals.approve(ann, id, { digest })
    expect(await desk.ask(one, { idempotencyKey })).toMatchObject({ repeated: true, approval: { id } })
    const asked = await desk.ask(other, { idempotencyKey })
    expect(asked).toMatchObject({ repeated: false, approval: { status: 'pending' } })
    expect(asked.approval.id).not.toBe(id)
  })
})
