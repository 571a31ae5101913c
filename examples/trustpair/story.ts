import { Client, type Answer, type Call } from '../telling/client.js'
import { field, tell, Teller, type Print } from '../telling/teller.js'
import { offered, transcript } from './transcript.js'

/** What the story reads out of answers. */
interface MadeToken {
  readonly key: { readonly id: string }
  readonly secret: string
}

/**
 * Walks through a token's life against a running host, over HTTP only, and prints request and answer of each step.
 *
 * @returns whether every step went as told
 */
export function tellStory(url: string, print: Print): Promise<boolean> {
  return tell(new Teller(print, transcript), (teller) => tellOf(new Client(url), teller))
}

async function tellOf(client: Client, teller: Teller): Promise<void> {
  const step = (call: Call, status: number, code?: string): Promise<Answer> =>
    teller.step(client, call, status, code)
  const login = (user: string) => step({ method: 'POST', path: '/demo/login', body: { user } }, 200)
  const get = (path: string, status: number, code?: string, token?: string) =>
    step({ method: 'GET', path, key: token }, status, code)
  const post = (path: string, body: unknown, status: number, code?: string, token?: string) =>
    step({ method: 'POST', path, body, key: token }, status, code)

  async function make(name: string, scopes: readonly string[]): Promise<MadeToken> {
    const made = (await post('/admin/keys', { name, scopes }, 201)).body as MadeToken
    if (!made.secret) teller.refute('the story tells a secret')
    return made
  }
  /** What the demo's back office does when a workspace buys or cancels a module. */
  async function subscribe(modules: readonly string[]): Promise<void> {
    const { body } = await post('/demo/subscription', { modules }, 200)
    const hasPayments = offered(field(body, 'offer')).includes('Payment Check')
    if (hasPayments !== modules.includes('m3')) teller.refute('the story tells another offer')
  }

  teller.chapter('Milo, a member of Meridian, may not make tokens')
  await login('milo')
  const erp = ['company_account_checks:read', 'company_account_audits:read', 'cases:write']
  await post('/admin/keys', { name: 'ERP', scopes: erp }, 403, 'forbidden')

  teller.chapter(
    'Mara, an admin, sees what the subscription offers: M1 and M2, and what comes with every one',
  )
  await login('mara')
  await subscribe(['m1', 'm2'])

  teller.chapter('She makes a token; its secret is shown this once, afterwards only the last characters')
  const { key, secret } = await make('ERP', erp)
  const tokenPath = `/admin/keys/${key.id}`
  const shown = await get(tokenPath, 200)
  if (JSON.stringify(shown.body).includes(secret.slice(-8))) teller.refute('the secret is shown again')

  teller.chapter('It reads vendor verifications, and opens a case')
  await get('/company_account_checks', 200, undefined, secret)
  await get('/company_account_checks/recents?limit=5', 200, undefined, secret)
  await post('/cases', { vendor: 'Hartmann Papier', question: 'New IBAN' }, 201, undefined, secret)

  teller.chapter('Writing takes a level that it does not hold; the answer says which scope would do')
  const check = { vendor: 'Hartmann Papier', iban: 'DE02120300000000202051' }
  const short = await post('/company_account_checks', check, 403, 'insufficient', secret)
  if (String(field(field(short.body, 'missing'), 'scopes')) !== 'company_account_checks:write') {
    teller.refute('the story tells company_account_checks:write')
  }
  await get('/tags', 403, 'hidden', secret)

  teller.chapter('Users can be read only, so there is no such scope to write them')
  await post('/admin/keys', { name: 'HR', scopes: ['users:write'] }, 422, 'input_invalid')

  teller.chapter('Payment checks come with M3, which Meridian does not have: nobody there can hand them out')
  const payments = ['payment_checks:write']
  await post('/admin/keys', { name: 'Payments', scopes: payments }, 403, 'beyond_own_rights')

  teller.chapter('Tokens are made by people: a token makes and shows none, whatever it holds')
  await post('/admin/keys', { name: 'Child', scopes: ['cases:read'] }, 403, 'forbidden', secret)
  await get('/admin/keys', 403, 'forbidden', secret)

  teller.chapter('A token is never edited, rotated or deleted')
  await step({ method: 'PATCH', path: tokenPath, body: { name: 'ERP 2' } }, 403, 'operation_disabled')
  await post(`${tokenPath}/rotate`, {}, 403, 'operation_disabled')
  await step({ method: 'DELETE', path: tokenPath }, 403, 'operation_disabled')

  teller.chapter('Meridian buys M3: it is offered at once, and what is made of it works')
  await subscribe(['m1', 'm2', 'm3'])
  const paying = await make('Payments', payments)
  const payment = { iban: check.iban, amount: '1240.50', currency: 'EUR' }
  await post('/payment_checks', payment, 201, undefined, paying.secret)

  teller.chapter(
    'It cancels M3: the next request is refused, as the token holds what is no longer subscribed',
  )
  await subscribe(['m1', 'm2'])
  await get('/payment_checks/recents', 403, 'not_entitled', paying.secret)
  await get('/company_account_checks', 200, undefined, secret)

  teller.chapter('It buys M3 again: the next request works, with the same token')
  await subscribe(['m1', 'm2', 'm3'])
  await get('/payment_checks/recents', 200, undefined, paying.secret)
  await subscribe(['m1', 'm2'])

  teller.chapter('Revoked: at once, for good, and still listed for audit')
  await post(`${tokenPath}/revoke`, { reason: 'ERP replaced' }, 200)
  await get('/company_account_checks', 401, 'key_revoked', secret)
  await post(`${tokenPath}/activate`, {}, 403, 'operation_disabled')
  await post(`/admin/keys/${paying.key.id}/revoke`, { reason: 'M3 cancelled' }, 200)
  const { body: list } = await get(`/admin/keys?status=revoked&text=${secret.slice(-4)}`, 200)
  if (!JSON.stringify(list).includes(key.id)) teller.refute('the token is not listed')

  teller.chapter('Tove, an admin of another workspace, knows of none of it')
  await login('tove')
  await get(tokenPath, 404, 'not_found')

  teller.chapter('What stays is the audit trail')
  await login('mara')
  const trail = await get(`/admin/audit?target_id=${key.id}`, 200)
  teller.trail(trail, ['key.created', 'key.revoked'])
}
