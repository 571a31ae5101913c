import { ownElements, ownProperties } from './own-properties.js'
import type { Fault } from './errors.js'

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: Json
}

/** How much of a value is read. */
export interface PlainLimits {
  /** Objects and lists inside one another, the outermost counted. */
  readonly depth: number
  /** Members and elements, all together. */
  readonly elements: number
}

/** A copy that is safe to work with, and where it differs from what was given. */
export interface PlainCopy {
  /** Where something could not be copied, null stands in its place. */
  readonly value: Json
  readonly faults: readonly Fault[]
}

/**
 * Copies a value that anyone may have handed in, as far as JSON could hold it. Members that are
 * `undefined` are left out. It never throws, whatever getters, proxies or cycles there are, and reads
 * everything once.
 *
 * A member called `__proto__` is a fault: code that copies it by assignment would change a prototype.
 */
export function copyPlain(value: unknown, limits: PlainLimits): PlainCopy {
  const faults: Fault[] = []
  let left = limits.elements

  function refuse(path: string, message: string): null {
    faults.push({ path, message })
    return null
  }

  function copy(item: unknown, path: string, depth: number): Json {
    if (item === null || typeof item === 'string' || typeof item === 'boolean') return item
    if (typeof item === 'number')
      return Number.isFinite(item) ? item : refuse(path, 'must be a finite number')
    if (typeof item !== 'object') return refuse(path, 'must be plain JSON')
    if (depth > limits.depth) return refuse(path, `must be at most ${limits.depth} levels deep`)
    const elements = ownElements(item, limits.elements)
    const members = elements ? undefined : plainMembers(item)
    const size = elements?.length ?? members?.size
    if (size === undefined) return refuse(path, 'must be plain JSON, and not too long')
    if (size > left) return refuse(path, `must have at most ${limits.elements} members and elements`)
    left -= size
    const inside = path === '' ? '' : `${path}.`
    if (elements) return elements.map((element, i) => copy(element, `${inside}${i}`, depth + 1))
    const result: Record<string, Json> = {}
    for (const [name, member] of members!) {
      if (member === undefined) continue
      if (name === '__proto__') refuse(`${inside}${name}`, 'is not a field that can be set')
      else result[name] = copy(member, `${inside}${name}`, depth + 1)
    }
    return result
  }

  return { value: copy(value, '', 1), faults }
}

/** The members of an object that is nothing more than its members: no class instance, such as a `Date` or a `Map`. */
function plainMembers(item: object): ReadonlyMap<string, unknown> | undefined {
  try {
    const prototype: unknown = Object.getPrototypeOf(item)
    // Another realm's plain objects have another `Object.prototype`, which has no prototype either.
    const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
    return isPlain ? ownProperties(item) : undefined
  } catch {
    return undefined
  }
}
