import { findRoute } from './route.js'

/** What pages of other origins may read of an answer, beside what they always may. */
const exposed =
  'ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate'

/** How long a browser may remember a preflight, in seconds. */
const rememberSeconds = 600

/** Answers a preflight (Fetch, 3.3) of a page of one of the origins; null: the request is no such preflight. */
export function answerPreflight(request: Request, origins: readonly string[]): Response | null {
  const { headers, method, url } = request
  if (method !== 'OPTIONS' || !headers.has('access-control-request-method') || !isListed(request, origins)) {
    return null
  }
  const match = findRoute(method, new URL(url).pathname)
  const wanted = headers.get('access-control-request-headers')
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': match?.verb === null ? match.methods.join(', ') : 'GET, HEAD',
      // They are the host's own pages, and its session may come in any header.
      ...(wanted !== null && { 'access-control-allow-headers': wanted }),
      'access-control-max-age': String(rememberSeconds),
      'cache-control': 'no-store',
      vary: 'access-control-request-method, access-control-request-headers',
    },
  })
}

/** Lets pages of the origins read an answer, with whatever credentials it was asked for. */
export function allowOrigin(request: Request, response: Response, origins: readonly string[]): Response {
  if (origins.length === 0) return response
  const { headers } = response
  headers.append('vary', 'origin')
  if (isListed(request, origins)) {
    headers.set('access-control-allow-origin', request.headers.get('origin')!)
    headers.set('access-control-allow-credentials', 'true')
    if (request.method !== 'OPTIONS') headers.set('access-control-expose-headers', exposed)
  }
  return response
}

function isListed({ headers }: Request, origins: readonly string[]): boolean {
  return origins.includes(headers.get('origin') ?? '')
}
