import { randomBytes } from 'node:crypto'
import { createKeyrung, memoryStore } from 'keyrung'
import { catalog } from './catalog.js'
import { callerOf, closeServer, urlOf } from './server.js'

const keyrung = createKeyrung({
  catalog,
  store: memoryStore(),
  secret: process.env['KEYRUNG_SECRET'],
  keys: { prefix: 'acme' },
})
const sessionSecret = randomBytes(32).toString('base64')

//#region express-session
import express from 'express'
import session from 'express-session'
import { createAdmin } from 'keyrung/admin'
import { mount } from 'keyrung/express'

declare module 'express-session' {
  interface SessionData {
    userId: string
    workspaceId: string
    role: string
  }
}

const app = express()
app.use(session({ secret: sessionSecret, resave: false, saveUninitialized: false }))
app.use(
  '/manage',
  mount(
    createAdmin(keyrung, {
      actor: (_request, { session: { userId: id, workspaceId, role } }) =>
        id && workspaceId && role ? { type: 'user', id, workspaceId, role } : null,
    }),
  ),
)
//#endregion express-session

//#region passport
import passport from 'passport'

declare global {
  namespace Express {
    interface User {
      id: string
      workspaceId: string
      role: string
    }
  }
}

const signedIn = express()
signedIn.use(session({ secret: sessionSecret, resave: false, saveUninitialized: false }))
signedIn.use(passport.session())
signedIn.use(
  '/manage',
  mount(
    createAdmin(keyrung, {
      actor: (_request, { user }) => (user ? { type: 'user', ...user } : null),
    }),
  ),
)
//#endregion passport

//#region koa-session
import Koa from 'koa'
import koaSession from 'koa-session'
import { mount as mountInKoa } from 'keyrung/koa'

const koa = new Koa()
koa.keys = [sessionSecret]
koa.use(koaSession(koa))
const koaAdmin = createAdmin(keyrung, {
  actor: (_request, { session: known }: Koa.Context) =>
    known?.['userId']
      ? { type: 'user', id: known['userId'], workspaceId: known['workspaceId'], role: known['role'] }
      : null,
})
koa.use(mountInKoa(koaAdmin, { prefix: '/manage' }))
//#endregion koa-session

// Somebody signs in, as the host's own login would have it.
const ada = { workspaceId: 'ws_1', role: 'admin' }
app.post('/login', (request, response) => {
  Object.assign(request.session, ada, { userId: 'ada' })
  response.sendStatus(204)
})
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user: Express.User, done) => done(null, user))
signedIn.post('/login', (request, response, next) => {
  request.login({ ...ada, id: 'ada' }, (error: unknown) => (error ? next(error) : response.sendStatus(204)))
})
koa.use((context) => {
  if (context.path === '/login') Object.assign(context['session'], ada, { userId: 'ada' })
  context.status = 204
})

async function tryOut(host: typeof app | Koa): Promise<readonly number[]> {
  const server = host.listen(0, '127.0.0.1')
  const url = await urlOf(server)
  const login = await fetch(`${url}/login`, { method: 'POST' })
  const cookie = login.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const list = (headers: Record<string, string>) => callerOf(url)('GET', '/manage/keys', undefined, headers)
  const answers = [await list({}), await list({ cookie })]
  await closeServer(server)
  return answers.map(({ status }) => status)
}

/** What came of it. */
export const outcome = {
  expressSession: await tryOut(app),
  passport: await tryOut(signedIn),
  koaSession: await tryOut(koa),
}
await keyrung.close()
