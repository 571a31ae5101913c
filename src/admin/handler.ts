import type { AnyCatalog } from '../core/catalog.js'
import { invalid, KeyrungError } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { ownProperties } from '../core/own-properties.js'
import { describeUnknownOption } from '../core/suggestion.js'
import type { FetchHandler } from '../http/fetch-handler.js'
import { answerError, buildResponse } from '../http/outcome.js'
import { readUserAgent } from '../http/user-agent.js'
import type { Keyrung } from '../service/keyrung.js'
import { addressOf, findActor } from './caller.js'
import type { ActorHook } from './caller.js'
import { allowOrigin, answerPreflight } from './cross-origin.js'
import { requireSameSite } from './origin.js'
import { findRoute } from './route.js'

/** How the management API finds out who calls it, and from where it may be called. */
export interface AdminOptions<Native = unknown> {
  /**
   * Says who is signed in, by the host's own session; null: nobody. It gets the request as it is, whose body it
   * must not read, and what the framework has of it: Express's request (`session`, `user`), Koa's context (`session`, `state`).
   */
  readonly actor: ActorHook<Native>
  /**
   * Origins beside the API's own whose pages may call it, with the user's session (CORS): `https://console.acme.example`.
   */
  readonly origins?: readonly string[]
  /** The host's id of a request, kept with audit events. @defaultValue the header `X-Request-Id` */
  readonly requestId?: (request: Request) => string | undefined
}

/**
 * Makes the management API as one fetch-style handler: keys, approvals, webhooks, catalogue, permission reference,
 * audit, and for a calling key `me` and what it has waiting. JSON in snake_case, problems as RFC 9457.
 *
 * @throws `config_invalid`
 *
 * @example
 * ```ts
 * import { mount } from 'keyrung/express'
 *
 * const admin = createAdmin(keyrung, { actor: (request) => sessions.actorOf(request) })
 * app.use('/admin', mount(admin))
 * ```
 */
export function createAdmin<C extends AnyCatalog, Native = unknown>(
  keyrung: Keyrung<C>,
  options: AdminOptions<Native>,
): FetchHandler<Native> {
  const { actor, origins, requestId } = checkOptions(keyrung, options)
  const known = keyrung as unknown as Keyrung<AnyCatalog>

  async function answer(request: Request, context: Parameters<FetchHandler>[1]): Promise<Response> {
    const match = findRoute(request.method, new URL(request.url).pathname)
    if (match === undefined) throw new KeyrungError('not_found')
    if (match.verb === null) {
      const response = buildResponse(answerError(new KeyrungError('method_not_allowed'), known))
      response.headers.set('allow', match.methods.join(', '))
      return response
    }
    requireSameSite(request, origins)
    const { prefix } = context
    const address = addressOf(known, request, context)
    const origin = {
      ...{ requestId: idOf(requestId, request), address },
      userAgent: readUserAgent(request.headers.get('user-agent')),
    }
    const call = { keyrung: known, request, prefix, id: match.id, origin }
    const caller = await findActor(known, actor, request, context, address)
    if ('answer' in caller) return buildResponse(caller.answer)
    const response = await match.verb({ ...call, actor: caller.actor })
    return request.method === 'HEAD' ? new Response(null, response) : response
  }

  return async (request, context) => {
    const response =
      answerPreflight(request, origins) ??
      (await answer(request, context).catch((error: unknown) => buildResponse(answerError(error, known))))
    return allowOrigin(request, response, origins)
  }
}

/** An id that could not be kept is left out: nobody's change fails for it. */
function idOf(read: NonNullable<AdminOptions['requestId']>, request: Request): string | undefined {
  const id: unknown = read(request)
  return typeof id === 'string' && /^[\x21-\x7e]{1,200}$/.test(id) ? id : undefined
}

const knownOptions = ['actor', 'origins', 'requestId']

function checkOptions(keyrung: unknown, options: unknown): Required<AdminOptions> {
  const faults: Fault[] = []
  const given = ownProperties(options)
  const isKeyrung = typeof keyrung === 'object' && keyrung !== null && 'keys' in keyrung && 'http' in keyrung
  if (!isKeyrung) faults.push({ path: 'keyrung', message: 'must be what createKeyrung made' })
  if (typeof given?.get('actor') !== 'function') {
    faults.push({ path: 'actor', message: 'must be a function that says who is signed in' })
  }
  const origins = given?.get('origins') ?? []
  const isOrigin = (origin: unknown) =>
    typeof origin === 'string' && URL.canParse(origin) && new URL(origin).origin === origin
  if (!Array.isArray(origins) || !origins.every(isOrigin)) {
    faults.push({
      path: 'origins',
      message: 'must be a list of origins such as https://console.acme.example',
    })
  }
  const requestId = given?.get('requestId') ?? ((request: Request) => request.headers.get('x-request-id'))
  if (typeof requestId !== 'function') faults.push({ path: 'requestId', message: 'must be a function' })
  for (const name of given?.keys() ?? []) {
    if (!knownOptions.includes(name))
      faults.push({ path: name, message: describeUnknownOption(name, knownOptions) })
  }
  if (faults.length > 0) throw invalid('config_invalid', faults)
  return { actor: given!.get('actor'), origins, requestId } as Required<AdminOptions>
}
