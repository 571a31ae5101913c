import { createKeyrung, KeyrungError, memoryStore } from 'keyrung'
import { catalog } from './catalog.js'

//#region scanner
import { createKeyFormat, keyScannerRules } from 'keyrung'

const rules = keyScannerRules(createKeyFormat({ prefix: 'acme', environments: ['live', 'test'] }))
console.log(rules.gitleaks) // append it to .gitleaks.toml
console.log(JSON.stringify(rules.secretlint, null, 2)) // save it as .secretlintrc.json
//#endregion scanner

const [older, newer] = ['the secret of last year, long enough', 'the secret of this year, long enough']
const store = memoryStore()
const shared = { catalog, store, keys: { prefix: 'acme' } }
const actor = { type: 'system', name: 'setup', workspaceId: 'ws_1' } as const

const before = createKeyrung({ ...shared, secret: older })
const { secret } = await before.keys.create(actor, { name: 'Old', scopes: ['contacts:read'] })

//#region rotate
const keyrung = createKeyrung({ ...shared, secret: [newer, older] }) // the first writes, all read
//#endregion rotate
const stillKnown = (await keyrung.authenticate(secret)).ok
// The digest is renewed beside the request, not in it.
await new Promise((resolve) => setImmediate(resolve))

//#region count
for (const [secretId, count] of await keyrung.keys.countBySecret()) {
  console.log(secretId, count) // 0a1b2c3d { keys: 1, requests: 0, results: 0, … }
}
//#endregion count
const counts = [...(await keyrung.keys.countBySecret()).values()].map(({ keys }) => keys)

//#region notify
const observed = createKeyrung({
  ...shared,
  secret: newer,
  notify: ({ code, message }) => console.error(JSON.stringify({ code, message })), // one line each
})
//#endregion notify
const withNewOnly = (await observed.authenticate(secret)).ok

//#region leak
const leaks = { type: 'system', name: 'leaks' } as const // the host itself, in all workspaces
const { id, workspaceId, status } = await keyrung.keys.identify(leaks, secret)
if (status === 'active') await keyrung.keys.revoke({ ...leaks, workspaceId }, id, { reason: 'leaked' })
//#endregion leak
const afterLeak = (await keyrung.keys.identify(leaks, secret)).status

//#region config
function startWith(secretOfHost: string | undefined) {
  try {
    return createKeyrung({ ...shared, secret: secretOfHost })
  } catch (error) {
    if (error instanceof KeyrungError) return error.message
    throw error
  }
}
//#endregion config

/** What came of it. */
export const outcome = {
  found: `key=${secret}`.match(rules.regex)?.[0] === secret,
  stillKnown,
  counts,
  withNewOnly,
  afterLeak,
  refusal: startWith('short'),
}
