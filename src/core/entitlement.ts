import type { AnyCatalog } from './catalog.js'
import { createReport } from './definition-report.js'
import { invalid, isKeyrungError } from './errors.js'
import { emptyGrant, grantOf, type Grant } from './grant.js'
import { noLimits } from './key-limits.js'
import { anyLifetime, lifetimeOptions, readLifetime } from './lifetime.js'
import type { Lifetime } from './lifetime.js'
import { readLimits } from './limit.js'
import type { Limit, LimitRule } from './limit.js'

/** What a workspace's plan allows, as the host's hook answers it; `S` are the catalog's scopes. */
export interface Entitlement<S extends string = string> extends Lifetime {
  /** Whether there is API access at all; anything but `true` is no access. */
  readonly access: boolean
  /** The most any key of the workspace can do, `'full'` or a list of scopes; left out: no ceiling. */
  readonly ceilings?: 'full' | readonly S[]
  /** The most active keys the workspace may have; left out: any number. */
  readonly maxKeys?: number
  /** Limits of each of its keys: they take the place of the host's defaults of the same name. */
  readonly limits?: readonly Limit[]
}

/** An entitlement, checked and compiled. */
export interface Plan {
  readonly access: boolean
  /** Null: no ceiling. Without access it is empty. */
  readonly ceiling: Grant | null
  /** Null: any number. */
  readonly maxKeys: number | null
  /** In canonical order; empty: the host's defaults hold. */
  readonly limits: readonly LimitRule[]
  readonly lifetime: Lifetime
}

/** The plan of a host that has none: everything is allowed. */
export const anyPlan: Plan = Object.freeze({
  access: true,
  ceiling: null,
  maxKeys: null,
  limits: noLimits,
  lifetime: anyLifetime,
})

/**
 * Reads what the `entitlements` hook answered. Only `true` itself gives access, and a property that
 * does not exist is refused, as a ceiling that was misspelt would otherwise be none.
 *
 * @throws KeyrungError `input_invalid` with every fault
 */
export function parseEntitlement(catalog: AnyCatalog, value: unknown): Plan {
  if (value === null) {
    return Object.freeze({ ...anyPlan, access: false, ceiling: emptyGrant(catalog) })
  }
  const report = createReport()
  const given = report.properties('', value, ['access', 'ceilings', 'maxKeys', 'limits', ...lifetimeOptions])
  const access = given?.get('access')
  if (given !== undefined && typeof access !== 'boolean') report.add('access', 'must be true or false')
  const maxKeys = given?.get('maxKeys')
  if (maxKeys !== undefined && !(Number.isSafeInteger(maxKeys) && (maxKeys as number) >= 0)) {
    report.add('maxKeys', 'must be a whole number, 0 or more')
  }
  let ceiling: Grant | null = null
  try {
    const ceilings = given?.get('ceilings')
    if (ceilings !== undefined) ceiling = grantOf(catalog, ceilings as readonly string[])
  } catch (error) {
    if (!isKeyrungError(error)) throw error
    for (const fault of error.faults) report.add(fault.path.replace(/^scopes/, 'ceilings'), fault.message)
  }
  const ownLimits = given?.get('limits')
  const limits = ownLimits === undefined ? noLimits : readLimits(ownLimits, 'limits', report)
  const lifetime = readLifetime(Object.fromEntries(given ?? []), '', report)
  if (report.faults.length > 0) throw invalid('input_invalid', report.faults)
  return Object.freeze({
    access: access === true,
    ceiling: access === true ? ceiling : emptyGrant(catalog),
    maxKeys: (maxKeys as number | undefined) ?? null,
    limits,
    lifetime,
  })
}
