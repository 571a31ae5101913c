import type { AnyCatalog, PermissionOf } from './catalog.js'
import type { Allowed } from './decision.js'
import { createReport } from './definition-report.js'
import { invalid } from './errors.js'
import { maxUnits, readLimits } from './limit.js'
import type { Limit, LimitRule } from './limit.js'
import { isScopeShaped } from './name.js'
import { ownElements } from './own-properties.js'
import { lowestLevel, type BoundPermission } from './permission.js'
import type { Scope } from './resource.js'

/** Most permissions one operation may demand. */
const maxPermissions = 64

/** How an operation is treated beyond the permissions it demands. */
export interface DemandOptions {
  /** It waits for a human whoever calls, Full Access included. */
  readonly approval?: 'always'
  /** What it costs, in whole units of every limit that holds for it; 0: it is free. @defaultValue `1` */
  readonly cost?: number
  /** A limit of its own, for each key; operations that name the same limit share it. */
  readonly limit?: Limit
}

/** What an operation demands, made once and evaluated often. */
export interface Demand {
  /** Canonical names, each once, in the order given; unknown ones as they were given. */
  readonly permissions: readonly string[]
  readonly bound: readonly BoundPermission[]
  /** What the catalogue does not have: such a demand is always denied. */
  readonly unknown: readonly string[]
  /** It queues even where it would be allowed. */
  readonly always: boolean
  readonly cost: number
  /** Null: only the limits of key, workspace and owner hold. */
  readonly limit: LimitRule | null
  /** The answer when all is allowed, ready made. */
  readonly allow: Allowed
}

/**
 * Makes a demand of permissions the host's code names; none admits any valid credential.
 *
 * @throws KeyrungError `unknown_permission` that names the first unknown one, `config_invalid` for
 * anything that is not a list of permissions, and for options that do not exist
 *
 * @example
 * ```ts
 * const merging = createDemand(catalog, ['contacts:write', 'contacts:delete'], { approval: 'always' })
 * const exporting = createDemand(catalog, 'contacts:read', {
 *   cost: 5,
 *   limit: { name: 'exports', limit: 50, windowMs: 3_600_000 },
 * })
 * ```
 */
export function createDemand<C extends AnyCatalog>(
  catalog: C,
  permissions: PermissionOf<C> | readonly PermissionOf<C>[],
  options: DemandOptions = {},
): Demand {
  const given = typeof permissions === 'string' ? [permissions] : ownElements(permissions, maxPermissions)
  if (given === undefined) {
    throw invalid('config_invalid', [
      { path: 'permissions', message: `must be a permission or an array of at most ${maxPermissions}` },
    ])
  }
  const report = createReport()
  const known = report.properties('options', options, ['approval', 'cost', 'limit'])
  const approval = known?.get('approval')
  if (approval !== undefined && approval !== 'always') {
    report.add('options.approval', 'must be "always" where it is given')
  }
  const cost = known?.get('cost') ?? 1
  if (!isCost(cost)) report.add('options.cost', `must be a whole number from 0 to ${maxUnits}`)
  const limit = known?.get('limit')
  const rules = limit === undefined ? [] : readLimits([limit], 'options.limit', report)
  if (report.faults.length > 0) throw invalid('config_invalid', report.faults)
  for (const permission of given) catalog.bind(permission as never)
  return build(catalog, given, approval === 'always', cost as number, rules[0])
}

function isCost(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maxUnits
}

/**
 * Makes a demand of whatever came in. What is no permission of the catalogue makes it one that is
 * denied as `unknown_permission`; this never throws. It is for deciding only, so it has no limit of its own.
 */
export function demandOf(catalog: AnyCatalog, permissions: unknown, options: DemandOptions = {}): Demand {
  const given = ownElements(permissions, maxPermissions) ?? [permissions]
  return build(catalog, given, options.approval === 'always')
}

function build(
  catalog: AnyCatalog,
  given: readonly unknown[],
  always: boolean,
  cost = 1,
  limit: LimitRule | null = null,
): Demand {
  const bound = new Set<BoundPermission>()
  const unknown = new Set<string>()
  const names = new Set<string>()
  for (const permission of given) {
    const found = catalog.find(permission)
    if (found !== undefined) bound.add(found)
    else unknown.add(isScopeShaped(permission) ? permission : malformedPermission)
    names.add(found?.permission ?? (isScopeShaped(permission) ? permission : malformedPermission))
  }
  const permissions = Object.freeze([...names])
  return Object.freeze({
    permissions,
    bound: Object.freeze([...bound]),
    unknown: Object.freeze([...unknown]),
    always,
    cost,
    limit,
    allow: Object.freeze({
      effect: 'allow',
      permissions,
      reasons: Object.freeze(
        permissions.map((permission) => Object.freeze({ permission, effect: 'allow' as const })),
      ),
    }),
  })
}

/** Stands for what was asked for where that has not even the form of a permission. */
const malformedPermission: string = '(malformed)'

/**
 * The scopes with which a credential could do what is demanded: for each ladder the lowest rung that
 * allows it, or that queues it where nothing more is to be had.
 */
export function scopesNeeded(demand: Demand): readonly Scope[] {
  const bySlot = new Map<number, { level: number; scope: Scope }>()
  for (const bound of demand.bound) {
    const level = levelNeeded(bound, demand.always)
    if (level > (bySlot.get(bound.slot)?.level ?? 0)) {
      bySlot.set(bound.slot, { level, scope: scopeNeeded(bound, demand.always) })
    }
  }
  return [...bySlot.values()].map(({ scope }) => scope)
}

function levelNeeded(bound: BoundPermission, always: boolean): number {
  return always || bound.allowAt > bound.rungs.length ? lowestLevel(bound) : bound.allowAt
}

/** The lowest scope that gets a permission through, or queued where nothing more is to be had. */
export function scopeNeeded(bound: BoundPermission, always: boolean): Scope {
  return `${bound.resource}:${bound.rungs[levelNeeded(bound, always) - 1]!}`
}
