import { tellOfHost, type HostSteps } from '../telling/host-story.js'
import { field, type Print, type Teller } from '../telling/teller.js'
import { Transcript, type Fields } from '../telling/transcript.js'
import { tellOfApprovals } from './approval-story.js'
import { tellOfTokens } from './token-story.js'

const transcript = new Transcript({
  widths: { path: 34, caller: 13, body: 110 },
  summaries: [queued, listed, asked, exchanged],
})

function queued({ approval_id, status, permissions }: Fields): unknown {
  return approval_id && { status, permissions }
}

function listed({ approvals }: Fields): unknown {
  return approvals && `${(approvals as readonly unknown[]).length} of them`
}

function asked({
  operation,
  status,
  outcome,
  result_status,
  request,
  result,
  digest,
  reason,
}: Fields): unknown {
  if (!operation || !digest) return undefined
  const sent = field(field(request, 'body'), 'text')
  const came = result_status ? { result_status, result: field(result, 'text') } : {}
  const why = { ...(outcome ? { outcome } : {}), ...(reason ? { reason } : {}) }
  const what = status === 'pending' ? { digest: `${String(digest).slice(0, 8)}…`, sent } : {}
  return `${String(operation)} ${String(status)} ${words({ ...what, ...why, ...came })}`.trimEnd()
}

function exchanged({ access_token, expires_in, scope, token, scopes }: Fields): unknown {
  if (token) return { scopes, actors: field(token, 'actors') }
  return access_token && { access_token, expires_in, scope }
}

function words(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(', ')
}

/**
 * Walks through a key's life, what it is exchanged for, and what waits for a human, against a running host, over HTTP only, and prints request and answer of each step.
 *
 * @returns whether every step went as told
 */
export function tellStory(url: string, print: Print): Promise<boolean> {
  return tellOfHost({ url, print, transcript }, async (teller, steps) => {
    await tellOf(teller, steps)
    await tellOfTokens(teller, steps)
    await tellOfApprovals(steps.client, teller)
  })
}

async function tellOf(teller: Teller, { user, holder, login, make, waitOut }: HostSteps): Promise<void> {
  teller.chapter('Ben, a member of Acme, may not make keys')
  await login('ben')
  const wanted = { name: 'Claude Desktop', scopes: ['contacts:read'] }
  await user.post('/admin/keys', wanted, 403, 'forbidden')

  teller.chapter('Ada, an admin, makes one; its secret is shown this once')
  await login('ada')
  const made = await make(wanted)
  const key = holder(made.secret)
  async function edit(input: object): Promise<void> {
    const { etag } = await user.get(made.path, 200)
    await user.send({ method: 'PATCH', path: made.path, body: input, ifMatch: etag ?? '' }, 200)
  }

  teller.chapter('It reads contacts')
  await key.get('/contacts', 200)

  teller.chapter('Writing takes a rung that it does not hold')
  const contact = { name: 'Grace Hopper', city: 'Arlington' }
  await key.post('/contacts', contact, 403, 'insufficient')

  teller.chapter('Deals are hidden from it: the answer is that of an id nobody knows')
  const hidden = await key.get('/deals', 404, 'not_found')
  const unknown = await key.get('/contacts/nobody', 404, 'not_found')
  if (JSON.stringify(hidden.body) !== JSON.stringify(unknown.body)) teller.refute('the two can be told apart')

  teller.chapter('Ada raises its scopes, and the very next request has them (deals by the name of old)')
  await edit({ scopes: ['contacts:write', 'deals:read'] })
  const grace = await key.post('/contacts', contact, 201)
  await key.get('/deals', 200)

  teller.chapter('The method is not the level: taking one contact away is writing, too')
  await key.send({ method: 'DELETE', path: `/contacts/${field(grace.body, 'id')}` }, 204)
  await key.post('/contacts/bulk-delete', { ids: [] }, 403, 'insufficient')

  teller.chapter(
    'Each key has limits: Ada gives this one two requests in two seconds, and the third has to wait',
  )
  await edit({ limits: [{ name: 'burst', limit: 2, window_seconds: 2 }] })
  await key.get('/contacts', 200)
  await key.get('/contacts', 200)
  await waitOut(await key.get('/contacts', 429, 'limited'))
  await key.get('/contacts', 200)

  teller.chapter(
    'Back to what every key has, with effect on the next request; and what this one was used for',
  )
  await edit({ limits: null })
  for (let i = 0; i < 3; i++) await key.get('/contacts', 200)
  const { body: usage } = await user.get(`${made.path}/usage`, 200)
  if (field(field(usage, 'totals'), 'limited') !== 1) teller.refute('its one 429 was not counted')
  await user.get(`${made.path}/advice`, 200)

  teller.chapter('Rotation: for the grace period both secrets work')
  const rotated = await user.post(`${made.path}/rotate`, { grace_seconds: 300 }, 200)
  const renewed = holder(String(field(rotated.body, 'secret')))
  await key.get('/contacts', 200)
  await renewed.get('/contacts', 200)

  teller.chapter('Revoked: at once, both of them')
  await user.post(`${made.path}/revoke`, { reason: 'Laptop lost' }, 200)
  await key.get('/contacts', 401, 'key_revoked')
  await renewed.get('/contacts', 401, 'key_revoked')

  teller.chapter('Found again: activated')
  await user.post(`${made.path}/activate`, {}, 200)
  await renewed.get('/contacts', 200)

  teller.chapter('Deleted: nobody knows it any more')
  await user.send({ method: 'DELETE', path: made.path }, 204)
  await renewed.get('/contacts', 401, 'credential_invalid')

  teller.chapter('What stays is the audit trail')
  const trail = await user.get(`/admin/audit?target_id=${made.id}`, 200)
  const told = ['created', 'edited', 'edited', 'edited', 'rotated', 'revoked', 'activated', 'deleted']
  teller.trail(
    trail,
    told.map((what) => `key.${what}`),
  )
}
