import { afterEach, describe, expect, test } from 'vitest'
import { toApprovalView } from '../../src/service/approvals/view.js'
import { makeApproval } from '../../src/testing/suite/records.js'
import { createReceiver } from '../service/webhooks/fixture.js'
import { approvalHost } from './approval-host.js'

let receiver: Awaited<ReturnType<typeof createReceiver>> | undefined
afterEach(async () => {
  await receiver?.close()
  receiver = undefined
})

const issuer = 'https://api.example.com'

/** A host of a key with a webhook, in either environment. */
async function askerHost(environment: string) {
  receiver = await createReceiver()
  const host = approvalHost({
    tokens: { issuer, audience: 'api' },
    webhooks: { dangerouslyAllowAddresses: ['127.0.0.1'] },
  })
  const { secret } = await host.makeKey(['contacts:write-approval', 'email:read'], {
    ...{ environment, webhook: { url: receiver.url, events: ['approval.queued', 'approval.rejected'] } },
  })
  async function exchange(from: string, wish: object): Promise<string> {
    return (await host.ask(from, 'POST', '/tokens', wish)).body.access_token as string
  }
  return { ...host, secret, exchange, received: receiver.received }
}

type Host = Awaited<ReturnType<typeof askerHost>>

interface Asker {
  readonly chain: readonly string[]
  readonly token_scopes: readonly string[] | null
}

const scopes = ['contacts:write-approval']

/** Who may ask: what it presents, and what is told of it. */
const askers: readonly [who: string, present: (host: Host) => Promise<string>, told: Asker][] = [
  ['a key', async ({ secret }) => secret, { chain: [], token_scopes: null }],
  [
    'a token in nobody’s name',
    ({ secret, exchange }) => exchange(secret, { scopes }),
    { chain: [], token_scopes: scopes },
  ],
  [
    'a token of an actor',
    ({ secret, exchange }) => exchange(secret, { actor: 'planner' }),
    { chain: ['planner'], token_scopes: ['contacts:write-approval', 'email:read'] },
  ],
  [
    'a token of a token',
    async ({ secret, exchange }) =>
      exchange(await exchange(secret, { actor: 'planner' }), { scopes, actor: 'researcher' }),
    { chain: ['researcher', 'planner'], token_scopes: scopes },
  ],
]

describe.each(['live', 'test'])('who asks in the environment %s', (environment) => {
  test.each(askers)('%s: is told in code, over HTTP and in webhooks', async (_, present, told) => {
    const host = await askerHost(environment)
    const { ask, clock, keyrung, received } = host
    const presented = await present(host)
    const { id } = await host.queue(presented)
    await keyrung.tick()
    const asker = { environment, address: '192.0.2.1', ...told }

    const ann = { type: 'user', id: 'ann', workspaceId: 'ws_1', role: 'admin' } as const
    const { chain, token_scopes: tokenScopes } = told
    const inCode = { environment, address: '192.0.2.1', chain, tokenScopes }
    expect(await keyrung.approvals.get(ann, id)).toMatchObject(inCode)
    expect((await keyrung.approvals.list(ann)).approvals).toMatchObject([inCode])

    expect((await ask('admin', 'GET', `/approvals/${id}`)).body).toMatchObject(asker)
    expect((await ask('admin', 'GET', '/approvals')).body.approvals).toMatchObject([asker])
    expect((await ask(presented, 'GET', `/approvals/${id}`)).body).toMatchObject(asker)

    await ask('admin', 'POST', `/approvals/${id}/reject`, { reason: 'no' })
    await clock.advance(1_000)
    await keyrung.tick()
    const messages = received.map(({ body }) => JSON.parse(body) as { type: string; data: object })
    expect(messages.map(({ type }) => type).toSorted()).toEqual(['approval.queued', 'approval.rejected'])
    for (const { data } of messages) expect(data).toMatchObject({ approval: asker })
  })
})

test('whoever decides is judged by a view that says who asks', async () => {
  const seen: unknown[] = []
  const host = approvalHost({
    approvals: {
      canDecide(_actor, verb, approval) {
        if (verb === 'reject') seen.push([approval?.environment, approval?.address, approval?.chain])
        return approval?.environment !== 'test'
      },
    },
  })
  for (const [environment, status] of [
    ['live', 200],
    ['test', 403],
  ] as const) {
    const { approval } = await host.makeAsked({ environment })
    const answer = await host.ask('admin', 'POST', `/approvals/${approval.id}/reject`, { reason: 'no' })
    expect(answer.status).toBe(status)
  }
  expect(seen).toContainEqual(['test', '192.0.2.1', []])
})

test('a token that has nothing of its key is none that has everything', () => {
  const shown = [null, '', 'contacts:read email:send'].map(
    (tokenScopes) => toApprovalView(makeApproval(1, { tokenScopes })).tokenScopes,
  )
  expect(shown).toEqual([null, [], ['contacts:read', 'email:send']])
})

test('nothing invisible is told of who acts', () => {
  const { chain } = toApprovalView(makeApproval(1, { chain: JSON.stringify(['plan\u202ener']) }))
  expect(chain).toEqual([expect.not.stringContaining('\u202e')])
})
