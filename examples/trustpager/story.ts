import { Client, type Answer, type Call } from './client.js'
import { answerLine, requestLine, type Print } from './transcript.js'

/** What the story reads out of answers. */
interface KeyAnswer {
  readonly key: { readonly id: string }
  readonly secret: string
}

/** Thrown where a step is not as told; the transcript has said what it was. */
class StoryBroken extends Error {}

/**
 * Walks through a key's life against a running host, over HTTP only, and prints request and answer of each step.
 *
 * @returns whether every step went as told
 */
export async function tellStory(url: string, print: Print): Promise<boolean> {
  try {
    await tell(new Client(url), print)
    return true
  } catch (error) {
    if (!(error instanceof StoryBroken)) print(`   ✗ ${String(error)}`)
    return false
  }
}

async function tell(client: Client, print: Print): Promise<void> {
  let count = 0
  const chapter = (title: string): void => print(`\n${String(++count).padStart(2)} ${title}`)

  async function step(call: Call, status: number, code?: string): Promise<Answer> {
    print(requestLine(call, client.user))
    const answer = await client.send(call)
    print(answerLine(answer))
    if (answer.status !== status) refute(`the story tells ${status}`)
    if (code !== undefined && field(answer.body, 'code') !== code) refute(`the story tells the code ${code}`)
    return answer
  }
  function refute(why: string): never {
    print(`   ✗ ${why}`)
    throw new StoryBroken(why)
  }
  const read = (key: string, path: string, status: number, code?: string): Promise<Answer> =>
    step({ method: 'GET', path, key }, status, code)

  chapter('Ben, a member of Acme, may not make keys')
  await step({ method: 'POST', path: '/demo/login', body: { user: 'ben' } }, 200)
  const wanted = { name: 'Claude Desktop', scopes: ['contacts:read'] }
  await step({ method: 'POST', path: '/admin/keys', body: wanted }, 403, 'forbidden')

  chapter('Ada, an admin, makes one; its secret is shown this once')
  await step({ method: 'POST', path: '/demo/login', body: { user: 'ada' } }, 200)
  const made = (await step({ method: 'POST', path: '/admin/keys', body: wanted }, 201)).body as KeyAnswer
  const { secret } = made
  const keyPath = `/admin/keys/${made.key.id}`

  chapter('It reads contacts')
  await read(secret, '/contacts', 200)

  chapter('Writing takes a rung that it does not hold')
  const contact = { name: 'Grace Hopper', city: 'Arlington' }
  await step({ method: 'POST', path: '/contacts', body: contact, key: secret }, 403, 'insufficient')

  chapter('Deals are hidden from it: the answer is that of an id nobody knows')
  const hidden = await read(secret, '/deals', 404, 'not_found')
  const unknown = await read(secret, '/contacts/nobody', 404, 'not_found')
  if (JSON.stringify(hidden.body) !== JSON.stringify(unknown.body)) refute('the two can be told apart')

  chapter('Ada raises its scopes, and the very next request has them (deals by the name of old)')
  const { etag } = await step({ method: 'GET', path: keyPath }, 200)
  const edit = { scopes: ['contacts:write', 'deals:read'] }
  await step({ method: 'PATCH', path: keyPath, body: edit, ifMatch: etag ?? '' }, 200)
  const grace = await step({ method: 'POST', path: '/contacts', body: contact, key: secret }, 201)
  await read(secret, '/deals', 200)

  chapter('The method is not the level: taking one contact away is writing, too')
  await step({ method: 'DELETE', path: `/contacts/${field(grace.body, 'id')}`, key: secret }, 204)
  const many = { method: 'POST', path: '/contacts/bulk-delete', body: { ids: [] }, key: secret }
  await step(many, 403, 'insufficient')

  chapter('Rotation: for the grace period both secrets work')
  const rotate = { method: 'POST', path: `${keyPath}/rotate`, body: { grace_seconds: 300 } }
  const renewed = ((await step(rotate, 200)).body as KeyAnswer).secret
  await read(secret, '/contacts', 200)
  await read(renewed, '/contacts', 200)

  chapter('Revoked: at once, both of them')
  await step({ method: 'POST', path: `${keyPath}/revoke`, body: { reason: 'Laptop lost' } }, 200)
  await read(secret, '/contacts', 401, 'key_revoked')
  await read(renewed, '/contacts', 401, 'key_revoked')

  chapter('Found again: activated')
  await step({ method: 'POST', path: `${keyPath}/activate`, body: {} }, 200)
  await read(renewed, '/contacts', 200)

  chapter('Deleted: nobody knows it any more')
  await step({ method: 'DELETE', path: keyPath }, 204)
  await read(renewed, '/contacts', 401, 'credential_invalid')

  chapter('What stays is the audit trail')
  const trail = await step({ method: 'GET', path: `/admin/audit?target_id=${made.key.id}` }, 200)
  const events = (field(trail.body, 'events') as readonly unknown[]).toReversed()
  for (const event of events) {
    const [at, actor, action] = ['at', 'actor', 'action'].map((name) => String(field(event, name)))
    print(`     ${at}  ${actor!.padEnd(10)} ${action!.padEnd(14)} ${field(event, 'reason') ?? ''}`.trimEnd())
  }
  const told = ['created', 'edited', 'rotated', 'revoked', 'activated', 'deleted'].map(
    (what) => `key.${what}`,
  )
  if (events.map((event) => field(event, 'action')).join() !== told.join()) refute(`the story tells ${told}`)
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
