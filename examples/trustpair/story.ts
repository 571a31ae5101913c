import { tellOfHost, type HostSteps, type MadeKey } from '../telling/host-story.js'
import { field, type Print, type Teller } from '../telling/teller.js'
import { offered, transcript } from './transcript.js'

/**
 * Walks through a token's life against a running host, over HTTP only, and prints request and answer of each step.
 *
 * @returns whether every step went as told
 */
export function tellStory(url: string, print: Print): Promise<boolean> {
  return tellOfHost({ url, print, transcript }, tellOf)
}

async function tellOf(teller: Teller, { user, holder, login, make, waitOut }: HostSteps): Promise<void> {
  /** What the demo's back office does when a workspace buys or cancels a module. */
  async function subscribe(modules: readonly string[]): Promise<void> {
    const { body } = await user.post('/demo/subscription', { modules }, 200)
    const hasPayments = offered(field(body, 'offer')).includes('Payment Check')
    if (hasPayments !== modules.includes('m3')) teller.refute('the story tells another offer')
  }
  async function used({ path }: MadeKey, told: Readonly<Record<string, number>>): Promise<void> {
    const { body } = await user.get(`${path}/usage`, 200)
    for (const [outcome, calls] of Object.entries(told))
      if (field(field(body, 'totals'), outcome) !== calls)
        teller.refute(`the story tells ${calls} ${outcome}`)
  }

  teller.chapter('Milo, a member of Meridian, may not make tokens')
  await login('milo')
  const erp = ['company_account_checks:read', 'company_account_audits:read', 'cases:write']
  await user.post('/admin/keys', { name: 'ERP', scopes: erp }, 403, 'forbidden')

  teller.chapter(
    'Mara, an admin, sees what the subscription offers: M1 and M2, and what comes with every one',
  )
  await login('mara')
  await subscribe(['m1', 'm2'])

  teller.chapter('She makes a token; its secret is shown this once, afterwards only the last characters')
  const token = await make({ name: 'ERP', scopes: erp })
  const program = holder(token.secret)
  const shown = await user.get(token.path, 200)
  if (JSON.stringify(shown.body).includes(token.secret.slice(-8))) teller.refute('the secret is shown again')

  teller.chapter('It reads vendor verifications, and opens a case')
  await program.get('/company_account_checks', 200)
  await program.get('/company_account_checks/recents?limit=5', 200)
  await program.post('/cases', { vendor: 'Hartmann Papier', question: 'New IBAN' }, 201)

  teller.chapter('Writing takes a level that it does not hold; the answer says which scope would do')
  const check = { vendor: 'Hartmann Papier', iban: 'DE02120300000000202051' }
  const short = await program.post('/company_account_checks', check, 403, 'insufficient')
  if (String(field(field(short.body, 'missing'), 'scopes')) !== 'company_account_checks:write') {
    teller.refute('the story tells company_account_checks:write')
  }
  await program.get('/tags', 403, 'hidden')

  teller.chapter('Users can be read only, so there is no such scope to write them')
  await user.post('/admin/keys', { name: 'HR', scopes: ['users:write'] }, 422, 'input_invalid')

  teller.chapter('Payment checks come with M3, which Meridian does not have: nobody there can hand them out')
  const payments = ['payment_checks:write']
  await user.post('/admin/keys', { name: 'Payments', scopes: payments }, 403, 'beyond_own_rights')

  teller.chapter('Tokens are made by people: a token makes and shows none, whatever it holds')
  await program.post('/admin/keys', { name: 'Child', scopes: ['cases:read'] }, 403, 'forbidden')
  await program.get('/admin/keys', 403, 'forbidden')

  teller.chapter('A token is never edited, rotated or deleted')
  await user.send({ method: 'PATCH', path: token.path, body: { name: 'ERP 2' } }, 403, 'operation_disabled')
  await user.post(`${token.path}/rotate`, {}, 403, 'operation_disabled')
  await user.send({ method: 'DELETE', path: token.path }, 403, 'operation_disabled')

  teller.chapter(
    'Every token has limits; Mara makes one with a narrower one of its own, two requests in two seconds',
  )
  await user.get('/admin/limits', 200)
  const limits = [{ name: 'burst', limit: 2, window_seconds: 2 }]
  const limited = await make({ name: 'Nightly', scopes: ['cases:read'], limits })
  const nightly = holder(limited.secret)
  await nightly.get('/cases', 200)
  await nightly.get('/cases', 200)

  teller.chapter('The third request has to wait: nobody can raise what a token was made with')
  const over = await nightly.get('/cases', 429, 'limited')
  await user.send({ method: 'PATCH', path: limited.path, body: { limits: null } }, 403, 'operation_disabled')
  await waitOut(over)
  await nightly.get('/cases', 200)

  teller.chapter('Meridian buys M3: it is offered at once, and what is made of it works')
  await subscribe(['m1', 'm2', 'm3'])
  const bought = await make({ name: 'Payments', scopes: payments })
  const paying = holder(bought.secret)
  const payment = { iban: check.iban, amount: '1240.50', currency: 'EUR' }
  await paying.post('/payment_checks', payment, 201)

  teller.chapter(
    'It cancels M3: the next request is refused, as the token holds what is no longer subscribed',
  )
  await subscribe(['m1', 'm2'])
  await paying.get('/payment_checks/recents', 403, 'not_entitled')
  await program.get('/company_account_checks', 200)

  teller.chapter('It buys M3 again: the next request works, with the same token')
  await subscribe(['m1', 'm2', 'm3'])
  await paying.get('/payment_checks/recents', 200)
  await subscribe(['m1', 'm2'])

  teller.chapter('Revoked: at once, for good, and still listed for audit')
  await user.post(`${token.path}/revoke`, { reason: 'ERP replaced' }, 200)
  await program.get('/company_account_checks', 401, 'key_revoked')
  await user.post(`${token.path}/activate`, {}, 403, 'operation_disabled')
  await user.post(`${bought.path}/revoke`, { reason: 'M3 cancelled' }, 200)
  const { body: list } = await user.get(`/admin/keys?status=revoked&text=${token.secret.slice(-4)}`, 200)
  if (!JSON.stringify(list).includes(token.id)) teller.refute('the token is not listed')

  teller.chapter(
    'What it was used for is kept for audit as well; what it never used, its successor can do without',
  )
  await used(token, { allow: 4, deny: 2, limited: 0 })
  await used(limited, { allow: 3, deny: 0, limited: 1 })
  const advice = await user.get(`${token.path}/advice`, 200)
  if (String(field(advice.body, 'unused')) !== erp[1]) teller.refute(`the story tells ${erp[1]}`)
  await user.get('/usage', 200)

  teller.chapter('Tove, an admin of another workspace, knows of none of it')
  await login('tove')
  await user.get(token.path, 404, 'not_found')

  teller.chapter('What stays is the audit trail')
  await login('mara')
  const trail = await user.get(`/admin/audit?target_id=${token.id}`, 200)
  teller.trail(trail, ['key.created', 'key.revoked'])
}
