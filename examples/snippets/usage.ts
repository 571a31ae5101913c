import { catalog } from './catalog.js'

//#region options
import { createKeyrung, memoryStore } from 'keyrung'

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
  usage: { retentionDays: 90 }, // the default; 0: as long as the key is there; `usage: false`: nothing is counted
})
//#endregion options

const actor = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const
const { key, secret } = await keyrung.keys.create(actor, {
  name: 'Nightly',
  scopes: ['contacts:delete', 'email:send'],
})
for (const permission of ['contacts:read', 'contacts:write', 'contacts:write'] as const) {
  await keyrung.admit({ authorization: [`Bearer ${secret}`] }, keyrung.demand(permission))
}
await keyrung.tick()

//#region usage
const { totals, days, rows } = await keyrung.keys.usage(actor, key.id) // the last 30 days, or { from, to }
console.log(totals) // { allow: 3, approval: 0, deny: 0, limited: 0 }
for (const { day, allow, limited } of days) console.log(day, allow, limited) // 2026-11-22 3 0
for (const { day, permission, outcome, calls } of rows) console.log(day, permission, outcome, calls)

const all = await keyrung.usage(actor) // the same of all keys of the actor's workspace together
//#endregion usage

//#region advise
const advice = await keyrung.keys.advise(actor, key.id, { days: 30 })
console.log(advice.scopes, advice.unused) // ['contacts:write'] ['email:send']
console.log(advice.diff.denied) // what following it would take away

const { scopes, version } = advice
await keyrung.keys.edit(actor, key.id, { scopes }, { version })
//#endregion advise

/** What came of it. */
export const outcome = {
  ...{ totals, days: days.length, rows: rows.length, all: all.totals },
  ...{ scopes, unused: advice.unused, left: (await keyrung.keys.get(actor, key.id)).scopes },
}
await keyrung.close()
