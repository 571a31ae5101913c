import { createKeyrung, memoryStore } from 'keyrung'
import { catalog } from './catalog.js'
import { callerOf, closeServer, urlOf } from './server.js'

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
})

//#region routes
import Koa from 'koa'
import { guard, notFound, type GuardedState } from 'keyrung/koa'

const app = new Koa<GuardedState>()
const readContacts = guard(keyrung, 'contacts:read')

app.use((context, next) => {
  if (context.path !== '/contacts') return next()
  return readContacts(context, async () => {
    context.body = { workspace: context.state.principal.workspaceId, data: [] }
  })
})
app.use(notFound(keyrung))
//#endregion routes

const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')
const actor = { type: 'system', name: 'setup', workspaceId: 'ws_1' } as const
const { secret } = await keyrung.keys.create(actor, { name: 'Koa', scopes: ['contacts:read'] })
const call = callerOf(await urlOf(server), secret)
/** What came of it. */
export const outcome = {
  read: await call('GET', '/contacts'),
  nobody: (await callerOf(await urlOf(server))('GET', '/contacts')).status,
  elsewhere: (await call('GET', '/elsewhere')).status,
}
await closeServer(server)
await keyrung.close()
