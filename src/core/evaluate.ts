import type { AnyCatalog } from './catalog.js'
import type { Decision } from './decision.js'
import type { Demand } from './demand.js'
import type { Grant } from './grant.js'
import { effectiveLevel, lacksAccess, levelAt, type Layers } from './layers.js'
import { effectAt, type Effect } from './permission.js'
import { judge } from './reason.js'

/**
 * Decides. Any permission that is denied denies all; else any that needs approval queues; else it is
 * allowed, and then nothing is allocated.
 *
 * Of several refusals the first of `unknown_permission`, `hidden`, `not_entitled`, `owner_insufficient`,
 * `insufficient` is the answer, and among equals the first permission.
 *
 * @example
 * ```ts
 * const demand = createDemand(catalog, 'contacts:write')
 * const plan = compileGrant(catalog, 'contacts:read')
 * const decision = evaluate(demand, { key: fullGrant(catalog).levels, plan: plan.levels })
 * if (decision.effect === 'deny') console.log(decision.code) // 'not_entitled'
 * ```
 */
export function evaluate(demand: Demand, layers: Layers): Decision {
  if (demand.always || demand.unknown.length > 0 || lacksAccess(layers)) return judge(demand, layers)
  const bound = demand.bound
  for (let i = 0; i < bound.length; i++) {
    const permission = bound[i]!
    if (!(effectiveLevel(layers, permission.slot) >= permission.allowAt)) return judge(demand, layers)
  }
  return demand.allow
}

/**
 * What a grant alone allows, by a permission's name. An unknown one is denied.
 *
 * @example
 * ```ts
 * check(catalog, compileGrant(catalog, 'contacts:read'), 'contacts:write') // 'deny'
 * ```
 */
export function check(catalog: AnyCatalog, grant: Grant, permission: string): Effect {
  const bound = catalog.find(permission)
  return bound === undefined ? 'deny' : effectAt(bound, levelAt(grant.levels, bound.slot))
}
