import type { Middleware } from 'koa'
import { KeyrungError, type Keyrung } from 'keyrung'
import { guard, type GuardedState } from 'keyrung/koa'
import type { catalog } from './catalog.js'
import { readFields } from './input.js'
import type { Records } from './records.js'
import type { Route } from './routes.js'

/** A route that is ready to be used: its guard was made once, and a mistake in it has stopped the start. */
interface MountedRoute extends Route {
  readonly segments: readonly string[]
  readonly guarded: ReturnType<typeof guard>
}

/**
 * Mounts every route behind a guard with its permission; other paths go on to the next middleware.
 *
 * The body is read behind the guard: nobody without a token has anything parsed. Segments are compared as they
 * were sent, without decoding: an id that would need it is none of this host's.
 */
export function mountRoutes(
  keyrung: Keyrung<typeof catalog>,
  records: Records,
  routes: readonly Route[],
): Middleware<GuardedState> {
  const mounted: readonly MountedRoute[] = routes.map((route) => ({
    ...route,
    segments: route.path.split('/'),
    guarded: guard(keyrung, route.permission),
  }))

  return async (context, next) => {
    const sent = context.path.split('/')
    const fitting = mounted.filter(({ segments }) => fits(segments, sent))
    const wanted = context.method === 'HEAD' ? 'GET' : context.method
    const route = fitting.find(({ method }) => method === wanted)
    if (!route) {
      if (fitting.length === 0) return next()
      context.set('allow', allowed(fitting))
      throw new KeyrungError('method_not_allowed')
    }
    await route.guarded(context, async () => {
      const { workspaceId } = context.state.principal
      const id = sent[route.segments.indexOf(':id')] ?? ''
      const fields = wanted === 'GET' ? {} : await readFields(context.req)
      const query = new URLSearchParams(context.querystring)
      const { status, body } = route.operation({ records, workspaceId, id, query, fields })
      context.body = body ?? null
      context.status = status
      context.set('cache-control', 'no-store')
    })
  }
}

function fits(segments: readonly string[], sent: readonly string[]): boolean {
  return (
    segments.length === sent.length &&
    segments.every((segment, i) => (segment === ':id' ? sent[i] !== '' : segment === sent[i]))
  )
}

function allowed(routes: readonly Route[]): string {
  const methods = routes.map(({ method }) => method)
  return [...new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)].join(', ')
}
