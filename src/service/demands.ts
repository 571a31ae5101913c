import { createBounded } from '../core/bounded.js'
import type { AnyCatalog } from '../core/catalog.js'
import { createDemand, demandOf } from '../core/demand.js'
import type { Demand, DemandOptions } from '../core/demand.js'
import { invalid } from '../core/errors.js'
import { formatLimits } from '../core/key-limits.js'
import type { LimitRule } from '../core/limit.js'
import type { PermissionInput } from './keyrung.js'
import { noLimitStore } from './start-checks.js'

/** Binds what operations demand to a catalogue. */
export interface Demands<C extends AnyCatalog> {
  /** Once, for a guard. @throws KeyrungError `unknown_permission`, `config_invalid` */
  create(permissions: PermissionInput<C>, options?: DemandOptions): Demand
  /** For a single decision, whatever it is given. */
  read(permissions: unknown, options: DemandOptions | undefined): Demand
}

/**
 * Makes what binds demands, and knows the limits that operations bring along.
 *
 * @param isCounted whether there is a store that counts
 * @param know is told each limit of an operation once it is found to be sound
 */
export function createDemands<C extends AnyCatalog>(
  catalog: C,
  isCounted: boolean,
  know: (limit: LimitRule) => void,
): Demands<C> {
  const operations = new Map<string, LimitRule>()
  const demandByName = createBounded(1_000, (permission: string) => demandOf(catalog, permission))

  /** Operations share a limit by its name, so that name has to mean one thing. */
  function knowOperation(limit: LimitRule): void {
    if (!isCounted) throw invalid('config_invalid', [noLimitStore('options.limit')])
    const known = operations.get(limit.name)
    if (known !== undefined && formatLimits([known]) !== formatLimits([limit])) {
      const message = `is not what another operation calls ${limit.name}: give it a name of its own`
      throw invalid('config_invalid', [{ path: 'options.limit', message }])
    }
    operations.set(limit.name, limit)
    know(limit)
  }

  return {
    create(permissions, options) {
      const demand = createDemand(catalog, permissions, options)
      if (demand.limit !== null) knowOperation(demand.limit)
      return demand
    },
    read(permissions, options) {
      if (options?.approval !== undefined) return demandOf(catalog, permissions, options)
      if (typeof permissions === 'string') return demandByName(permissions)
      const isMade = typeof permissions === 'object' && permissions !== null && 'bound' in permissions
      return isMade ? (permissions as Demand) : demandOf(catalog, permissions)
    },
  }
}
