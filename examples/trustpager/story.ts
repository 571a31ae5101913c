import { Client, type Answer, type Call } from '../telling/client.js'
import { field, tell, Teller, type Print } from '../telling/teller.js'
import { Transcript } from '../telling/transcript.js'

/** What the story reads out of answers. */
interface KeyAnswer {
  readonly key: { readonly id: string }
  readonly secret: string
}

const transcript = new Transcript({ widths: { path: 31, caller: 13, body: 110 } })

/**
 * Walks through a key's life against a running host, over HTTP only, and prints request and answer of each step.
 *
 * @returns whether every step went as told
 */
export function tellStory(url: string, print: Print): Promise<boolean> {
  return tell(new Teller(print, transcript), (teller) => tellOf(new Client(url), teller))
}

async function tellOf(client: Client, teller: Teller): Promise<void> {
  const step = (call: Call, status: number, code?: string): Promise<Answer> =>
    teller.step(client, call, status, code)
  const read = (key: string, path: string, status: number, code?: string): Promise<Answer> =>
    step({ method: 'GET', path, key }, status, code)

  teller.chapter('Ben, a member of Acme, may not make keys')
  await step({ method: 'POST', path: '/demo/login', body: { user: 'ben' } }, 200)
  const wanted = { name: 'Claude Desktop', scopes: ['contacts:read'] }
  await step({ method: 'POST', path: '/admin/keys', body: wanted }, 403, 'forbidden')

  teller.chapter('Ada, an admin, makes one; its secret is shown this once')
  await step({ method: 'POST', path: '/demo/login', body: { user: 'ada' } }, 200)
  const made = (await step({ method: 'POST', path: '/admin/keys', body: wanted }, 201)).body as KeyAnswer
  const { secret } = made
  const keyPath = `/admin/keys/${made.key.id}`

  teller.chapter('It reads contacts')
  await read(secret, '/contacts', 200)

  teller.chapter('Writing takes a rung that it does not hold')
  const contact = { name: 'Grace Hopper', city: 'Arlington' }
  await step({ method: 'POST', path: '/contacts', body: contact, key: secret }, 403, 'insufficient')

  teller.chapter('Deals are hidden from it: the answer is that of an id nobody knows')
  const hidden = await read(secret, '/deals', 404, 'not_found')
  const unknown = await read(secret, '/contacts/nobody', 404, 'not_found')
  if (JSON.stringify(hidden.body) !== JSON.stringify(unknown.body)) teller.refute('the two can be told apart')

  teller.chapter('Ada raises its scopes, and the very next request has them (deals by the name of old)')
  const { etag } = await step({ method: 'GET', path: keyPath }, 200)
  const edit = { scopes: ['contacts:write', 'deals:read'] }
  await step({ method: 'PATCH', path: keyPath, body: edit, ifMatch: etag ?? '' }, 200)
  const grace = await step({ method: 'POST', path: '/contacts', body: contact, key: secret }, 201)
  await read(secret, '/deals', 200)

  teller.chapter('The method is not the level: taking one contact away is writing, too')
  await step({ method: 'DELETE', path: `/contacts/${field(grace.body, 'id')}`, key: secret }, 204)
  const many = { method: 'POST', path: '/contacts/bulk-delete', body: { ids: [] }, key: secret }
  await step(many, 403, 'insufficient')

  teller.chapter(
    'Each key has limits: Ada gives this one two requests in two seconds, and the third has to wait',
  )
  const setLimits = async (limits: readonly object[] | null): Promise<void> => {
    const { etag } = await step({ method: 'GET', path: keyPath }, 200)
    await step({ method: 'PATCH', path: keyPath, body: { limits }, ifMatch: etag ?? '' }, 200)
  }
  await setLimits([{ name: 'burst', limit: 2, window_seconds: 2 }])
  await read(secret, '/contacts', 200)
  await read(secret, '/contacts', 200)
  const over = await read(secret, '/contacts', 429, 'limited')
  const { retryAfter } = over
  if (retryAfter === null || retryAfter < 1 || retryAfter > 3) teller.refute('it does not say for how long')
  await new Promise((resolve) => setTimeout(resolve, retryAfter * 1_000))
  await read(secret, '/contacts', 200)

  teller.chapter(
    'Back to what every key has, with effect on the next request; and what this one was used for',
  )
  await setLimits(null)
  for (let i = 0; i < 3; i++) await read(secret, '/contacts', 200)
  const { body: usage } = await step({ method: 'GET', path: `${keyPath}/usage` }, 200)
  if (field(field(usage, 'totals'), 'limited') !== 1) teller.refute('its one 429 was not counted')
  await step({ method: 'GET', path: `${keyPath}/advice` }, 200)

  teller.chapter('Rotation: for the grace period both secrets work')
  const rotate = { method: 'POST', path: `${keyPath}/rotate`, body: { grace_seconds: 300 } }
  const renewed = ((await step(rotate, 200)).body as KeyAnswer).secret
  await read(secret, '/contacts', 200)
  await read(renewed, '/contacts', 200)

  teller.chapter('Revoked: at once, both of them')
  await step({ method: 'POST', path: `${keyPath}/revoke`, body: { reason: 'Laptop lost' } }, 200)
  await read(secret, '/contacts', 401, 'key_revoked')
  await read(renewed, '/contacts', 401, 'key_revoked')

  teller.chapter('Found again: activated')
  await step({ method: 'POST', path: `${keyPath}/activate`, body: {} }, 200)
  await read(renewed, '/contacts', 200)

  teller.chapter('Deleted: nobody knows it any more')
  await step({ method: 'DELETE', path: keyPath }, 204)
  await read(renewed, '/contacts', 401, 'credential_invalid')

  teller.chapter('What stays is the audit trail')
  const trail = await step({ method: 'GET', path: `/admin/audit?target_id=${made.key.id}` }, 200)
  const told = ['created', 'edited', 'edited', 'edited', 'rotated', 'revoked', 'activated', 'deleted']
  teller.trail(
    trail,
    told.map((what) => `key.${what}`),
  )
}
