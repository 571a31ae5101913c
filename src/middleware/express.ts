import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AnyCatalog } from '../core/catalog.js'
import { invalid } from '../core/errors.js'
import type { Principal } from '../core/principal.js'
import type { FetchHandler } from '../http/fetch-handler.js'
import { createGate } from '../http/gate.js'
import type { GateResult } from '../http/gate.js'
import type { GateArguments } from '../http/gate-demand.js'
import type { RunApproval } from '../http/gate-replay.js'
import { notifyOnce } from '../http/notify-once.js'
import { notFoundAnswer } from '../http/outcome.js'
import type { Keyrung } from '../service/keyrung.js'
import type { Dispatcher } from '../service/replay.js'
import { callHandler, requireAttachable, requireMountable } from './node-fetch.js'
import type { MountOptions } from './node-fetch.js'
import { createNodeDispatcher } from './node-replay.js'
import type { AttachOptions } from './node-replay.js'
import { NodeRequest } from './node-request.js'
import type { Framing } from './node-request.js'
import { addVary, sendAnswer, sendResponse, setHeaders } from './node-response.js'

export type { MountOptions } from './node-fetch.js'
export type { AttachOptions } from './node-replay.js'

declare global {
  // The one place where Express's types let a middleware say what it adds to a request.
  namespace Express {
    interface Request {
      /** Who is calling; set by keyrung's guard. */
      principal?: Principal
      /** The approval that the request is run under, if it had to wait for one; set by keyrung's guard. */
      approval?: RunApproval | undefined
    }
  }
}

/** What is read of an Express app. */
export interface ExpressApp {
  get(setting: string): unknown
  /** The app that it is mounted in. */
  readonly parent?: ExpressApp | undefined
}

declare global {
  namespace Express {
    // Sessions and Passport add to this interface of Express's, which then has them here too.
    interface Request {}
  }
}

/** What is read of an Express request, the properties that are set, and what other packages declare of it. */
export interface ExpressRequest extends IncomingMessage, Express.Request {
  readonly app: ExpressApp
  readonly originalUrl: string
  readonly baseUrl: string
  /** What is left of the target behind `baseUrl`. */
  readonly url: string
  readonly protocol: string
  readonly ip?: string | undefined
  /** The route that was matched, its path as it was defined. */
  readonly route?: { readonly path?: unknown } | undefined
  principal?: Principal
  approval?: RunApproval | undefined
}

/** A middleware for Express 5. */
export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void | Promise<void>

/**
 * Lets a request through to the next handler if its key has all the permissions; the caller is then in
 * `request.principal`. Without permissions any valid key will do. What needs an approval waits for it where the app is
 * attached, see {@link attach}, and is answered with 202.
 *
 * @throws KeyrungError `config_invalid` or `unknown_permission` for a mistake in what it was given
 *
 * @example
 * ```ts
 * app.get('/contacts', guard(keyrung, 'contacts:read'), listContacts)
 * app.post('/contacts/merge', guard(keyrung, ['contacts:write', 'contacts:delete']), mergeContacts)
 * ```
 */
export function guard<C extends AnyCatalog>(
  keyrung: Keyrung<C>,
  ...args: GateArguments<NoInfer<C>>
): ExpressMiddleware {
  const gate = createGate(keyrung, ...args)
  let isFirst = true
  return (request, response, next) => {
    if (isFirst) compareTrustProxy(keyrung, request)
    isFirst = false
    const conclude = (result: GateResult): void => {
      if (!result.ok) return sendAnswer(response, result.answer)
      request.principal = result.principal
      if (result.approval !== null || request.approval) request.approval = result.approval ?? undefined
      if (result.vary !== null) addVary(response, result.vary)
      if (result.headers !== null) setHeaders(response, result.headers)
      next()
    }
    const result = gate(new NodeRequest(request, request.originalUrl, () => framingOf(request, response)))
    return result instanceof Promise ? settle(result.then(conclude), next) : conclude(result)
  }
}

/**
 * Attaches an app, so that its requests can wait for approvals, and are run by it, in this process, once they have them.
 * To be called once, with the outermost app, when keyrung has been made.
 *
 * @throws KeyrungError `config_invalid` for an app within an app, for a name that is none, or one that is taken
 *
 * @example
 * ```ts
 * attach(keyrung, app)
 * ```
 */
export function attach(
  keyrung: { attach(dispatcher: Dispatcher): void },
  app: RequestListener & ExpressApp,
  { name = 'main' }: AttachOptions = {},
): void {
  requireAttachable(keyrung, app, ['get'])
  if (app.parent) {
    throw invalid('config_invalid', [{ path: 'app', message: 'is within another app: attach the outermost' }])
  }
  keyrung.attach(createNodeDispatcher(app, app, name))
}

/**
 * Mounts a fetch-style handler, such as the management API, under the path it is used at.
 *
 * @throws KeyrungError `config_invalid` when the handler is not a function
 *
 * @example
 * ```ts
 * app.use('/manage', mount(handler))
 * ```
 */
export function mount(handler: FetchHandler<ExpressRequest>, options: MountOptions = {}): ExpressMiddleware {
  requireMountable(handler, options)
  const answer = async (request: ExpressRequest, response: ServerResponse): Promise<void> => {
    const { url: target, baseUrl: prefix, protocol } = request
    const parsed = parsedBody(request)
    const mounted = { request, response, target, prefix, protocol, native: request, parsed }
    const answered = await callHandler(handler, { ...mounted, host: hostOf(request) }, options)
    if (answered !== null) await sendResponse(response, answered)
  }
  return (request, response, next) => settle(answer(request, response), next)
}

/**
 * Answers as a hidden resource is answered, for ids that the host does not know (see `http.hidden`).
 *
 * @example
 * ```ts
 * app.use(notFound(keyrung)) // after all routes
 * ```
 */
export function notFound(keyrung: Pick<Keyrung, 'http'>): ExpressMiddleware {
  const answer = notFoundAnswer(keyrung)
  return (_request, response) => sendAnswer(response, answer)
}

/** Passes a rejection to `next`. Express 4 awaits no middleware, so a rejection would end the process. */
async function settle(answered: Promise<void>, next: (error: unknown) => void): Promise<void> {
  try {
    await answered
  } catch (error) {
    next(error)
  }
}

/** Returns the host as Express 5 tells it; in Express 4 `request.host` is deprecated, and has no port. */
function hostOf({ app, headers, socket }: ExpressRequest): string | undefined {
  const trust = app.get('trust proxy fn') as ((address: unknown, hop: number) => boolean) | undefined
  const forwarded = headers['x-forwarded-host']
  if (typeof forwarded !== 'string' || !trust?.(socket.remoteAddress, 0)) return headers.host
  return forwarded.split(',', 1)[0]!.trimEnd()
}

/** Two different ideas of who the caller is, in one app, are a mistake in one of them. */
function compareTrustProxy(keyrung: Pick<Keyrung, 'http' | 'notify'>, { app }: ExpressRequest): void {
  const hops = app.get('trust proxy')
  const { trustedProxies } = keyrung.http
  if (typeof hops !== 'number' || hops === trustedProxies) return
  notifyOnce(keyrung, {
    code: 'trust_proxy_differs',
    message: `Express trusts ${hops} proxies ("trust proxy"), keyrung ${trustedProxies} (http.trustedProxies).`,
  })
}

/** Returns the value that a body parser has set. `ExpressRequest` does not declare it, so handlers keep Express's type. */
function parsedBody(request: { readonly body?: unknown } | ExpressRequest): unknown {
  return 'body' in request ? request.body : undefined
}

function framingOf(request: ExpressRequest, response: ServerResponse): Framing {
  const { baseUrl, route, protocol } = request
  return {
    app: outermostOf(request),
    response,
    pattern: route ? baseUrl + String(route.path) : null,
    scheme: protocol === 'https' ? 'https' : 'http',
    parsed: { value: parsedBody(request) },
  }
}

/**
 * The app that the server hands requests to. An app knows the one around it only where it stands directly in it, and the
 * last of several: the server is asked first, and where something else is around the app, the app itself.
 */
function outermostOf({ app, socket }: ExpressRequest): object {
  const { server } = socket as { readonly server?: Pick<Server, 'listeners'> }
  const served = server?.listeners('request').find(isExpressApp)
  if (served) return served
  let outermost = app
  while (outermost.parent) outermost = outermost.parent
  return outermost
}

function isExpressApp(listener: object): boolean {
  return 'handle' in listener && 'set' in listener
}
