import type { AnyCatalog } from './catalog.js'
import { invalid, type Fault } from './errors.js'
import { isScopeShaped, maxScopeLength } from './name.js'
import { ownElements } from './own-properties.js'
import type { Scope } from './resource.js'
import { findSimilar } from './suggestion.js'

/** Most scopes a credential may hold. */
export const maxScopes = 1_024

const maxTextLength = maxScopes * (maxScopeLength + 1)

/** A fault list with more guesses than this helps nobody, and each costs time. */
const maxSuggestions = 20

/** Scopes in canonical form: today's names, the highest rung of each ladder only, sorted by code unit. */
export interface ScopeSet {
  readonly scopes: readonly Scope[]
  /** The same as one text, separated by single spaces: what is stored, and what grants are cached by. */
  readonly text: string
}

/** What a stored text holds. */
export interface StoredScopes {
  /** Canonical. */
  readonly scopes: readonly Scope[]
  /** Well formed but not in this catalogue: kept, reported, and granting nothing. */
  readonly unknown: readonly Scope[]
  /** The text has not the form of scopes at all, so that none of it counts. */
  readonly malformed: boolean
}

/**
 * Reads scopes that somebody wants to be held: an array of strings, each exactly a scope of the
 * catalogue (or its name from before a rename).
 *
 * Nothing is trimmed, folded or expanded; there are no wildcards.
 *
 * @param path where the scopes stand in the input, for the faults
 * @throws KeyrungError `input_invalid` with every fault, as `scopes[3]`
 *
 * @example
 * ```ts
 * const { scopes } = parseScopes(catalog, ['contacts:write', 'contacts:read']) // ['contacts:write']
 * ```
 */
export function parseScopes(catalog: AnyCatalog, input: unknown, path = 'scopes'): ScopeSet {
  const elements = ownElements(input, maxScopes)
  if (elements === undefined) {
    throw invalid('input_invalid', [{ path, message: `must be an array of at most ${maxScopes} scopes` }])
  }
  const faults: Fault[] = []
  const levels = new Uint8Array(catalog.slots.length)
  elements.forEach((element, i) => {
    const found = catalog.findScope(element)
    if (found !== undefined) levels[found.slot] = Math.max(levels[found.slot]!, found.level)
    else {
      const message = faultOf(catalog, element, faults.length < maxSuggestions)
      faults.push({ path: `${path}[${i}]`, message })
    }
  })
  if (faults.length > 0) throw invalid('input_invalid', faults)
  const scopes = scopesAt(catalog, levels)
  return { scopes, text: scopes.join(' ') }
}

/**
 * The canonical text of scopes; those the catalogue does not know stay in it as they are.
 *
 * @throws KeyrungError `input_invalid` if one has not the form of a scope, or there are too many
 */
export function formatScopes(catalog: AnyCatalog, scopes: readonly string[]): string {
  const elements = ownElements(scopes, maxScopes)
  const bad = elements?.findIndex((element) => !isScopeShaped(element))
  if (elements === undefined || bad !== -1) {
    const path = elements === undefined ? 'scopes' : `scopes[${bad}]`
    throw invalid('input_invalid', [{ path, message: 'is not written "resource:rung"' }])
  }
  const read = readScopes(catalog, elements.join(' '))
  return [...read.scopes, ...read.unknown].sort().join(' ')
}

/**
 * Reads a stored text of scopes. One that this catalogue does not know is told apart and grants
 * nothing, as another version of the host may be running beside this one; a malformed text grants nothing at all.
 */
export function readScopes(catalog: AnyCatalog, text: string): StoredScopes {
  const levels = new Uint8Array(catalog.slots.length)
  const unknown = readLevels(catalog, text, levels)
  if (unknown === undefined) return { scopes: [], unknown: [], malformed: true }
  return { scopes: scopesAt(catalog, levels), unknown, malformed: false }
}

const none: readonly Scope[] = Object.freeze([])

/**
 * Raises levels to what a stored text holds, and answers what the catalogue does not know of it;
 * `undefined` if the text is malformed, in which case the levels are not to be used.
 */
export function readLevels(
  catalog: AnyCatalog,
  text: unknown,
  levels: Uint8Array,
): readonly Scope[] | undefined {
  if (typeof text !== 'string' || text.length > maxTextLength) return undefined
  if (text === '') return none
  let unknown: Set<Scope> | undefined
  let count = 0
  for (let start = 0; start <= text.length;) {
    const space = text.indexOf(' ', start)
    const end = space < 0 ? text.length : space
    const token = text.slice(start, end)
    const found = catalog.findScope(token)
    if (found !== undefined) {
      if (levels[found.slot]! < found.level) levels[found.slot] = found.level
    } else if (isScopeShaped(token)) (unknown ??= new Set()).add(token)
    else return undefined
    if (++count > maxScopes) return undefined
    start = end + 1
  }
  return unknown === undefined ? none : Object.freeze([...unknown].sort())
}

/** The scopes that amount to these levels, in canonical order. */
export function scopesAt(catalog: AnyCatalog, levels: Uint8Array): readonly Scope[] {
  const scopes: Scope[] = []
  for (const slot of catalog.slots) {
    const level = levels[slot.index]!
    if (level > 0) scopes.push(slot.scopes[level - 1]!)
  }
  return Object.freeze(scopes.sort())
}

function faultOf(catalog: AnyCatalog, element: unknown, suggest: boolean): string {
  if (typeof element !== 'string') return 'must be a string'
  // Only what has the form of a scope is repeated: anything else may be a secret in the wrong field.
  if (!isScopeShaped(element)) return 'is not written "resource:rung"'
  const text = `there is no scope "${element}"`
  if (!suggest) return text
  const [name, rung] = element.split(':') as [string, string]
  const resource = catalog.resources.find((known) => known.name === name || known.formerly.includes(name))
  if (resource === undefined) {
    const similar = findSimilar(
      name,
      catalog.resources.flatMap((known) => [known.name, ...known.formerly]),
    )
    if (similar === undefined) return text
    return `${text}; did you mean the resource "${similar}"?`
  }
  const rungs = resource.slots.flatMap((slot) => slot.rungs)
  const similar = findSimilar(rung, rungs)
  if (similar !== undefined) return `${text}; did you mean "${resource.name}:${similar}"?`
  return `${text}; ${resource.name} can be granted at ${rungs.slice(0, 12).join(', ')}`
}
