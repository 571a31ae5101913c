import type { AnyCatalog, PermissionOf, ScopeOf } from './catalog.js'
import { grantOf, isGrant, type Grant } from './grant.js'
import { levelAt } from './layers.js'
import type { Scope } from './resource.js'
import { effectAt, type Effect } from './permission.js'

/** What an edit changes: each permission that changes stands in exactly one list, by what it comes to. */
export interface AccessDiff<P extends string = string> {
  /** Allowed now, and not before. */
  readonly allowed: readonly P[]
  /** Queued for approval now, and either denied or allowed before. */
  readonly queued: readonly P[]
  /** Denied now, and not before. */
  readonly denied: readonly P[]
}

/** A scope whose name is spelled out must be one of the catalog; what a key holds may be any text. */
export type KnownScope<C extends AnyCatalog, S extends string> = S &
  (string extends S ? string : Scope extends S ? string : ScopeOf<C>)

/**
 * Compares what two grants are good for, permission by permission, in the order of the catalogue.
 *
 * @throws KeyrungError `input_invalid` if a list has elements without the form of a scope
 *
 * @example
 * ```ts
 * diffAccess(catalog, ['contacts:read'], ['contacts:write-approval', 'email:read'])
 * // { allowed: ['email:read'], queued: ['contacts:write'], denied: [] }
 * ```
 */
export function diffAccess<C extends AnyCatalog, B extends string, A extends string>(
  catalog: C,
  before: Grant | 'full' | readonly KnownScope<C, B>[],
  after: Grant | 'full' | readonly KnownScope<C, A>[],
): AccessDiff<PermissionOf<C>> {
  const was = levelsOf(catalog, before)
  const is = levelsOf(catalog, after)
  const lists: Record<Effect, PermissionOf<C>[]> = { allow: [], approval: [], deny: [] }
  for (const bound of catalog.permissions) {
    const effect = effectAt(bound, levelAt(is, bound.slot))
    if (effect !== effectAt(bound, levelAt(was, bound.slot))) {
      lists[effect].push(bound.permission as PermissionOf<C>)
    }
  }
  return { allowed: lists.allow, queued: lists.approval, denied: lists.deny }
}

function levelsOf(catalog: AnyCatalog, given: Grant | 'full' | readonly string[]): Uint8Array {
  return isGrant(given) ? given.levels : grantOf(catalog, given).levels
}
