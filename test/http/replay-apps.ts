import type { IncomingMessage, RequestListener } from 'node:http'
import { Router } from '@koa/router'
import type { RouterContext } from '@koa/router'
import express from 'express'
import Koa from 'koa'
import type { GateArguments } from '../../src/http/gate-demand.js'
import type { RunApproval } from '../../src/http/gate-replay.js'
import type { Principal } from '../../src/core/principal.js'
import { attach as attachExpress, guard as guardExpress } from '../../src/middleware/express.js'
import { attach as attachKoa, guard as guardKoa } from '../../src/middleware/koa.js'
import type { GuardedState } from '../../src/middleware/koa.js'
import type { catalog } from './host.js'
import type { ReplayHost } from './replay-host.js'

/** What a handler met, as far as a replay has to bring it back. */
export interface Met {
  readonly route: string
  readonly method: string
  readonly url: string
  readonly protocol: string
  readonly ip: string
  readonly host: string
  /** Flat, as Node has them. */
  readonly headers: readonly string[]
  readonly parsed: unknown
  /** What was left to read. */
  readonly bytes: Buffer
  readonly principal: Principal | undefined
  readonly approval: RunApproval | undefined
}

/** What a body parser ahead of the routes makes of a body. */
export type Parser = 'json' | 'urlencoded' | 'nested' | 'text' | 'raw' | 'multipart' | 'counting'

/** A route of the app: its pattern, its guards, its answer. */
export interface Route {
  readonly method: string
  /** With `:name` for a part that varies. */
  readonly path: string
  readonly guards: readonly GateArguments<typeof catalog>[]
  /** The status that the handler answers, or that it throws. @defaultValue `200` */
  readonly status?: number | 'throws'
}

/** How the app is built. */
export interface AppSetup {
  /** Where a router with all routes is mounted: several nest. */
  readonly prefixes?: readonly string[]
  readonly routes?: readonly Route[]
  /** A guard of the whole app. */
  readonly inFront?: GateArguments<typeof catalog>
  readonly parser?: Parser
  /** True: whatever they say. */
  readonly trustedProxies?: number | true
  readonly isUnattached?: boolean
}

/** An app with one route that needs an approval from a key that may only write with one. */
export const oneRoute: readonly Route[] = [
  { method: 'POST', path: '/contacts/:id', guards: [['contacts:write']] },
]

/** Builds the app of a host, attaches it, and notes in `met` what its handlers meet. */
export type BuildApp = (host: ReplayHost, met: Met[], setup: AppSetup) => RequestListener

async function drain(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const expressParsers: Readonly<Record<Parser, () => express.RequestHandler>> = {
  json: () => express.json({ strict: false }),
  urlencoded: () => express.urlencoded({ extended: false }),
  nested: () => express.urlencoded({ extended: true }),
  text: () => express.text({ type: () => true }),
  raw: () => express.raw({ type: () => true }),
  // Reads everything and leaves the fields, as those parsers do.
  multipart: () => async (request, _response, next) => {
    await drain(request)
    request.body = { name: 'Ada' }
    next()
  },
  // Changes what it has parsed, each time anew.
  counting: () => (request, response, next) =>
    express.json()(request, response, (error?: unknown) => {
      request.body = counted(request.body)
      next(error)
    }),
}

function counted(body: unknown): unknown {
  const { count = 0, ...rest } = body as { count?: number }
  return { ...rest, count: count + 1 }
}

const buildExpress: BuildApp = (host, met, setup) => {
  const { prefixes = [], routes = oneRoute, inFront, parser, trustedProxies, isUnattached } = setup
  const app = express()
  if (trustedProxies !== undefined) app.set('trust proxy', trustedProxies)
  if (parser) app.use(expressParsers[parser]())
  if (inFront) app.use(guardExpress(host.keyrung, ...inFront))
  let router = app as express.Router
  for (const prefix of prefixes) {
    const inner = express.Router({ mergeParams: true })
    router.use(prefix, inner)
    router = inner
  }
  for (const { method, path, guards, status = 200 } of routes) {
    const steps = guards.map((args) => guardExpress(host.keyrung, ...args))
    router[method.toLowerCase() as 'post'](path, ...steps, async (request, response) => {
      const bytes = request.readableDidRead ? Buffer.alloc(0) : await drain(request)
      const { originalUrl: url, protocol, ip, host: name, principal, approval, rawHeaders: headers } = request
      met.push({
        ...{ route: path, method: request.method, url, protocol, ip: ip ?? '', host: name, headers },
        ...{ parsed: request.body as unknown, bytes, principal, approval },
      })
      if (status === 'throws') throw new Error('the handler failed')
      if (status === 302) response.redirect('/elsewhere')
      else response.status(status).json({ route: path })
    })
  }
  app.use(((_error, _request, response, _next) => {
    response.status(500).end('failed')
  }) as express.ErrorRequestHandler)
  if (!isUnattached) attachExpress(host.keyrung, app)
  return app
}

const koaParsers: Readonly<Record<Parser, (text: Buffer) => { body: unknown; rawBody?: string }>> = {
  json: (text) => ({ body: text.length === 0 ? {} : (JSON.parse(text.toString()) as unknown) }),
  urlencoded: (text) => ({ body: Object.fromEntries(new URLSearchParams(text.toString())) }),
  nested: (text) => ({ body: { nested: { of: text.toString() } }, rawBody: text.toString() }),
  text: (text) => ({ body: text.toString() }),
  raw: (text) => ({ body: text }),
  multipart: () => ({ body: { name: 'Ada' } }),
  counting: (text) => ({ body: counted(JSON.parse(text.toString())), rawBody: text.toString() }),
}

const buildKoa: BuildApp = (host, met, setup) => {
  const { prefixes = [], routes = oneRoute, inFront, parser, trustedProxies, isUnattached } = setup
  const app = new Koa<GuardedState>()
  app.silent = true
  app.proxy = trustedProxies === true || (trustedProxies ?? 0) > 0
  app.maxIpsCount = trustedProxies === true ? 0 : (trustedProxies ?? 0)
  if (parser) {
    app.use(async (context, next) => {
      Object.assign(context.request, koaParsers[parser](await drain(context.req)))
      await next()
    })
  }
  if (inFront) app.use(guardKoa(host.keyrung, ...inFront))
  const innermost = new Router<GuardedState>({ prefix: prefixes.at(-1) ?? '' })
  for (const { method, path, guards, status = 200 } of routes) {
    const steps = guards.map((args) => guardKoa(host.keyrung, ...args))
    const handle = async (context: RouterContext<GuardedState>): Promise<void> => {
      const { req, request, method, originalUrl: url, protocol, ip, host: name, state } = context
      const { body } = request as { body?: unknown }
      met.push({
        ...{ route: path, method, url, protocol, ip, host: name, headers: req.rawHeaders },
        ...{ parsed: body, bytes: req.readableDidRead ? Buffer.alloc(0) : await drain(req) },
        ...{ principal: state.principal, approval: state.approval },
      })
      if (status === 'throws') throw new Error('the handler failed')
      if (status === 302) return context.redirect('/elsewhere')
      context.status = status
      context.body = { route: path }
    }
    innermost.register(path, [method], [...steps, handle])
  }
  const router = prefixes.slice(0, -1).reduceRight((inner, prefix) => {
    const outer = new Router<GuardedState>({ prefix })
    outer.use(inner.routes())
    return outer
  }, innermost)
  app.use(router.routes())
  if (!isUnattached) attachKoa(host.keyrung, app)
  return app.callback() as RequestListener
}

/** The frameworks that every scenario runs behind. */
export const replayFrameworks: Readonly<Record<string, BuildApp>> = {
  'Express 5': buildExpress,
  'Koa 3': buildKoa,
}
