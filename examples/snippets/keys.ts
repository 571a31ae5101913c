import { createKeyrung, memoryStore } from 'keyrung'
import { catalog } from './catalog.js'

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme', environments: ['live', 'test'], maxGraceMs: 7 * 86_400_000 },
})
const seen: string[] = []
const note = async (secret: string) => {
  const answer = await keyrung.authenticate(secret)
  seen.push(answer.ok ? 'ok' : answer.code)
}

//#region create
const actor = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const

const { key, secret } = await keyrung.keys.create(actor, {
  name: 'Claude Desktop',
  environment: 'test',
  scopes: ['contacts:write-approval', 'email:read'], // a typo here does not compile
  expiresAt: Date.now() + 90 * 86_400_000,
  addressRules: ['192.0.2.0/24', '2001:db8::/32'],
  metadata: { team: 'sales' },
})
// `secret` exists here and nowhere else: show it to whoever asked, once
//#endregion create

//#region list
const { keys, next } = await keyrung.keys.list(actor, { status: 'active', text: 'claude', limit: 20 })
const again = await keyrung.keys.get(actor, key.id)
//#endregion list

//#region edit
const edited = await keyrung.keys.edit(
  actor,
  key.id,
  { scopes: ['contacts:write', 'email:send-approval'], addressRules: [] },
  { version: again.version },
)
//#endregion edit
await note(secret)

//#region rotate
const rotated = await keyrung.keys.rotate(actor, key.id, { graceMs: 3_600_000, reason: 'quarterly' })
// both work for an hour; `rotated.secret` goes on from there
//#endregion rotate
await note(secret)
await note(rotated.secret)

//#region revoke
await keyrung.keys.revoke(actor, key.id, { reason: 'laptop lost' })
//#endregion revoke
await note(secret)

//#region activate
await keyrung.keys.activate(actor, key.id)
//#endregion activate
await note(rotated.secret)

//#region delete
await keyrung.keys.delete(actor, key.id, { reason: 'no longer needed' })
//#endregion delete
await note(rotated.secret)

//#region errors
import { KeyrungError } from 'keyrung'

async function rename(id: string, version: number) {
  try {
    await keyrung.keys.edit(actor, id, { name: 'CI' }, { version })
    return 'renamed'
  } catch (error) {
    if (error instanceof KeyrungError && error.code === 'conflict') return 'changed meanwhile: read it again'
    if (error instanceof KeyrungError && error.code === 'not_found') return 'gone'
    throw error
  }
}
//#endregion errors

/** What came of it. */
export const outcome = {
  found: keys.length,
  next,
  scopes: edited.scopes,
  version: edited.version,
  seen,
  renamed: await rename(key.id, 1),
}
await keyrung.close()
