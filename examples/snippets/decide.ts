import { catalog } from './catalog.js'

//#region hooks
import { createKeyrung, memoryStore } from 'keyrung'

const plans = new Map([['ws_1', { access: true, maxKeys: 3 }]])
const members = new Map([['ada', 'admin' as const]])

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
  entitlements: { of: (workspaceId) => plans.get(workspaceId) ?? null },
  directory: {
    rightsOf: (userId) => {
      const role = members.get(userId)
      return role === undefined ? null : { role, scopes: 'full' }
    },
  },
})
//#endregion hooks

const admin = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const
const { secret } = await keyrung.keys.create(admin, {
  name: 'Assistant',
  scopes: ['contacts:write-approval', 'email:send'],
})

//#region decide
const known = await keyrung.authenticate(secret, { ip: '192.0.2.7' })
if (!known.ok) throw new Error(known.code) // credential_invalid, key_revoked, …

const decision = await keyrung.authorize(known.principal, ['contacts:write', 'email:send'])
if (decision.effect === 'allow') console.log('go on')
else if (decision.effect === 'approval') console.log('a human has to approve', decision.queued)
else console.log('refused', decision.code, decision.scopes)

if (await keyrung.can(known.principal, 'email:send')) console.log('no human is needed')
//#endregion decide

//#region explain
const explanation = await keyrung.explain(known.principal, 'contacts:delete')
console.log(explanation.decision.effect, explanation.decidedBy, explanation.enough)
//#endregion explain

//#region access
const access = await keyrung.access(known.principal)
if (access.ok) console.log(access.allowed, access.queued)
//#endregion access

//#region changed
plans.delete('ws_1') // the workspace loses its plan in the host's own tables, and then:
await keyrung.changed({ workspaceId: 'ws_1' })
const afterwards = await keyrung.authorize(known.principal, 'email:send')
//#endregion changed

/** What came of it. */
export const outcome = { decision, explanation, access, afterwards }
await keyrung.close()
