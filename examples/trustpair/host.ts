import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Database from 'better-sqlite3'
import Koa, { type Middleware } from 'koa'
import { createKeyrung, isKeyrungError, type Keyrung } from 'keyrung'
import { createAdmin } from 'keyrung/admin'
import { answerError } from 'keyrung/http'
import { mount, notFound, type GuardedState } from 'keyrung/koa'
import { jsonLinesSink } from 'keyrung/sinks/jsonl'
import { sqliteLimits, sqliteStore } from 'keyrung/stores/sqlite'
import { catalog } from './catalog.js'
import { openDataFolder } from './data-folder.js'
import { createDemoLogin, requireLocal } from './login.js'
import { createRecords, type Records } from './records.js'
import { mountRoutes } from './router.js'
import { routes } from './routes.js'
import { addSamples } from './samples.js'
import { createWebApp } from './web-app.js'
import { createWorkspaces, workspaceIds, type Workspaces } from './workspaces.js'

/** A running host. */
export interface Host {
  /** Without a slash at its end. */
  readonly url: string
  close(): Promise<void>
}

/** Where Trustpair sells the modules that a subscription lacks. */
const upgradeUrl = 'https://trustpair.example/subscription'

/** What every token may do unless it was made with a limit of the same name; others hold beside these. */
const keyLimits = [
  { name: 'minute', limit: 60, windowMs: 60_000 },
  { name: 'day', limit: 10_000, windowMs: 86_400_000 },
]

/**
 * Starts Trustpair on a loopback port.
 *
 * @param options.port 0 takes any that is free
 */
export async function startHost(options: { readonly dataDir: string; readonly port: number }): Promise<Host> {
  const folder = openDataFolder(options.dataDir)
  const database = new Database(folder.databasePath)
  database.pragma('journal_mode = WAL')
  const workspaces = createWorkspaces(database)
  const records = createRecords(database)
  const keyrung = createKeyrung({
    catalog,
    store: sqliteStore({ database }),
    secret: folder.secret,
    keys: {
      prefix: 'trustpair',
      lifecycle: 'immutable',
      limits: keyLimits,
      // Only people, in the web app: no key, and no job of the host's either.
      canManage: (actor) => actor.type === 'user' && actor.role === 'admin',
    },
    limits: { store: sqliteLimits({ database }) },
    // No token is ever deleted, and so nothing of what one was used for is.
    usage: { retentionDays: 0 },
    directory: workspaces.directory,
    entitlements: workspaces.entitlements,
    sinks: [jsonLinesSink({ path: folder.auditPath })],
    http: { realm: 'trustpair', upgradeUrl },
  })
  const server = createServer()

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // Whoever is being answered has a moment to get it.
    setTimeout(() => server.closeAllConnections(), 2_000).unref()
    await closed
    await keyrung.close()
    database.close()
  }

  try {
    await keyrung.ready({ migrate: true })
    keyrung.run()
    for (const id of workspaceIds) addSamples(records, id)
    server.on('request', createApp(keyrung, workspaces, records).callback())
    await once(server.listen(options.port, '127.0.0.1'), 'listening')
  } catch (error) {
    await close()
    throw error
  }
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close }
}

/** The app: what people use, keyrung's management API for their sessions, and the guarded routes. */
function createApp(
  keyrung: Keyrung<typeof catalog>,
  workspaces: Workspaces,
  records: Records,
): Koa<GuardedState> {
  const app = new Koa<GuardedState>()
  const login = createDemoLogin()
  app.use(answerThrown(keyrung))
  app.use(requireLocal)
  app.use(createWebApp({ keyrung, workspaces, login }))
  const admin = createAdmin(keyrung, { actor: (request) => login.actorOf(request.headers.get('cookie')) })
  app.use(mount(admin, { prefix: '/admin' }))
  app.use(mountRoutes(keyrung, records, routes))
  app.use(notFound(keyrung))
  return app
}

/** Answers what was thrown, in the one shape that guards answer in too. */
function answerThrown(keyrung: Keyrung<typeof catalog>): Middleware {
  return async (context, next) => {
    try {
      await next()
    } catch (error) {
      if (!isKeyrungError(error)) console.error(error)
      const { status, headers, body } = answerError(error, keyrung)
      context.status = status
      context.set(headers)
      // What is left of a body that was not read to its end must not be taken for the next request.
      if (!context.req.readableEnded && context.req.readableDidRead) context.set('connection', 'close')
      context.body = body
    }
  }
}
