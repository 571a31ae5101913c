//#region guard
import Database from 'better-sqlite3'
import express from 'express'
import { createKeyrung, defineCatalog, ladders } from 'keyrung'
import { guard } from 'keyrung/express'
import { sqliteStore } from 'keyrung/stores/sqlite'

const catalog = defineCatalog({ resources: { contacts: { ladder: ladders.crud } } })
const keyrung = createKeyrung({
  catalog,
  store: sqliteStore({ database: new Database('app.db') }),
  secret: process.env['KEYRUNG_SECRET'], // openssl rand -base64 32
  keys: { prefix: 'acme' },
})
await keyrung.ready({ migrate: true })
keyrung.run() // background work, until close()

const app = express()
app.get('/contacts', guard(keyrung, 'contacts:read'), (request, response) => {
  response.json({ workspace: request.principal?.workspaceId, contacts: [] })
})
app.post('/contacts', guard(keyrung, 'contacts:write'), (_request, response) => {
  response.status(201).json({ id: 1 })
})
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')
//#endregion guard

//#region key
const admin = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const
const { secret } = await keyrung.keys.create(admin, { name: 'Import job', scopes: ['contacts:read'] })
console.log(`Shown this once: ${secret}`)
//#endregion key

import { callerOf, closeServer, urlOf } from './server.js'

const call = callerOf(await urlOf(server), secret)
/** What came of it. */
export const outcome = {
  read: await call('GET', '/contacts'),
  write: await call('POST', '/contacts'),
  nobody: await callerOf(await urlOf(server))('GET', '/contacts'),
}
await closeServer(server)
await keyrung.close()
