import { createKeyrung, memoryStore } from 'keyrung'
import { catalog } from './catalog.js'
import { callerOf, closeServer, urlOf } from './server.js'

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
})
/** Stands for the host's own sessions. */
const sessions = new Map([
  ['s1', { userId: 'ada', workspaceId: 'ws_1', role: 'admin' }],
  ['s2', { userId: 'bob', workspaceId: 'ws_1', role: 'member' }],
])

//#region mount
import express from 'express'
import { createAdmin } from 'keyrung/admin'
import { mount } from 'keyrung/express'

const admin = createAdmin(keyrung, {
  // Who is signed in, by the host's own session; null: nobody.
  actor: (request) => {
    const cookie = /(?:^|; )session=(\w+)/.exec(request.headers.get('cookie') ?? '')?.[1]
    const session = sessions.get(cookie ?? '')
    if (session === undefined) return null
    return { type: 'user', id: session.userId, workspaceId: session.workspaceId, role: session.role }
  },
  origins: ['https://console.acme.example'], // other origins whose pages may change keys
})

const app = express()
app.use('/manage', mount(admin))
//#endregion mount

//#region koa
import Koa from 'koa'
import { mount as mountInKoa } from 'keyrung/koa'

const koa = new Koa()
koa.use(mountInKoa(admin, { prefix: '/manage' }))
//#endregion koa

const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')
const koaServer = koa.listen(0, '127.0.0.1')
const call = callerOf(await urlOf(server))
const ada = { cookie: 'session=s1' }
const creation = { name: 'CI', scopes: ['contacts:read'], expires_at: '2099-01-31T12:00:00Z' }
const created = await call('POST', '/manage/keys', creation, { ...ada, 'idempotency-key': 'k1' })
const { key, secret } = created.body as { key: { id: string }; secret: string }
/** What came of it. */
export const outcome = {
  created,
  repeated: await call('POST', '/manage/keys', creation, { ...ada, 'idempotency-key': 'k1' }),
  unread: await call('PATCH', `/manage/keys/${key.id}`, { name: 'CI 2' }, ada),
  edited: await call('PATCH', `/manage/keys/${key.id}`, { name: 'CI 2' }, { ...ada, 'if-match': '"v1"' }),
  member: await call('GET', '/manage/keys', undefined, { cookie: 'session=s2' }),
  nobody: (await call('GET', '/manage/keys')).status,
  crossSite: await call('POST', '/manage/keys', creation, { ...ada, origin: 'https://evil.example' }),
  me: await callerOf(await urlOf(server), secret)('GET', '/manage/me'),
  inKoa: (await callerOf(await urlOf(koaServer))('GET', '/manage/keys', undefined, ada)).status,
}
await closeServer(server)
await closeServer(koaServer)
await keyrung.close()
