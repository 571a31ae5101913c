import type { ApiRoute, Method } from './api-file.js'
import { parsePermission, type TrustPagerPermission } from './catalog.js'
import { operationOf, type Operation } from './operation.js'

/** A route as it is mounted. */
export interface PlannedRoute {
  readonly method: Method
  /** Without a query string. */
  readonly path: string
  /** All of them are needed; none: any valid key will do. */
  readonly permissions: readonly TrustPagerPermission[]
  /** The same in the file's words, which are partly of old. */
  readonly scopes: readonly string[]
  readonly operation: Operation
  /** Query parameters that the file names for it; lists are narrowed by them. */
  readonly filters: readonly string[]
}

/**
 * Turns the file's routes into the ones to mount, in the order to mount them in.
 *
 * @throws Error when two entries for one route demand different permissions, as either choice could be a hole
 */
export function planRoutes(routes: readonly ApiRoute[]): readonly PlannedRoute[] {
  const names = new Set(routes.map((route) => `${route.method} ${splitPath(route.path).path}`))
  const planned = new Map<string, PlannedRoute>()
  for (const route of routes) {
    const { path, filters } = splitPath(route.path)
    const name = `${route.method} ${path}`
    const permissions = route.scopes.map(parsePermission)
    const earlier = planned.get(name)
    if (earlier && earlier.permissions.join() !== permissions.join()) {
      throw new Error(`${name} stands in the file twice, with different scopes`)
    }
    planned.set(name, {
      method: route.method,
      path,
      permissions,
      scopes: route.scopes,
      operation: operationOf(route, path, names),
      filters: [...new Set([...(earlier?.filters ?? []), ...filters])],
    })
  }
  return [...planned.values()].toSorted(literalsFirst)
}

/** Express matches paths, not query strings: what stands behind the `?` is kept as names to filter by. */
function splitPath(text: string): { readonly path: string; readonly filters: readonly string[] } {
  const [path = '', query = ''] = text.split('?')
  return { path, filters: [...new URLSearchParams(query).keys()] }
}

/**
 * Express takes the first route that fits, and `/tasks/:id` fits `/tasks/categories`: where two paths part, the
 * word goes before the parameter. Beyond that the order is the alphabet's, for steadiness.
 */
function literalsFirst(one: PlannedRoute, other: PlannedRoute): number {
  const [left, right] = [one.path.split('/'), other.path.split('/')]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [a, b] = [left[i]!, right[i]!]
    if (a.startsWith(':') !== b.startsWith(':')) return a.startsWith(':') ? 1 : -1
    if (a !== b && !a.startsWith(':')) return a < b ? -1 : 1
  }
  return left.length - right.length
}
