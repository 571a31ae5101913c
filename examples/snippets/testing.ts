import { catalog } from './catalog.js'

//#region clock
import { createKeyrung, memoryStore } from 'keyrung'
import { failingStore, manualClock } from 'keyrung/testing'

const clock = manualClock() // stands still at 2026-01-01 until it is moved
const failing = failingStore(memoryStore({ clock }))
const keyrung = createKeyrung({
  catalog,
  store: failing.store,
  clock,
  secret: 'only for tests, but long enough for one',
  keys: { prefix: 'acme' },
  notify: () => undefined,
})
//#endregion clock

//#region expiry
const actor = { type: 'system', name: 'test', workspaceId: 'ws_1' } as const
const { secret } = await keyrung.keys.create(actor, {
  name: 'Short-lived',
  scopes: ['contacts:read'],
  expiresAt: clock.now() + 60_000,
})

await clock.advance(59_999)
const justBefore = await keyrung.authenticate(secret) // { ok: true, … }
await clock.advance(1)
const expired = await keyrung.authenticate(secret) // { ok: false, code: 'key_expired' }
//#endregion expiry

//#region outage
failing.trouble('findCredential', { by: 'throw', times: 1 })
let outage: unknown
try {
  await keyrung.authenticate(secret)
} catch (error) {
  outage = (error as { code: string }).code // store_unavailable: never "bad key"
}
//#endregion outage

/** What came of it. */
export const outcome = { justBefore: justBefore.ok, expired, outage }
await keyrung.close()
