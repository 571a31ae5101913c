import express, { type Request, type RequestHandler, type Router } from 'express'
import { KeyrungError, type Keyrung } from 'keyrung'
import { guard } from 'keyrung/express'
import type { catalog } from './catalog.js'
import { execute, type Reply } from './execution.js'
import { locate } from './location.js'
import { isApprovalOperation } from './operation.js'
import type { Records } from './records.js'
import type { PlannedRoute } from './route-plan.js'

/** The methods as Express spells them. */
const verbs = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const

/**
 * Mounts every route behind a guard with its permissions.
 *
 * The body is read behind the guard: nobody without a key has anything parsed, and a guard that has to queue a
 * request finds it as it was sent.
 *
 * @param approvals answers the API's routes for approvals
 */
export function mountRoutes(
  keyrung: Keyrung<typeof catalog>,
  records: Records,
  routes: readonly PlannedRoute[],
  approvals: RequestHandler,
): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  for (const route of routes) {
    const handlers = isApprovalOperation(route.operation)
      ? [approvals]
      : [requireJson, express.json({ limit: '100kb' }), answer(records, route)]
    const [first, ...further] = route.permissions
    router[verbs[route.method]](
      route.path,
      first === undefined ? guard(keyrung) : guard(keyrung, [first, ...further]),
      ...handlers,
    )
  }
  return router
}

function answer(records: Records, route: PlannedRoute): RequestHandler {
  return (request, response) => {
    const { status, body, created } = execute(callOf(request, route), records) satisfies Reply
    response.status(status).set('cache-control', 'no-store')
    if (created !== undefined) response.location(created)
    if (body === undefined) response.end()
    else response.json(body)
  }
}

function callOf(request: Request, route: PlannedRoute) {
  const { principal } = request
  if (!principal) throw new KeyrungError('credential_missing')
  return {
    route,
    workspaceId: principal.workspaceId,
    location: locate(route.path, request.params as Record<string, string>),
    query: request.query,
    body: request.body as unknown,
  }
}

/** Answers 415 to a body that is no JSON, which the parser would pass over in silence. */
const requireJson: RequestHandler = (request, _response, next) => {
  if (request.is('application/json') === false) throw new KeyrungError('media_type_unsupported')
  next()
}
