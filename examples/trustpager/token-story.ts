import type { HostSteps } from '../telling/host-story.js'
import { field, type Teller } from '../telling/teller.js'

/** Tells how an agent hands part of its key on: an admin is logged in already. */
export async function tellOfTokens(teller: Teller, { user, holder, make }: HostSteps): Promise<void> {
  teller.chapter('An agent exchanges its key for a token that can only read, for a minute, for a sub-agent')
  const made = await make({ name: 'Planner', scopes: ['contacts:write', 'deals:read'] })
  const agent = holder(made.secret)
  async function exchange(by: typeof agent, wish: object): Promise<string> {
    const { body } = await by.post('/admin/tokens', wish, 201)
    return String(field(body, 'access_token'))
  }
  const wish = { scopes: ['contacts:read'], lifetime_seconds: 60, actor: 'researcher' }
  const researcher = holder(await exchange(agent, wish))
  await researcher.get('/contacts', 200)

  teller.chapter('It can neither write, nor see what it was not given, though its key can')
  await researcher.post('/contacts', { name: 'Mary Jackson' }, 403, 'insufficient')
  await researcher.get('/deals', 404, 'not_found')

  teller.chapter('It can hand on what it has, and no more: the chain of who acts grows')
  await researcher.post('/admin/tokens', { scopes: ['contacts:write'] }, 403, 'beyond_own_rights')
  const helper = holder(await exchange(researcher, { actor: 'summarizer' }))
  const { body: me } = await helper.get('/admin/me', 200)
  const actors = field(field(me, 'token'), 'actors')
  if (JSON.stringify(actors) !== '["summarizer","researcher"]') teller.refute('the chain is another')

  teller.chapter('Revoked: with the key all its tokens end, at once')
  await user.post(`${made.path}/revoke`, { reason: 'Planner retired' }, 200)
  for (const caller of [agent, researcher, helper]) await caller.get('/contacts', 401, 'key_revoked')
  await user.send({ method: 'DELETE', path: made.path }, 204)
}
