import { createServer } from 'node:http'
import { createKeyrung, memoryStore } from 'keyrung'
import { catalog } from './catalog.js'
import { urlOf } from './server.js'

const actor = { type: 'system', name: 'setup', workspaceId: 'ws_1' } as const

//#region setup
const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
  tokens: { issuer: 'https://api.acme.example', audience: ['api', 'reports'] },
})
//#endregion setup
await keyrung.ready()

const { key, secret } = await keyrung.keys.create(actor, {
  name: 'Planner',
  scopes: ['contacts:write', 'email:read'],
})

//#region exchange
const caller = await keyrung.authenticate(secret) // or req.principal behind a guard
if (!caller.ok) throw new Error(caller.code)
const made = await keyrung.tokens.exchange(caller.principal, {
  scopes: ['contacts:read'], // left out: all that the caller has
  audience: 'reports', // left out: your own guards alone
  lifetimeMs: 60_000,
  actor: 'researcher', // who will act with it
})
console.log(made.token) // eyJ…: shown once, kept nowhere
//#endregion exchange

//#region chain
const parent = await keyrung.authenticate(made.token)
if (!parent.ok || parent.principal.type !== 'token') throw new Error('not a token')
const child = await keyrung.tokens.exchange(parent.principal, { actor: 'summarizer' })
console.log(child.chain) // ['summarizer', 'researcher']
//#endregion chain

//#region publish
import express from 'express'
import { mount } from 'keyrung/express'
import { jwksHandler } from 'keyrung/http'

const app = express()
app.use('/.well-known/jwks.json', mount(jwksHandler(keyrung)))
//#endregion publish
const server = createServer(app).listen(0, '127.0.0.1')
const jwksUri = `${await urlOf(server)}/.well-known/jwks.json`

//#region verify
import { createVerifier } from 'keyrung/verify'

const verifier = createVerifier({
  issuer: 'https://api.acme.example',
  audience: 'reports',
  environments: ['live'],
  jwksUri, // https://api.acme.example/.well-known/jwks.json
  catalog, // the issuer's, so that can() knows its ladders
})
const token = await verifier.verify(child.token)
if (token.ok) console.log(token.can('contacts:read'), token.can('contacts:write')) // true false
//#endregion verify

await keyrung.keys.revoke(actor, key.id, { reason: 'retired' })
const revoked = await keyrung.authenticate(child.token)
const stillVerified = await verifier.verify(child.token)
server.close()
await keyrung.close()

/** What came of it. */
export const outcome = {
  scopes: made.scopes,
  chain: child.chain,
  read: token.ok && token.can('contacts:read'),
  write: token.ok && token.can('contacts:write'),
  afterRevocation: [revoked.ok ? 'ok' : revoked.code, stillVerified.ok ? 'ok' : stillVerified.code],
}
