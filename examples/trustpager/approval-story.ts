import { approved } from 'keyrung/client'
import type { Answer, Call, Client } from '../telling/client.js'
import { field, type Teller } from '../telling/teller.js'
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.js'

/** A key, as it is answered when it is made. */
interface MadeKey {
  readonly key: { readonly id: string }
  readonly secret: string
  readonly webhook_secret: string | null
}

const katherine = { name: 'Katherine Johnson', city: 'Hampton' }
const mail = { to: 'everyone@acme.example', subject: 'Big news' }
const reason = 'Not to everyone: ask Marketing first'

/** Tells what an agent may only propose: an admin is logged in already. */
export async function tellOfApprovals(client: Client, teller: Teller): Promise<void> {
  const receiver = await startWebhookReceiver()
  try {
    await new ApprovalStory(client, teller, receiver).tell()
  } finally {
    await receiver.close()
  }
}

class ApprovalStory {
  constructor(
    readonly client: Client,
    readonly teller: Teller,
    readonly receiver: WebhookReceiver,
  ) {}

  async tell(): Promise<void> {
    const { teller, receiver } = this

    teller.chapter('An agent that may only propose: Ada gives it -approval scopes, and a webhook')
    const agent = await this.#makeKey({
      name: 'Sales agent',
      scopes: ['contacts:write-approval', 'email:send-approval'],
      webhook: { url: receiver.url },
    })
    receiver.trust(agent.webhook_secret ?? '')

    const contactId = await this.#tellOfApproval(agent)
    await this.#tellOfRejection(agent)
    const operator = await this.#tellOfFullAccess(agent)
    await this.#tellOfRevocation(agent)

    teller.chapter('Tidied up')
    await this.#step({ method: 'DELETE', path: `/contacts/${contactId}`, key: operator.secret }, 204)
    for (const { key } of [agent, operator])
      await this.#step({ method: 'DELETE', path: `/admin/keys/${key.id}` }, 204)
  }

  async #tellOfApproval(agent: MadeKey): Promise<string> {
    const { teller } = this
    teller.chapter('It adds a contact: that waits for a human, and nothing is there yet')
    const before = await this.#countContacts(agent)
    const { id, location } = await this.#propose(agent, '/contacts', katherine)
    if ((await this.#countContacts(agent)) !== before) teller.refute('the contact is there already')

    teller.chapter('Ada looks at exactly what would run, and approves that: what she saw is what counts')
    await this.#step({ method: 'GET', path: '/admin/approvals?status=pending' }, 200)
    const { body: seen } = await this.#step({ method: 'GET', path: `/admin/approvals/${id}` }, 200)
    const other = { digest: '0'.repeat(64) }
    await this.#approve(id, other, 412, 'digest_mismatch')
    const { body: done } = await this.#approve(id, { digest: field(seen, 'digest') }, 200)
    if (field(done, 'status') !== 'succeeded') teller.refute('the story tells that it has run')
    await this.#approve(id, { digest: field(seen, 'digest') }, 409, 'not_pending')

    teller.chapter('It has run once, and the agent finds what came of it where the 202 said')
    const { body: told } = await this.#step({ method: 'GET', path: location, key: agent.secret }, 200)
    const contact = JSON.parse(String(field(field(told, 'result'), 'text'))) as { readonly id: string }
    await this.#step({ method: 'GET', path: `/contacts/${contact.id}`, key: agent.secret }, 200)
    if ((await this.#countContacts(agent)) !== before + 1) teller.refute('it is not there exactly once')
    return contact.id
  }

  async #tellOfRejection(agent: MadeKey): Promise<void> {
    const { client, teller, receiver } = this
    teller.chapter('It writes to everyone, and waits for the end; Ada says no, and why')
    const call = { method: 'POST', path: '/email/send', body: mail, key: agent.secret }
    teller.noteRequest(client, call)
    const response = await client.open(call)
    const queued = (await response.clone().json()) as { readonly approval_id: string }
    teller.note(`← ${response.status}    pending: it waits with approved(response)`)
    const end = approved(response, { headers: { authorization: `Bearer ${agent.secret}` } })
    const path = `/admin/approvals/${queued.approval_id}/reject`
    const [, ended] = await Promise.all([this.#step({ method: 'POST', path, body: { reason } }, 200), end])
    teller.note(`  approved(response) is ${ended?.status}: ${ended?.reason}`)
    if (ended?.status !== 'rejected' || ended.reason !== reason) teller.refute('the agent was told otherwise')

    const { type, data } = await receiver.next()
    teller.note(`  webhook, signature verified: ${type}: ${data.reason}`)
    teller.note(`  it was about ${data.request?.method} ${data.request?.target} ${data.request?.body}`)
    const isTold = data.approval.id === queued.approval_id && data.reason === reason
    if (!isTold || receiver.refused() > 0) teller.refute('the webhook tells otherwise')
  }

  async #tellOfFullAccess(agent: MadeKey): Promise<MadeKey> {
    const { teller } = this
    teller.chapter(
      "A Full Access key decides, too, over the API's own routes: what others ask for, as Amy has made it",
    )
    await this.#login('amy')
    const operator = await this.#makeKey({ name: 'Operator', mode: 'full' })
    await this.#login('ada')
    const first = await this.#propose(agent, '/email/send', { ...mail, to: 'katherine@acme.example' })
    await this.#decideBy(operator, first.id, 200)

    teller.chapter(
      'But never its own: the agent asks, is made Full Access, and may not decide what it asked for',
    )
    const second = await this.#propose(agent, '/email/send', mail)
    const path = `/admin/keys/${agent.key.id}`
    await this.#edit(path, { mode: 'full' })
    await this.#decideBy(agent, second.id, 403, 'own_request')
    await this.#edit(path, { mode: 'custom', scopes: ['contacts:write-approval', 'email:send-approval'] })
    return operator
  }

  async #tellOfRevocation(agent: MadeKey): Promise<void> {
    const { teller } = this
    teller.chapter('Revoked: what it has waiting is cancelled, and nobody can approve it any more')
    const { id } = await this.#propose(agent, '/contacts', { name: 'Dorothy Vaughan' })
    const path = `/admin/keys/${agent.key.id}/revoke`
    await this.#step({ method: 'POST', path, body: { reason: 'Agent retired' } }, 200)
    const { body } = await this.#step({ method: 'GET', path: `/admin/approvals/${id}` }, 200)
    if (field(body, 'status') !== 'cancelled' || field(body, 'outcome') !== 'key_revoked')
      teller.refute('the story tells that it is cancelled')
    await this.#approve(id, { digest: field(body, 'digest') }, 409, 'not_pending')
    const trail = await this.#step({ method: 'GET', path: `/admin/audit?target_id=${id}` }, 200)
    teller.trail(trail, ['approval.queued', 'approval.cancelled'])
  }

  #step(call: Call, status: number, code?: string): Promise<Answer> {
    return this.teller.step(this.client, call, status, code)
  }

  async #login(user: string): Promise<void> {
    await this.#step({ method: 'POST', path: '/demo/login', body: { user } }, 200)
  }

  async #makeKey(body: object): Promise<MadeKey> {
    return (await this.#step({ method: 'POST', path: '/admin/keys', body }, 201)).body as MadeKey
  }

  async #edit(path: string, body: object): Promise<void> {
    const { etag } = await this.client.send({ method: 'GET', path })
    await this.#step({ method: 'PATCH', path, body, ifMatch: etag ?? '' }, 200)
  }

  /** What the agent sends waits. */
  async #propose({ secret: key }: MadeKey, path: string, body: object) {
    const { body: queued, location } = await this.#step({ method: 'POST', path, body, key }, 202)
    return {
      id: String(field(queued, 'approval_id')),
      location: location ?? this.teller.refute('no location'),
    }
  }

  #approve(id: string, body: object, status: number, code?: string): Promise<Answer> {
    return this.#step({ method: 'POST', path: `/admin/approvals/${id}/approve`, body }, status, code)
  }

  /** A key looks at an approval, and approves what it saw. */
  async #decideBy({ secret: key }: MadeKey, id: string, status: number, code?: string): Promise<void> {
    const { body } = await this.#step({ method: 'GET', path: `/approvals/${id}`, key }, 200)
    const digest = field(body, 'digest')
    await this.#step(
      { method: 'POST', path: `/approvals/${id}/approve`, body: { digest }, key },
      status,
      code,
    )
  }

  /** How many there are of the contact that is proposed. */
  async #countContacts({ secret: key }: MadeKey): Promise<number> {
    const body = { where: { name: katherine.name } }
    const { body: page } = await this.#step({ method: 'POST', path: '/contacts/search', body, key }, 200)
    return (field(page, 'data') as readonly unknown[]).length
  }
}
