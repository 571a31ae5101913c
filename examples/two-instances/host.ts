import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type Express } from 'express'
import pg from 'pg'
import { createKeyrung, KeyrungError, type Keyrung, type UserActor } from 'keyrung'
import { createAdmin } from 'keyrung/admin'
import { guard, mount, notFound } from 'keyrung/express'
import { answerError } from 'keyrung/http'
import { postgresStore } from 'keyrung/stores/postgres'
import { catalog } from './catalog.js'
import { isPlan, plans, readPlans, type Plans } from './plans.js'

/** What an instance is started with; all but its name and port are the same for all of them. */
export interface HostOptions {
  /** `A`, `B`, …, for its answers. */
  readonly name: string
  /** 0 takes any that is free. */
  readonly port: number
  readonly databaseUrl: string
  readonly schema: string
  readonly secret: string
  /** Whoever presents it is Ada, an admin of Acme: this demo's sign-in. */
  readonly operatorToken: string
}

/** A running instance. */
export interface Host {
  /** Without a slash at its end. */
  readonly url: string
  close(): Promise<void>
}

/** Starts an instance on a loopback port. */
export async function startHost(options: HostOptions): Promise<Host> {
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 5 })
  // Without a listener, a connection that breaks while nobody uses it would end the process.
  pool.on('error', (error) => console.error(`${options.name}: ${error.message}`))
  const paid = readPlans(pool, options.schema)
  const keyrung = createKeyrung({
    catalog,
    store: postgresStore({ pool, schema: options.schema }),
    secret: options.secret,
    keys: { prefix: 'acme' },
    entitlements: paid.entitlements,
    http: { realm: 'two-instances' },
  })
  const server = createServer()

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeIdleConnections()
    // Whoever is being answered has a moment to get it.
    setTimeout(() => server.closeAllConnections(), 2_000).unref()
    await closed
    await keyrung.close()
    await pool.end()
  }

  try {
    // Both instances do this at the same time: one migrates, the other waits for it.
    await keyrung.ready({ migrate: true })
    keyrung.run()
    server.on('request', createApp(keyrung, paid, options))
    await once(server.listen(options.port, '127.0.0.1'), 'listening')
  } catch (error) {
    await close()
    throw error
  }
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close }
}

/** The app: two guarded routes, keyrung's management API, and a switch for the plan. */
function createApp(
  keyrung: Keyrung<typeof catalog>,
  paid: Plans,
  { name, operatorToken }: HostOptions,
): Express {
  const app = express()
  app.disable('x-powered-by')
  const ada: UserActor = { type: 'user', id: 'ada', workspaceId: 'acme', role: 'admin' }
  const actorOf = (authorization: string | null | undefined): UserActor | null =>
    isSame(authorization ?? '', `Bearer ${operatorToken}`) ? ada : null

  app.get('/contacts', guard(keyrung, 'contacts:read'), (request, response) => {
    response.json({ instance: name, workspace: request.principal?.workspaceId, contacts: 2 })
  })
  app.post('/contacts', guard(keyrung, 'contacts:write'), (_request, response) => {
    response.status(201).json({ instance: name, contact: 'made' })
  })

  app.use(
    '/admin',
    mount(createAdmin(keyrung, { actor: ({ headers }) => actorOf(headers.get('authorization')) })),
  )
  app.post('/demo/plan', express.json({ limit: '1kb' }), (request, response, next) => {
    if (!actorOf(request.headers.authorization)) throw new KeyrungError('actor_missing')
    const plan = (request.body as { plan?: unknown } | undefined)?.plan
    if (!isPlan(plan)) {
      const message = `must be one of ${plans.join(', ')}`
      throw new KeyrungError('input_invalid', { faults: [{ path: 'plan', message }] })
    }
    // Answered when no instance goes by the old plan any more.
    paid
      .set('acme', plan)
      .then(() => keyrung.changed({ workspaceId: 'acme' }))
      .then(() => response.json({ workspace: 'acme', plan }), next)
  })

  app.use(notFound(keyrung), answerThrown(keyrung))
  return app
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Answers what was thrown, in the one shape that guards answer in too. */
function answerThrown(keyrung: Keyrung<typeof catalog>): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const { status, headers, body } = answerError(error, keyrung)
    response.status(status).set(headers).send(body)
  }
}
