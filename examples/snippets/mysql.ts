import { createKeyrung } from 'keyrung'
import { catalog } from './catalog.js'

//#region store
import { createPool } from 'mysql2/promise'
import { mysqlStore } from 'keyrung/stores/mysql'

const pool = createPool({
  uri: process.env['DATABASE_URL'] ?? '',
  connectionLimit: 10, // per instance
})
const store = mysqlStore({ pool, tablePrefix: 'acme_keys_' })
//#endregion store

/** What came of it without a server. */
export const outcome = { store: store.name, freshness: store.freshness }

/** What needs the server at `DATABASE_URL`. */
export async function onServer(): Promise<object> {
  const keyrung = createKeyrung({
    catalog,
    store,
    secret: process.env['KEYRUNG_SECRET'],
    keys: { prefix: 'acme' },
  })
  await keyrung.ready({ migrate: true })
  const actor = { type: 'system', name: 'setup', workspaceId: 'ws_1' } as const
  const { key, secret } = await keyrung.keys.create(actor, { name: 'CI', scopes: ['contacts:read'] })
  const before = await keyrung.authenticate(secret)
  await keyrung.keys.revoke(actor, key.id)
  const after = await keyrung.authenticate(secret)
  await keyrung.close()
  await pool.end()
  return { before: before.ok, after: after.ok || after.code }
}
