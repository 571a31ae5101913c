import { diffAccess, type AccessDiff } from './access-diff.js'
import type { AnyCatalog, PermissionOf } from './catalog.js'
import type { Grant } from './grant.js'
import { levelAt } from './layers.js'
import { effectAt, lowestLevel, type BoundPermission, type Effect } from './permission.js'
import type { Scope } from './resource.js'
import { scopesAt } from './scope.js'

/** A permission that was used, and what became of it: it was allowed, or it was queued for a human. */
export interface UsedPermission {
  readonly permission: string
  readonly effect: Exclude<Effect, 'deny'>
}

/** How a grant could be narrowed to what was used of it. */
export interface GrantAdvice<P extends string = string> {
  /** The narrowest scopes that would have done, in canonical order. */
  readonly scopes: readonly Scope[]
  /** Those of the held scopes of whose ladder nothing was used. */
  readonly unused: readonly Scope[]
  /** What was used and is not in the catalogue (any more): nothing is advised for it. */
  readonly unknown: readonly string[]
  /** What holding `scopes` instead would change. */
  readonly diff: AccessDiff<P>
}

/**
 * Works out the least that a holder needs: on each ladder the lowest rung that allows what was allowed and queues what
 * was queued. It never goes beyond what is held: what was used and is no longer held is not advised again.
 *
 * @example
 * ```ts
 * const held = compileGrant(catalog, 'contacts:delete email:send')
 * adviseGrant(catalog, held, [{ permission: 'contacts:write', effect: 'allow' }])
 * // scopes: ['contacts:write'], unused: ['email:send'], diff.denied: ['contacts:delete', 'email:read', 'email:send']
 * ```
 */
export function adviseGrant<C extends AnyCatalog>(
  catalog: C,
  held: Grant,
  used: Iterable<UsedPermission>,
): GrantAdvice<PermissionOf<C>> {
  const levels = new Uint8Array(catalog.slots.length)
  const unknown = new Set<string>()
  for (const { permission, effect } of used) {
    const bound = catalog.find(permission)
    if (bound === undefined) unknown.add(permission)
    else levels[bound.slot] = Math.max(levels[bound.slot]!, levelFor(bound, effect, held))
  }
  const scopes = scopesAt(catalog, levels)
  const idle = held.levels.map((level, slot) => (levels[slot] === 0 ? level : 0))
  return {
    scopes,
    unused: scopesAt(catalog, idle),
    unknown: [...unknown].sort(),
    diff: diffAccess(catalog, held, scopes),
  }
}

/** The lowest level that does for a permission what was done with it, as far as what is held does it now. */
function levelFor(bound: BoundPermission, effect: UsedPermission['effect'], held: Grant): number {
  const now = effectAt(bound, levelAt(held.levels, bound.slot))
  if (now === 'deny') return 0
  return now === 'allow' && effect === 'allow' ? bound.allowAt : lowestLevel(bound)
}
