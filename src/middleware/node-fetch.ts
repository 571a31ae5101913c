import type { IncomingMessage, ServerResponse } from 'node:http'
import { invalid, KeyrungError } from '../core/errors.js'
import { describeGiven, lackedCalls } from '../core/given.js'
import type { FetchHandler } from '../http/fetch-handler.js'
import { answerError, buildResponse } from '../http/outcome.js'
import { readHttpSettings } from '../service/http-settings.js'
import { readBody } from './node-body.js'
import { hasGone, signalGone } from './node-gone.js'
import { NodeRequest } from './node-request.js'

/** How a fetch-style handler is mounted. */
export interface MountOptions {
  /** The longest body that is read, in bytes; a longer one is answered with 413. @defaultValue `1_048_576` */
  readonly maxBodyBytes?: number
}

/** A Node request with what its framework knows about it. */
export interface MountedRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Path and query behind the prefix. */
  readonly target: string
  readonly prefix: string
  readonly protocol: string
  readonly host: string | undefined
  /** What the framework itself has of the request. */
  readonly native: unknown
  /** What a body parser has made of the body, if one has read it. */
  readonly parsed: unknown
}

const defaultMaxBodyBytes = 1_048_576
/** What cannot be asked of the handler is answered as it is by default. */
const http = readHttpSettings({}, [])

/** Describe a body that was read and written anew; the handler gets neither. */
const bodyHeaders = new Set(['content-length', 'content-encoding', 'transfer-encoding'])

/** Demands what can be mounted, so that a mistake stops the start. @throws KeyrungError `config_invalid` */
export function requireMountable(handler: unknown, options: unknown): void {
  if (typeof handler !== 'function') {
    const message = `must be a function from Request to Response, such as createAdmin makes; given was ${describeGiven(handler)}`
    throw invalid('config_invalid', [{ path: 'handler', message }])
  }
  if (typeof options !== 'object' || options === null) {
    const message = `must be an object; given was ${describeGiven(options)}`
    throw invalid('config_invalid', [{ path: 'options', message }])
  }
  const { maxBodyBytes = defaultMaxBodyBytes } = options as Partial<Record<keyof MountOptions, unknown>>
  if (Number.isSafeInteger(maxBodyBytes) && (maxBodyBytes as number) >= 0) return
  throw invalid('config_invalid', [{ path: 'maxBodyBytes', message: 'must be a whole number of bytes' }])
}

/** Demands keyrung and an app that can be attached to it. @throws KeyrungError `config_invalid` */
export function requireAttachable(keyrung: unknown, app: unknown, calls: readonly string[]): void {
  for (const [path, value, needed] of [
    ['keyrung', keyrung, ['attach']],
    ['app', app, calls],
  ] as const) {
    if (lackedCalls(value, needed).length === 0) continue
    const message = `must have ${needed.join(', ')}; given was ${describeGiven(value)}`
    throw invalid('config_invalid', [{ path, message }])
  }
}

/** Hands a Node request to a fetch-style handler; rejects only if the handler does. Returns null if the client has gone. */
export async function callHandler(
  handler: FetchHandler,
  mounted: MountedRequest,
  { maxBodyBytes = defaultMaxBodyBytes }: MountOptions,
): Promise<Response | null> {
  let request: Request
  try {
    request = await buildRequest(mounted, maxBodyBytes)
  } catch (error) {
    const answer = buildResponse(answerError(error, { http }))
    // The rest of what the client is sending is not waited for.
    answer.headers.set('connection', 'close')
    return answer
  }
  try {
    const { prefix, native } = mounted
    return await handler(request, { peer: mounted.request.socket.remoteAddress, prefix, native })
  } catch (error) {
    // What failed as nobody waits for it any more is no error of the host's.
    if (hasGone(mounted.response)) return null
    throw error
  }
}

async function buildRequest(mounted: MountedRequest, maxBodyBytes: number): Promise<Request> {
  const { request, response, parsed } = mounted
  const { method = 'GET' } = request
  if (new NodeRequest(request).truncated) throw new KeyrungError('credential_invalid')
  const url = buildUrl(mounted)
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? await readBody(request, parsed, maxBodyBytes) : undefined

  const headers = new Headers()
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]!.toLowerCase()
    // HTTP/2 puts method and path among the headers.
    if (name.startsWith(':') || (body?.isRewritten && bodyHeaders.has(name))) continue
    headers.append(name, request.rawHeaders[i + 1]!)
  }

  try {
    return new Request(url, { method, headers, signal: signalGone(response), body: body?.bytes ?? null })
  } catch {
    // CONNECT, TRACE and TRACK are methods that a `Request` cannot have.
    throw new KeyrungError('method_not_allowed')
  }
}

/**
 * Builds a URL, with the client's host only if that is nothing but a host.
 *
 * @throws KeyrungError `not_found` if the parsed path differs from the path that was sent
 */
function buildUrl({ target, protocol, host }: MountedRequest): URL {
  const scheme = protocol === 'https' ? 'https' : 'http'
  const isHost = host !== undefined && /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(host)
  const named = `${scheme}://${host}`
  const origin = isHost && URL.canParse(named) ? named : `${scheme}://host.invalid`
  const path = target.replace(/^(?=\?|$)/, '/')
  // Put behind the origin, not resolved against it: `//other.example/` is a path here.
  const url = URL.canParse(origin + path) ? new URL(origin + path) : undefined
  // The framework routed by the path as it was sent: `/./keys` passes a host's middleware for `/keys`.
  if (url?.pathname !== path.replace(/\?.*$/s, '')) throw new KeyrungError('not_found')
  return url
}
