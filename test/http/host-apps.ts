import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Koa from 'koa'
import type { Principal } from '../../src/core/principal.js'
import type { GateArguments } from '../../src/http/gate-demand.js'
import { guard as guardExpress, notFound as notFoundExpress } from '../../src/middleware/express.js'
import { guard as guardKoa, notFound as notFoundKoa } from '../../src/middleware/koa.js'
import type { GuardedState } from '../../src/middleware/koa.js'
import { operator } from './host.js'
import type { catalog, Host } from './host.js'

/** A server of the host's own. */
export interface Running {
  readonly port: number
  stop(): Promise<void>
}

/** Serves a host on a free port of the loopback. */
export async function serve(listener: RequestListener, maxHeaderSize?: number): Promise<Running> {
  const server = createServer(maxHeaderSize === undefined ? {} : { maxHeaderSize }, listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}

/** What a route is made of, whatever the framework. */
interface Kit<Step> {
  guard(...args: GateArguments<typeof catalog>): Step
  notFound: Step
  /** Notes that it ran, and for whom. */
  handler(name: string): Step
  /** Puts a principal onto the request, as a careless middleware might. */
  forge: Step
  revokeAll: Step
}

type Route<Step> = readonly [method: string, path: string, ...steps: Step[]]

/** How an operation is treated that costs more, and has a limit of its own. */
const exporting = { cost: 2, limit: { name: 'exports', limit: 3, windowMs: 3_600_000 } }

/** How an operation is treated that has a limit of its own, and one that has it and costs more. */
const paging = { limit: { name: 'pages', limit: 2, windowMs: 3_600_000 } }
const searching = { cost: 3, limit: { name: 'searches', limit: 30, windowMs: 3_600_000 } }

/** The routes of the host, each bound to its permissions. */
function routesOf<Step>({ guard, notFound, handler, forge, revokeAll }: Kit<Step>): readonly Route<Step>[] {
  const read = guard('contacts:read')
  const write = guard('contacts:write')
  return [
    ['GET', '/open', handler('open')],
    ['GET', '/any', guard(), handler('any')],
    ['GET', '/contacts', read, handler('contacts')],
    ['POST', '/contacts', write, handler('create')],
    ['DELETE', '/contacts', read, handler('delete')],
    ['OPTIONS', '/contacts', read, handler('options')],
    ['GET', '/both', guard(['contacts:write', 'email:send']), handler('both')],
    ['GET', '/users', guard('users:read'), handler('users')],
    ['GET', '/always', guard('contacts:read', { approval: 'always' }), handler('always')],
    ['GET', '/twice', read, write, handler('twice')],
    ['GET', '/forged', forge, read, handler('forged')],
    ['GET', '/swapped', read, forge, write, handler('swapped')],
    ['GET', '/revoking', read, revokeAll, read, handler('revoking')],
    ['GET', '/records/unknown', notFound],
    ['GET', '/guarded/unknown', read, notFound],
    ['GET', '/exports', guard('users:read', exporting), handler('exports')],
    ['GET', '/pages', read, guard('contacts:read', paging), handler('pages')],
    ['GET', '/pages/write', read, guard('contacts:read', paging), write, handler('pages')],
    ['GET', '/search', guard('contacts:read', paging), guard('contacts:read', searching), handler('search')],
  ]
}

/** Whom a forger would like to be: the first that a handler has met. */
function victim(host: Host): Principal | undefined {
  return host.callers[0]
}

function note(host: Host, name: string, principal: Principal | undefined): void {
  host.ran.push(name)
  if (principal) host.callers.push(principal)
}

async function revokeEverything({ keyrung }: Host): Promise<void> {
  const { keys } = await keyrung.keys.list(operator)
  for (const { id } of keys) await keyrung.keys.revoke(operator, id)
}

function expressListener(host: Host): RequestListener {
  const app = express()
  const kit: Kit<express.RequestHandler> = {
    guard: (...args) => guardExpress(host.keyrung, ...args),
    notFound: notFoundExpress(host.keyrung),
    handler: (name) => (request, response) => {
      note(host, name, request.principal)
      response.json({ handler: name })
    },
    forge: (request, _response, next) => {
      Object.assign(request, { principal: victim(host) })
      next()
    },
    revokeAll: async (_request, _response, next) => {
      await revokeEverything(host)
      next()
    },
  }
  for (const [method, path, ...steps] of routesOf(kit)) {
    app[method.toLowerCase() as 'get'](path, ...steps)
  }
  return app
}

function koaListener(host: Host): RequestListener {
  type Step = Koa.Middleware<GuardedState>
  const app = new Koa<GuardedState>()
  const kit: Kit<Step> = {
    guard: (...args) => guardKoa(host.keyrung, ...args),
    notFound: notFoundKoa(host.keyrung),
    handler: (name) => (context) => {
      note(host, name, context.state.principal)
      context.body = { handler: name }
    },
    forge: (context, next) => {
      Object.assign(context.state, { principal: victim(host) })
      Object.assign(context.req, { principal: victim(host) })
      return next()
    },
    revokeAll: async (_context, next) => {
      await revokeEverything(host)
      await next()
    },
  }
  const routes = new Map(routesOf(kit).map(([method, path, ...steps]) => [`${method} ${path}`, steps]))
  app.use((context, next) => {
    const method = context.method === 'HEAD' ? 'GET' : context.method
    const steps = routes.get(`${method} ${context.path}`) ?? []
    const from = (at: number): Promise<unknown> =>
      Promise.resolve(steps[at] ? steps[at](context, () => from(at + 1)) : next())
    return from(0)
  })
  return app.callback() as RequestListener
}

/** The frameworks that every scenario runs behind. */
export const frameworks: Readonly<Record<string, (host: Host) => RequestListener>> = {
  'Express 5': expressListener,
  'Koa 3': koaListener,
}
