import type { CatalogDefinition } from './catalog-definition.js'
import { parseDefinition } from './catalog-faults.js'
import { KeyrungError } from './errors.js'
import { isScopeShaped } from './name.js'
import type { BoundPermission, PermissionIn, RungsByResource } from './permission.js'
import {
  bindPermissions,
  buildResources,
  titled,
  type BoundScope,
  type Group,
  type Resource,
  type Slot,
} from './resource.js'
import { findSimilar } from './suggestion.js'

/**
 * What can be granted and demanded: made once by {@link defineCatalog}, then fixed.
 *
 * Names are looked up exactly, in maps of their own, so nothing that an object inherits is ever found.
 */
export interface Catalog<Rungs extends RungsByResource = RungsByResource> {
  readonly groups: readonly Group[]
  readonly resources: readonly Resource[]
  /** One for each resource and ladder, in the order of the definition. */
  readonly slots: readonly Slot[]
  /** Every permission once, by its canonical name, in the order of the definition. */
  readonly permissions: readonly BoundPermission[]
  /**
   * The place of a permission, for code that knows its name. Types offer today's names; an old name
   * of a renamed resource is understood at run time.
   *
   * @throws KeyrungError `unknown_permission` that names it
   */
  bind(permission: PermissionIn<Rungs>): BoundPermission
  /** The place of whatever may be a permission; never throws. */
  find(permission: unknown): BoundPermission | undefined
  /** The place of whatever may be a scope; never throws. */
  findScope(scope: unknown): BoundScope | undefined
}

/** Any catalogue, where its names do not matter. */
export type AnyCatalog = Catalog

/** The permissions of a catalogue: `'contacts:read' | 'contacts:write' | …`. */
export type PermissionOf<C extends AnyCatalog> = C extends Catalog<infer Rungs> ? PermissionIn<Rungs> : never

/** The scopes of a catalogue: `'contacts:read' | 'contacts:write-approval' | …`. */
export type ScopeOf<C extends AnyCatalog> =
  C extends Catalog<infer Rungs>
    ? { [Resource in keyof Rungs & string]: `${Resource}:${Rungs[Resource]}` }[keyof Rungs & string]
    : never

/**
 * Defines what there is to protect, and on which ladders.
 *
 * @throws KeyrungError `catalog_invalid` with every mistake at once, each with its path
 *
 * @example
 * ```ts
 * const catalog = defineCatalog({
 *   groups: { crm: { label: 'CRM' } },
 *   resources: {
 *     contacts: { group: 'crm', ladder: ladders.crud, describe: { read: 'List and fetch contacts' } },
 *     forms: { ladder: [ladders.crud, ladder('send-approval', 'send')] },
 *     users: { ladder: ladder('read'), sensitive: true },
 *   },
 *   renamed: { people: 'contacts' },
 * })
 * ```
 */
export function defineCatalog<Rungs extends RungsByResource, Group extends string = never>(
  definition: CatalogDefinition<Rungs, Group>,
): Catalog<Rungs> {
  const parsed = parseDefinition(definition)
  const resources = buildResources(parsed)
  const slots = resources.flatMap((resource) => resource.slots)
  const permissions: BoundPermission[] = []
  const byPermission = new Map<unknown, BoundPermission>()
  // Compiling a grant looks up substrings just cut, which an object finds a third faster than a Map does;
  // without a prototype it has nothing but these names.
  const byScope = Object.create(null) as Record<string, BoundScope>
  for (const resource of resources) {
    const names = [resource.name, ...resource.formerly]
    for (const bound of bindPermissions(resource)) {
      permissions.push(bound)
      for (const name of names) byPermission.set(`${name}:${bound.action}`, bound)
    }
    for (const slot of resource.slots) {
      slot.scopes.forEach((scope, i) => {
        const bound = Object.freeze({ scope, slot: slot.index, level: i + 1 })
        for (const name of names) byScope[`${name}:${slot.rungs[i]}`] = bound
      })
    }
  }

  return Object.freeze<Catalog<Rungs>>({
    groups: Object.freeze(
      parsed.groups.map(({ name, label = titled(name), sensitive }) =>
        Object.freeze({ name, label, sensitive }),
      ),
    ),
    resources: Object.freeze(resources),
    slots: Object.freeze(slots),
    permissions: Object.freeze(permissions),
    bind: (permission) => byPermission.get(permission) ?? unknownPermission(permission, byPermission.keys()),
    find: (permission) => byPermission.get(permission),
    findScope: (scope) => (typeof scope === 'string' ? byScope[scope] : undefined),
  })
}

function unknownPermission(permission: unknown, known: Iterable<unknown>): never {
  if (!isScopeShaped(permission)) {
    throw new KeyrungError('unknown_permission', { message: 'A permission is written "resource:action".' })
  }
  const similar = findSimilar(permission, known as Iterable<string>)
  const hint = similar === undefined ? '' : ` Did you mean "${similar}"?`
  throw new KeyrungError('unknown_permission', {
    message: `There is no permission "${permission}" in the catalogue.${hint}`,
  })
}
