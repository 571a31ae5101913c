import { catalog } from './catalog.js'
import { callerOf, urlOf } from './server.js'

//#region setup
import Database from 'better-sqlite3'
import { createKeyrung } from 'keyrung'
import { sqliteStore } from 'keyrung/stores/sqlite'

const database = new Database('quick-start.db')
database.pragma('journal_mode = WAL')

const keyrung = createKeyrung({
  catalog,
  store: sqliteStore({ database }),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme', environments: ['live'] },
})

await keyrung.ready({ migrate: true })
keyrung.run()
//#endregion setup

//#region routes
import express from 'express'
import { guard, notFound } from 'keyrung/express'

const contacts = new Map([['1', { id: '1', name: 'Grace' }]])

const app = express()
app.get('/contacts', guard(keyrung, 'contacts:read'), (_request, response) => {
  response.json({ data: [...contacts.values()] })
})
app.post('/contacts', guard(keyrung, 'contacts:write'), express.json(), (request, response) => {
  response.status(201).json({ createdBy: request.principal?.keyName })
})
app.post('/contacts/merge', guard(keyrung, ['contacts:write', 'contacts:delete']), (_request, response) => {
  response.json({ merged: true })
})
app.delete('/contacts', guard(keyrung, 'contacts:delete', { approval: 'always' }), (_request, response) => {
  response.status(204).end()
})
app.get('/ping', guard(keyrung), (request, response) => {
  response.json({ key: request.principal?.keyId }) // any valid key will do
})
app.use(notFound(keyrung))
//#endregion routes

//#region listen
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')

/** Call it on SIGTERM. */
async function stop() {
  await new Promise((resolve) => server.close(resolve)) // answers the requests in progress
  await keyrung.close() // ends the worker, writes what was noted, lets go of the store
  database.close()
}
//#endregion listen

const actor = { type: 'user', id: 'ada', workspaceId: 'ws_1', role: 'admin' } as const
const { key, secret } = await keyrung.keys.create(actor, { name: 'Quick start', scopes: ['contacts:write'] })
const call = callerOf(await urlOf(server), secret)
/** What came of it. */
export const outcome = {
  read: await call('GET', '/contacts'),
  write: await call('POST', '/contacts', { name: 'Ada' }),
  merge: await call('POST', '/contacts/merge'),
  wipe: await call('DELETE', '/contacts'),
  ping: (await call('GET', '/ping')).status,
  unknown: await call('GET', '/nothing'),
  revoked: (await keyrung.keys.revoke(actor, key.id), await call('GET', '/contacts')),
}
await stop()
