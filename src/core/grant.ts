import { createBounded } from './bounded.js'
import type { AnyCatalog } from './catalog.js'
import { invalid } from './errors.js'
import { ownElements } from './own-properties.js'
import type { Scope } from './resource.js'
import { formatScopes, maxScopes, readLevels, scopesAt } from './scope.js'

/** What a credential, an owner or a plan holds, compiled for evaluation. */
export interface Grant {
  /** The level on each slot of the catalogue; it is shared, so nobody writes to it. */
  readonly levels: Uint8Array
  /** Full Access: everything the catalogue has, whatever that comes to be. */
  readonly full: boolean
  /** Canonical; for full access, the top of every ladder. */
  readonly scopes: readonly Scope[]
  /** Scopes this catalogue does not know: they grant nothing. */
  readonly unknown: readonly Scope[]
}

class CompiledGrant implements Grant {
  readonly #catalog: AnyCatalog
  #scopes: readonly Scope[] | undefined

  constructor(
    catalog: AnyCatalog,
    readonly levels: Uint8Array,
    readonly full: boolean,
    readonly unknown: readonly Scope[],
  ) {
    this.#catalog = catalog
  }

  static is(value: unknown): value is Grant {
    return typeof value === 'object' && value !== null && #catalog in value
  }

  // Views need the scopes; deciding does not, and compiling is on the way to it.
  get scopes(): readonly Scope[] {
    return (this.#scopes ??= scopesAt(this.#catalog, this.levels))
  }
}

/**
 * Compiles a stored text of scopes, as `formatScopes` makes it. What the catalogue does not know grants
 * nothing, and a malformed text grants nothing at all; this never throws.
 *
 * @example
 * ```ts
 * const grant = compileGrant(catalog, 'contacts:write-approval email:send')
 * check(catalog, grant, 'contacts:write') // 'approval'
 * ```
 */
export function compileGrant(catalog: AnyCatalog, text: string): Grant {
  const levels = new Uint8Array(catalog.slots.length)
  const unknown = readLevels(catalog, text, levels)
  if (unknown === undefined) return emptyGrant(catalog)
  return new CompiledGrant(catalog, levels, false, unknown)
}

/** Says whether a value is a grant that was compiled here. */
export function isGrant(value: unknown): value is Grant {
  return CompiledGrant.is(value)
}

/** Everything there is in the catalogue. */
export function fullGrant(catalog: AnyCatalog): Grant {
  return new CompiledGrant(
    catalog,
    Uint8Array.from(catalog.slots, ({ rungs }) => rungs.length),
    true,
    [],
  )
}

/** Nothing at all. */
export function emptyGrant(catalog: AnyCatalog): Grant {
  return new CompiledGrant(catalog, new Uint8Array(catalog.slots.length), false, [])
}

/**
 * Compiles what a host's hook answered: `'full'`, or a list of scopes; those the catalogue does not know grant nothing.
 *
 * @throws KeyrungError `input_invalid` if it is neither, or one has not the form of a scope
 */
export function grantOf(catalog: AnyCatalog, scopes: 'full' | readonly string[]): Grant {
  if (scopes === 'full') return fullGrant(catalog)
  const elements = ownElements(scopes, maxScopes)
  if (elements === undefined) {
    throw invalid('input_invalid', [{ path: 'scopes', message: 'must be "full" or an array of scopes' }])
  }
  return compileGrant(catalog, formatScopes(catalog, elements as readonly string[]))
}

/**
 * Says whether a holder has everything that is wanted: what may be handed on, and what may be renewed.
 *
 * Full Access is covered by Full Access only, as it grows with the catalogue. A wanted scope that this
 * catalogue does not know is covered only by a holder of the same one: what it is worth elsewhere cannot be told.
 */
export function covers(holder: Grant, wanted: Grant): boolean {
  if (wanted.full && !holder.full) return false
  if (holder.levels.length !== wanted.levels.length) return false
  if (!holder.full && !wanted.unknown.every((scope) => holder.unknown.includes(scope))) return false
  return wanted.levels.every((level, slot) => level <= holder.levels[slot]!)
}

/** Lists what is wanted and not covered. */
export function scopesBeyond(catalog: AnyCatalog, holder: Grant, wanted: Grant): readonly Scope[] {
  const levels = wanted.levels.map((level, slot) => (level <= (holder.levels[slot] ?? 0) ? 0 : level))
  const unknown = wanted.unknown.filter((scope) => !holder.unknown.includes(scope))
  return [...scopesAt(catalog, levels), ...unknown]
}

/** What two grants have in common: on each slot the lower level. */
export function cutGrant(catalog: AnyCatalog, grant: Grant, by: Grant): Grant {
  if (by.full) return grant
  const levels = grant.levels.map((level, slot) => Math.min(level, by.levels[slot] ?? 0))
  const unknown = by.unknown.filter((scope) => grant.full || grant.unknown.includes(scope))
  return new CompiledGrant(catalog, levels, false, unknown)
}

/**
 * Keeps compiled grants by their text, the recently used ones: never more than `max`.
 *
 * A text says everything that decides within one catalogue, so it is the whole key; a cache belongs to one catalogue.
 */
export function createGrantCache(catalog: AnyCatalog, max: number): (text: string) => Grant {
  return createBounded(max, (text) => compileGrant(catalog, text))
}
