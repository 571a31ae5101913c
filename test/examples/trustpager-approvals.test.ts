import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHost } from '../../examples/trustpager/host.js'
import { startWebhookReceiver, type WebhookReceiver } from '../../examples/trustpager/webhook-receiver.js'
import { canDecide } from '../../examples/trustpager/workspaces.js'
import { createWorld, type World } from './trustpager-world.js'

let world: World
let receiver: WebhookReceiver
beforeAll(async () => {
  world = await createWorld()
  receiver = await startWebhookReceiver()
})
afterAll(async () => {
  await receiver.close()
  await world.close()
})

interface Approval {
  readonly status: string
  readonly outcome: string | null
  readonly digest: string
  readonly result_status: number | null
  readonly request: { readonly body: { readonly text: string } } | null
  readonly result: { readonly text: string } | null
}

const agentScopes = ['contacts:write-approval', 'email:send-approval']
const codeOf = (answer: { body: unknown }): unknown => (answer.body as { code?: unknown } | undefined)?.code

/** Has a key propose something. */
async function propose(key: string, path: string, body: object): Promise<string> {
  const { status, location, body: queued } = await world.api(key, 'POST', path, body)
  const { approval_id: id } = queued as { approval_id: string }
  expect([status, location]).toEqual([202, `/approvals/${id}`])
  return id
}

const show = async (id: string): Promise<Approval> =>
  (await world.as('ada', 'GET', `/admin/approvals/${id}`)).body as Approval

/** Approves what is shown, as a user or with a key. */
const approveAs = async (user: string | undefined, id: string) =>
  world.as(user, 'POST', `/admin/approvals/${id}/approve`, { digest: (await show(id)).digest })
const approveBy = async (key: string, id: string) =>
  world.api(key, 'POST', `/approvals/${id}/approve`, { digest: (await show(id)).digest })

/** How many contacts of a name there are. */
async function countOf(key: string, name: string): Promise<number> {
  const { body } = await world.api(key, 'POST', '/contacts/search', { where: { name } })
  return (body as { data: unknown[] }).data.length
}

describe('what an agent proposes', () => {
  it('is not done until an admin approves it, then once, with its result on the record', async () => {
    const { secret } = await world.makeKey('ada', { scopes: agentScopes })
    const id = await propose(secret, '/contacts', { name: 'Katherine' })
    expect(await countOf(secret, 'Katherine')).toBe(0)
    expect((await show(id)).request?.body.text).toBe('{"name":"Katherine"}')

    const answers = await Promise.all([1, 2, 3, 4].map(() => approveAs('ada', id)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409])
    expect(await countOf(secret, 'Katherine')).toBe(1)

    const { body } = await world.api(secret, 'GET', `/approvals/${id}`)
    expect(body).toMatchObject({ status: 'succeeded', result_status: 201 })
    const made = JSON.parse((body as Approval).result!.text) as { id: string }
    expect((await world.api(secret, 'GET', `/contacts/${made.id}`)).body).toEqual(made)
  })

  it('fails where its handler refuses it, and the approval says how', async () => {
    const { secret } = await world.makeKey('ada', { scopes: agentScopes })
    const id = await propose(secret, '/contacts', ['not', 'a', 'contact'])
    const { body } = await approveAs('ada', id)
    expect(body).toMatchObject({ status: 'failed', result_status: 422 })
    expect((body as Approval).result!.text).toContain('input_invalid')
  })

  it("tells the agent's webhook of a rejection, with its reason, so that anyone can verify it", async () => {
    const input = { name: 'A', scopes: agentScopes, webhook: { url: receiver.url } }
    const { body } = await world.as('ada', 'POST', '/admin/keys', input)
    const made = body as { secret: string; webhook_secret: string }
    receiver.trust(made.webhook_secret)
    const id = await propose(made.secret, '/email/send', { to: 'all@acme.example' })
    await world.as('ada', 'POST', `/admin/approvals/${id}/reject`, { reason: 'Too many' })
    expect(await receiver.next()).toMatchObject({
      type: 'approval.rejected',
      data: {
        approval: { id, status: 'rejected' },
        reason: 'Too many',
        request: { method: 'POST', target: '/email/send', body: '{"to":"all@acme.example"}' },
      },
    })
    expect(receiver.refused()).toBe(0)
    expect((await world.api(made.secret, 'GET', `/approvals/${id}`)).body).toMatchObject({
      status: 'rejected',
      reason: 'Too many',
      result: null,
    })
    expect((await world.api(made.secret, 'GET', '/email/logs')).body).toMatchObject({ data: [] })
  })

  it('is cancelled when its key is revoked', async () => {
    const { id: keyId, secret } = await world.makeKey('ada', { scopes: agentScopes })
    const id = await propose(secret, '/contacts', { name: 'Dorothy' })
    await world.as('ada', 'POST', `/admin/keys/${keyId}/revoke`, {})
    expect(await show(id)).toMatchObject({ status: 'cancelled', outcome: 'key_revoked' })
    await world.as('ada', 'POST', `/admin/keys/${keyId}/activate`, {})
    expect(codeOf(await approveAs('ada', id))).toBe('not_pending')
    expect(await countOf(secret, 'Dorothy')).toBe(0)
  })

  it('waits through a restart, and runs on the host that is there then', async () => {
    const own = await createWorld()
    const { secret } = await own.makeKey('ada', { scopes: agentScopes })
    const full = (await own.makeKey('amy', { mode: 'full' })).secret
    const queued = await own.api(secret, 'POST', '/contacts', { name: 'Mary' })
    await own.host.close()
    const again = await startHost({ dataDir: own.dataDir, port: 0 })
    const headers = { authorization: `Bearer ${full}`, 'content-type': 'application/json' }
    const url = `${again.url}${queued.location}`
    const { digest } = (await (await fetch(url, { headers })).json()) as Approval
    const done = await fetch(`${url}/approve`, { method: 'POST', headers, body: JSON.stringify({ digest }) })
    expect([done.status, await done.json()]).toEqual([
      200,
      expect.objectContaining({ status: 'succeeded', result_status: 201 }),
    ])
    await again.close()
  })
})

describe('deciding', () => {
  it('is for admins of the own workspace: not for members, others, nobody, or the agent', async () => {
    const { secret } = await world.makeKey('ada', { scopes: agentScopes })
    const id = await propose(secret, '/contacts', { name: 'Nobody' })
    expect(codeOf(await approveAs('ben', id))).toBe('forbidden')
    expect(codeOf(await approveAs('cleo', id))).toBe('not_found')
    expect(codeOf(await approveAs(undefined, id))).toBe('actor_missing')
    expect(codeOf(await approveBy(secret, id))).toBe('forbidden')
    const { secret: wide } = await world.makeKey('ada', { scopes: ['contacts:delete'] })
    expect(codeOf(await approveBy(wide, id))).toBe('forbidden')
    const { secret: foreign } = await world.makeKey('cleo', { mode: 'full' })
    expect(codeOf(await approveBy(foreign, id))).toBe('not_found')
    expect((await show(id)).status).toBe('pending')
  })

  it('is for Full Access keys, too, where others asked', async () => {
    const { secret } = await world.makeKey('ada', { scopes: agentScopes })
    const { secret: full } = await world.makeKey('amy', { mode: 'full' })
    const id = await propose(secret, '/contacts', { name: 'Christine' })
    const { status, body } = await world.api(full, 'GET', '/approvals?status=pending')
    expect([status, JSON.stringify(body)]).toEqual([200, expect.stringContaining(id)])
    expect((await approveBy(full, id)).body).toMatchObject({ status: 'succeeded', result_status: 201 })
    expect(await countOf(full, 'Christine')).toBe(1)
  })

  it('is never for a key that asked itself, nor for one of the same owner or maker', async () => {
    const asking = await world.makeKey('ada', { scopes: agentScopes, owner_id: 'ada' })
    const { secret: sibling } = await world.makeKey('ada', { mode: 'full' })
    const { secret: kin } = await world.makeKey('ada', { mode: 'full', owner_id: 'ada' })
    const id = await propose(asking.secret, '/contacts', { name: 'Own' })
    expect(codeOf(await approveBy(kin, id))).toBe('own_request')
    expect(codeOf(await approveBy(sibling, id))).toBe('own_request')
    const rejected = await world.api(kin, 'POST', `/approvals/${id}/reject`, { reason: 'No' })
    expect(codeOf(rejected)).toBe('own_request')

    const { etag } = await world.as('ada', 'GET', `/admin/keys/${asking.id}`)
    await world.as('ada', 'PATCH', `/admin/keys/${asking.id}`, { mode: 'full' }, etag ?? '')
    expect(codeOf(await approveBy(asking.secret, id))).toBe('own_request')
    expect(await countOf(kin, 'Own')).toBe(0)
    expect((await approveAs('ada', id)).body).toMatchObject({ status: 'succeeded' })
    expect(await countOf(kin, 'Own')).toBe(1)
  })

  it('is not for a Full Access key whose owner is a member', async () => {
    const { secret } = await world.makeKey('ada', { scopes: agentScopes })
    const { secret: bens } = await world.makeKey('ada', { mode: 'full', owner_id: 'ben' })
    const id = await propose(secret, '/contacts', { name: 'Bens' })
    expect(codeOf(await approveBy(bens, id))).toBe('forbidden')
    // What Ben may only propose, his key may only propose, too.
    const own = await propose(bens, '/deals', { title: 'Bens' })
    expect(codeOf(await approveBy(bens, own))).toBe('forbidden')
    expect(canDecide({ type: 'system', name: 'job', workspaceId: 'acme' })).toBe(false)
  })
})

describe('the receiver of webhooks', () => {
  it('believes nobody who does not know the secret', async () => {
    const own = await startWebhookReceiver()
    const body = '{"type":"approval.rejected","data":{}}'
    expect((await fetch(own.url, { method: 'POST', body })).status).toBe(401)
    own.trust(`whsec_${Buffer.alloc(32, 1).toString('base64')}`)
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
      'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
    }
    expect((await fetch(own.url, { method: 'POST', body, headers })).status).toBe(401)
    expect(own.refused()).toBe(2)
    await own.close()
  })
})
