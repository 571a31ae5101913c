import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { AnyCatalog } from '../core/catalog.js'
import { invalid } from '../core/errors.js'
import type { Principal } from '../core/principal.js'
import type { FetchHandler } from '../http/fetch-handler.js'
import { createGate } from '../http/gate.js'
import type { GateResult } from '../http/gate.js'
import type { GateArguments } from '../http/gate-demand.js'
import type { RunApproval } from '../http/gate-replay.js'
import { notFoundAnswer } from '../http/outcome.js'
import type { Answer } from '../http/outcome.js'
import type { Keyrung } from '../service/keyrung.js'
import type { Dispatcher } from '../service/replay.js'
import { callHandler, requireAttachable, requireMountable } from './node-fetch.js'
import type { MountOptions } from './node-fetch.js'
import { createNodeDispatcher } from './node-replay.js'
import type { AttachOptions } from './node-replay.js'
import { NodeRequest } from './node-request.js'
import type { Framing } from './node-request.js'
import { addVary, bodyStream, headerPairs, setHeaders } from './node-response.js'

export type { MountOptions } from './node-fetch.js'
export type { AttachOptions } from './node-replay.js'

/** The state behind a guard: `new Koa<GuardedState>()` has `ctx.state.principal` typed. */
export interface GuardedState {
  /** Who is calling; set by keyrung's guard. */
  principal: Principal
  /** The approval that the request is run under, if it had to wait for one; set by keyrung's guard. */
  approval?: RunApproval | undefined
}

/** What is read and set of a Koa context. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly app: object
  readonly request: { readonly method: string; readonly body?: unknown; readonly rawBody?: unknown }
  readonly originalUrl: string
  readonly url: string
  readonly protocol: string
  readonly host: string
  readonly ip: string
  /** The path that `@koa/router` has matched, as it was defined. */
  readonly _matchedRoute?: unknown
  state: Partial<GuardedState>
  status: number
  body: unknown
}

/** A middleware for Koa 3. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => unknown

/** How a fetch-style handler is mounted in Koa, which has no paths of its own. */
export interface KoaMountOptions extends MountOptions {
  /** Requests to other paths go on to the next middleware. @defaultValue `''`: all are for the handler */
  readonly prefix?: string
}

/**
 * Lets a request through to the next middleware if its key has all the permissions; the caller is then in
 * `ctx.state.principal`. Without permissions any valid key will do. What needs an approval waits for it where the app is
 * attached, see {@link attach}, and is answered with 202.
 *
 * @throws KeyrungError `config_invalid` or `unknown_permission` for a mistake in what it was given
 *
 * @example
 * ```ts
 * router.get('/contacts', guard(keyrung, 'contacts:read'), listContacts)
 * ```
 */
export function guard<C extends AnyCatalog>(
  keyrung: Keyrung<C>,
  ...args: GateArguments<NoInfer<C>>
): KoaMiddleware {
  const gate = createGate(keyrung, ...args)
  return (context, next) => {
    const conclude = (result: GateResult): unknown => {
      if (!result.ok) return setAnswer(context, result.answer)
      context.state.principal = result.principal
      if (result.approval !== null || context.state.approval) {
        context.state.approval = result.approval ?? undefined
      }
      if (result.vary !== null) addVary(context.res, result.vary)
      if (result.headers !== null) setHeaders(context.res, result.headers)
      return next()
    }
    const result = gate(new NodeRequest(context.req, context.originalUrl, () => framingOf(context)))
    return result instanceof Promise ? result.then(conclude) : conclude(result)
  }
}

/**
 * Attaches an app, so that its requests can wait for approvals, and are run by it, in this process, once they have them.
 * To be called once, with the outermost app.
 *
 * @throws KeyrungError `config_invalid` for a name that is none, or one that is taken
 *
 * @example
 * ```ts
 * attach(keyrung, app)
 * ```
 */
export function attach(
  keyrung: { attach(dispatcher: Dispatcher): void },
  app: { callback(): (request: IncomingMessage, response: ServerResponse) => unknown },
  { name = 'main' }: AttachOptions = {},
): void {
  requireAttachable(keyrung, app, ['callback'])
  let listener: RequestListener | undefined
  // An app whose own error handling fails answers nothing, and ends no process.
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await (listener ??= app.callback() as RequestListener)(request, response)
    } catch {
      response.destroy()
    }
  }
  const listen: RequestListener = (request, response) => void answer(request, response)
  keyrung.attach(createNodeDispatcher(app, listen, name))
}

/**
 * Mounts a fetch-style handler, such as the management API, under a path.
 *
 * @throws KeyrungError `config_invalid` when the handler is not a function, or the prefix is not a path
 *
 * @example
 * ```ts
 * app.use(mount(handler, { prefix: '/manage' }))
 * ```
 */
export function mount(handler: FetchHandler<KoaContext>, given: KoaMountOptions = {}): KoaMiddleware {
  requireMountable(handler, given)
  const { prefix = '', ...options } = given
  if (typeof prefix !== 'string' || !/^(?:\/[^/?#]+)*$/.test(prefix)) {
    throw invalid('config_invalid', [
      { path: 'prefix', message: 'must begin with a slash and end without one' },
    ])
  }
  return async (context, next) => {
    const { req: request, res: response, url, originalUrl, protocol, host } = context
    const target = url.slice(prefix.length)
    if (!url.startsWith(prefix) || !/^(?:[/?]|$)/.test(target)) return next()
    // Another router may have taken a part of the path away already.
    const outer = originalUrl.endsWith(url) ? originalUrl.slice(0, originalUrl.length - url.length) : ''
    const parsed = context.request.body
    const answer = await callHandler(
      handler,
      { request, response, target, prefix: outer + prefix, protocol, host, native: context, parsed },
      options,
    )
    if (answer === null) return
    // The body first: it chooses a type and a status of its own.
    context.body = bodyStream(answer)
    context.status = answer.status
    setHeaders(context.res, headerPairs(answer.headers))
  }
}

/**
 * Answers as a hidden resource is answered, for ids that the host does not know (see `http.hidden`).
 *
 * @example
 * ```ts
 * app.use(notFound(keyrung)) // after all routes
 * ```
 */
export function notFound(keyrung: Pick<Keyrung, 'http'>): KoaMiddleware {
  const answer = notFoundAnswer(keyrung)
  return (context) => setAnswer(context, answer)
}

function setAnswer(context: KoaContext, { status, headers, body }: Answer): void {
  context.status = status
  setHeaders(context.res, Object.entries(headers))
  context.body = body
}

function framingOf(context: KoaContext): Framing {
  const { app, res: response, protocol, _matchedRoute: route, request } = context
  return {
    app,
    response,
    pattern: route === undefined || route === null ? null : String(route),
    scheme: protocol === 'https' ? 'https' : 'http',
    parsed: { value: request.body, text: request.rawBody },
  }
}
