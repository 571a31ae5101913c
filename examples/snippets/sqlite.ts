import { createKeyrung } from 'keyrung'
import { catalog } from './catalog.js'

//#region store
import Database from 'better-sqlite3'
import { sqliteStore } from 'keyrung/stores/sqlite'

const database = new Database('app.db')
database.pragma('journal_mode = WAL')
const store = sqliteStore({ database, tablePrefix: 'acme_keys_', busyTimeoutMs: 500 })
//#endregion store

//#region migrations
import { sqliteMigrations } from 'keyrung/stores/sqlite'

for (const { version, name, sql } of sqliteMigrations({ tablePrefix: 'acme_keys_' })) {
  console.log(`-- ${version}: ${name}`)
  for (const statement of sql) console.log(`${statement};`)
}
//#endregion migrations

const keyrung = createKeyrung({
  catalog,
  store,
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
})
const before = await store.findSchema()
// A host's own tool would run the printed statements.
database.transaction(() => {
  for (const { sql } of sqliteMigrations({ tablePrefix: 'acme_keys_' })) {
    for (const statement of sql) database.exec(statement)
  }
})()
await keyrung.ready()

//#region transaction
const actor = { type: 'system', name: 'setup', workspaceId: 'ws_1' } as const

database.exec('begin')
const refused = await keyrung.keys
  .create(actor, { name: 'In a transaction', scopes: ['contacts:read'] })
  .catch((error: { code: string }) => error.code) // transaction_open, after 500 ms
database.exec('rollback')
//#endregion transaction

/** What came of it. */
export const outcome = { before, after: await store.findSchema(), refused }

//#region close
await keyrung.close()
database.close()
//#endregion close
