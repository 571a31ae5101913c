import { Client, type Answer, type Call } from './client.js'
import { answerLine, offered, requestLine, type Print } from './transcript.js'

/** What the story reads out of answers. */
interface MadeToken {
  readonly key: { readonly id: string }
  readonly secret: string
}

/** Thrown where a step is not as told; the transcript has said what it was. */
class StoryBroken extends Error {}

/**
 * Walks through a token's life against a running host, over HTTP only, and prints request and answer of each step.
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
  const login = (user: string) => step({ method: 'POST', path: '/demo/login', body: { user } }, 200)
  const get = (path: string, status: number, code?: string, token?: string) =>
    step({ method: 'GET', path, token }, status, code)
  const post = (path: string, body: unknown, status: number, code?: string, token?: string) =>
    step({ method: 'POST', path, body, token }, status, code)

  async function make(name: string, scopes: readonly string[]): Promise<MadeToken> {
    const made = (await post('/admin/keys', { name, scopes }, 201)).body as MadeToken
    if (!made.secret) refute('the story tells a secret')
    return made
  }
  /** What the demo's back office does when a workspace buys or cancels a module. */
  async function subscribe(modules: readonly string[]): Promise<void> {
    const { body } = await post('/demo/subscription', { modules }, 200)
    const hasPayments = offered(field(body, 'offer')).includes('Payment Check')
    if (hasPayments !== modules.includes('m3')) refute('the story tells another offer')
  }

  chapter('Milo, a member of Meridian, may not make tokens')
  await login('milo')
  const erp = ['company_account_checks:read', 'company_account_audits:read', 'cases:write']
  await post('/admin/keys', { name: 'ERP', scopes: erp }, 403, 'forbidden')

  chapter('Mara, an admin, sees what the subscription offers: M1 and M2, and what comes with every one')
  await login('mara')
  await subscribe(['m1', 'm2'])

  chapter('She makes a token; its secret is shown this once, afterwards only the last characters')
  const { key, secret } = await make('ERP', erp)
  const tokenPath = `/admin/keys/${key.id}`
  const shown = await get(tokenPath, 200)
  if (JSON.stringify(shown.body).includes(secret.slice(-8))) refute('the secret is shown again')

  chapter('It reads vendor verifications, and opens a case')
  await get('/company_account_checks', 200, undefined, secret)
  await get('/company_account_checks/recents?limit=5', 200, undefined, secret)
  await post('/cases', { vendor: 'Hartmann Papier', question: 'New IBAN' }, 201, undefined, secret)

  chapter('Writing takes a level that it does not hold; the answer says which scope would do')
  const check = { vendor: 'Hartmann Papier', iban: 'DE02120300000000202051' }
  const short = await post('/company_account_checks', check, 403, 'insufficient', secret)
  if (String(field(field(short.body, 'missing'), 'scopes')) !== 'company_account_checks:write') {
    refute('the story tells company_account_checks:write')
  }
  await get('/tags', 403, 'hidden', secret)

  chapter('Users can be read only, so there is no such scope to write them')
  await post('/admin/keys', { name: 'HR', scopes: ['users:write'] }, 422, 'input_invalid')

  chapter('Payment checks come with M3, which Meridian does not have: nobody there can hand them out')
  const payments = ['payment_checks:write']
  await post('/admin/keys', { name: 'Payments', scopes: payments }, 403, 'beyond_own_rights')

  chapter('Tokens are made by people: a token makes and shows none, whatever it holds')
  await post('/admin/keys', { name: 'Child', scopes: ['cases:read'] }, 403, 'forbidden', secret)
  await get('/admin/keys', 403, 'forbidden', secret)

  chapter('A token is never edited, rotated or deleted')
  await step({ method: 'PATCH', path: tokenPath, body: { name: 'ERP 2' } }, 403, 'operation_disabled')
  await post(`${tokenPath}/rotate`, {}, 403, 'operation_disabled')
  await step({ method: 'DELETE', path: tokenPath }, 403, 'operation_disabled')

  chapter('Meridian buys M3: it is offered at once, and what is made of it works')
  await subscribe(['m1', 'm2', 'm3'])
  const paying = await make('Payments', payments)
  const payment = { iban: check.iban, amount: '1240.50', currency: 'EUR' }
  await post('/payment_checks', payment, 201, undefined, paying.secret)

  chapter('It cancels M3: the next request is refused, as the token holds what is no longer subscribed')
  await subscribe(['m1', 'm2'])
  await get('/payment_checks/recents', 403, 'not_entitled', paying.secret)
  await get('/company_account_checks', 200, undefined, secret)

  chapter('It buys M3 again: the next request works, with the same token')
  await subscribe(['m1', 'm2', 'm3'])
  await get('/payment_checks/recents', 200, undefined, paying.secret)
  await subscribe(['m1', 'm2'])

  chapter('Revoked: at once, for good, and still listed for audit')
  await post(`${tokenPath}/revoke`, { reason: 'ERP replaced' }, 200)
  await get('/company_account_checks', 401, 'key_revoked', secret)
  await post(`${tokenPath}/activate`, {}, 403, 'operation_disabled')
  await post(`/admin/keys/${paying.key.id}/revoke`, { reason: 'M3 cancelled' }, 200)
  const { body: list } = await get(`/admin/keys?status=revoked&text=${secret.slice(-4)}`, 200)
  if (!JSON.stringify(list).includes(key.id)) refute('the token is not listed')

  chapter('Tove, an admin of another workspace, knows of none of it')
  await login('tove')
  await get(tokenPath, 404, 'not_found')

  chapter('What stays is the audit trail')
  await login('mara')
  const trail = await get(`/admin/audit?target_id=${key.id}`, 200)
  const events = (field(trail.body, 'events') as readonly unknown[]).toReversed()
  for (const event of events) {
    const [at, actor, action] = ['at', 'actor', 'action'].map((name) => String(field(event, name)))
    print(`     ${at}  ${actor!.padEnd(10)} ${action!.padEnd(12)} ${field(event, 'reason') ?? ''}`.trimEnd())
  }
  const actions = events.map((event) => field(event, 'action')).join()
  if (actions !== 'key.created,key.revoked') refute('the story tells key.created, key.revoked')
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
