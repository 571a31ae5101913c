import { createKeyrung } from 'keyrung'
import { catalog } from './catalog.js'

//#region store
import pg from 'pg'
import { postgresStore } from 'keyrung/stores/postgres'

const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  max: 10, // per instance
  connectionTimeoutMillis: 2_000, // pg would wait for ever
})
pool.on('error', (error) => console.error(error.message)) // of connections that nobody uses
const store = postgresStore({ pool, schema: 'public', tablePrefix: 'acme_keys_' })
//#endregion store

//#region pooler
// Through PgBouncer in transaction mode: a named statement would stay behind on another connection.
const pooled = postgresStore({ pool, prepare: false })
//#endregion pooler

//#region migrations
import { postgresMigrations } from 'keyrung/stores/postgres'

for (const { version, name, sql } of postgresMigrations({ tablePrefix: 'acme_keys_' })) {
  console.log(`-- ${version}: ${name}`)
  for (const statement of sql) console.log(`${statement};`)
}
//#endregion migrations

//#region freshness
const keyrung = createKeyrung({
  catalog,
  store,
  leaseMs: 500, // every change waits as long; `freshness: 'strict'` asks with every request instead
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
})
//#endregion freshness

/** What came of it without a server. */
export const outcome = {
  stores: [store.name, pooled.name],
  freshness: store.freshness,
  steps: postgresMigrations({ tablePrefix: 'acme_keys_' }).length,
}

/** What needs the server at `DATABASE_URL`. */
export async function onServer(): Promise<object> {
  // A host's own tool would run the printed statements.
  for (const { sql } of postgresMigrations({ tablePrefix: 'acme_keys_' }))
    for (const statement of sql) await pool.query(statement)
  await keyrung.ready()
  const actor = { type: 'system', name: 'setup', workspaceId: 'ws_1' } as const
  const { key, secret } = await keyrung.keys.create(actor, { name: 'CI', scopes: ['contacts:read'] })
  const before = await keyrung.authenticate(secret)
  await keyrung.keys.revoke(actor, key.id)
  const after = await keyrung.authenticate(secret)
  //#region close
  await keyrung.close()
  await pool.end()
  //#endregion close
  return { before: before.ok, after: after.ok || after.code }
}
