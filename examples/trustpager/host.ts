import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Database from 'better-sqlite3'
import express, { type Express } from 'express'
import { createKeyrung, KeyrungError, type Keyrung } from 'keyrung'
import { createAdmin } from 'keyrung/admin'
import { attach, mount, notFound } from 'keyrung/express'
import { jsonLinesSink } from 'keyrung/sinks/jsonl'
import { sqliteLimits, sqliteStore } from 'keyrung/stores/sqlite'
import { readApiFile } from './api-file.js'
import { catalog } from './catalog.js'
import { openDataFolder, type DataFolder } from './data-folder.js'
import { createDemoLogin, requireLocal } from './login.js'
import { answerThrown } from './problems.js'
import { createRecords, type Records } from './records.js'
import { planRoutes, type PlannedRoute } from './route-plan.js'
import { mountRoutes } from './routes.js'
import { addSamples, findSampleCollections } from './samples.js'
import { canDecide, createWorkspaces, isPlan, plans, workspaceIds, type Workspaces } from './workspaces.js'

/** A running host. */
export interface Host {
  /** Without a slash at its end. */
  readonly url: string
  readonly folder: DataFolder
  readonly routes: readonly PlannedRoute[]
  close(): Promise<void>
}

/** Where TrustPager sells what the free plan lacks. */
const upgradeUrl = 'https://trustpager.example/plans'

/** What every key may do unless it has limits of its own. */
const keyLimits = [
  { name: 'minute', limit: 60, windowMs: 60_000 },
  { name: 'day', limit: 10_000, windowMs: 86_400_000 },
]

/**
 * Starts TrustPager on a loopback port.
 *
 * @param options.port 0 takes any that is free
 */
export async function startHost(options: { readonly dataDir: string; readonly port: number }): Promise<Host> {
  const folder = openDataFolder(options.dataDir)
  const database = new Database(folder.databasePath)
  database.pragma('journal_mode = WAL')
  const workspaces = createWorkspaces(database)
  const keyrung = createKeyrung({
    catalog,
    store: sqliteStore({ database }),
    secret: folder.secret,
    keys: { prefix: 'tp', environments: ['live', 'test'], lifecycle: 'editable', limits: keyLimits },
    limits: { store: sqliteLimits({ database }) },
    directory: workspaces.directory,
    entitlements: workspaces.entitlements,
    sinks: [jsonLinesSink({ path: folder.auditPath })],
    approvals: { canDecide },
    tokens: { issuer: 'https://trustpager.example', audience: 'https://api.trustpager.example' },
    // For the demo, whose receiver of webhooks is on this machine; a real host leaves this out.
    webhooks: { dangerouslyAllowAddresses: ['127.0.0.1'] },
    http: { realm: 'trustpager', hidden: 'not_found', upgradeUrl, approvalsUrl: '/approvals' },
  })
  const records = createRecords(database)
  const routes = planRoutes(readApiFile().routes)
  const server = createServer()
  let isUp = false

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // Whoever is being answered has a moment to get it.
    setTimeout(() => server.closeAllConnections(), 2_000).unref()
    await closed
    // The last events reach the file; what does not waits in the database for the next start.
    if (isUp) await keyrung.tick({ budgetMs: 1_000 }).catch(() => undefined)
    await keyrung.close()
    database.close()
  }

  try {
    await keyrung.ready({ migrate: true })
    for (const id of workspaceIds) addSamples(records, id, findSampleCollections(routes))
    const app = createApp({ keyrung, workspaces, records, routes })
    // What is approved runs through the app itself, which must be there before the background work begins.
    attach(keyrung, app, { name: 'trustpager' })
    keyrung.run()
    server.on('request', app)
    await once(server.listen(options.port, '127.0.0.1'), 'listening')
    isUp = true
  } catch (error) {
    await close()
    throw error
  }
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, folder, routes, close }
}

interface Parts {
  readonly keyrung: Keyrung<typeof catalog>
  readonly workspaces: Workspaces
  readonly records: Records
  readonly routes: readonly PlannedRoute[]
}

/** The app: what there is, the demo's login and plans, keyrung's management API, and the guarded routes. */
function createApp({ keyrung, workspaces, records, routes }: Parts): Express {
  const app = express()
  const login = createDemoLogin()
  app.disable('x-powered-by')
  app.get('/', (_request, response) => {
    response.json({
      name: 'TrustPager, an example host of keyrung',
      api: `${routes.length} routes such as GET /contacts, with "Authorization: Bearer tp_live_…"`,
      demo: ['GET /demo/users', 'POST /demo/login', 'POST /demo/logout', 'POST /demo/plan'],
      management: ['keys', 'approvals', 'deliveries', 'audit', 'catalog', 'permissions', 'me'].map(
        (name) => `/admin/${name}`,
      ),
    })
  })

  app.use('/demo', requireLocal, login.router)
  app.post('/demo/plan', express.json({ limit: '1kb' }), (request, response, next) => {
    const actor = login.actorOf(request.headers.cookie)
    if (!actor) throw new KeyrungError('actor_missing')
    if (actor.role !== 'admin') throw new KeyrungError('forbidden')
    const plan = (request.body as { plan?: unknown } | undefined)?.plan
    if (!isPlan(plan)) {
      throw new KeyrungError('input_invalid', {
        faults: [{ path: 'plan', message: `must be one of ${plans.join(', ')}` }],
      })
    }
    workspaces.setPlan(actor.workspaceId, plan)
    // Answered when no instance goes by the old plan any more.
    const answer = (): void => void response.json({ workspace: actor.workspaceId, plan })
    keyrung.changed({ workspaceId: actor.workspaceId }).then(answer, next)
  })

  const admin = createAdmin(keyrung, { actor: (request) => login.actorOf(request.headers.get('cookie')) })
  app.use('/admin', requireLocal, mount(admin))

  // The API's own routes for approvals are the management API's, for callers with a key.
  app.use(mountRoutes(keyrung, records, routes, mount(admin)))
  app.use(notFound(keyrung), answerThrown(keyrung))
  return app
}
