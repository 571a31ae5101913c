/**
 * The own, enumerable, string-keyed properties of an object; `undefined` for anything that is not an
 * object with properties, arrays and objects that throw while they are read included.
 *
 * Whatever a host, a hook or a caller hands in is read through this once, so that nothing inherited
 * counts and no getter runs twice.
 */
export function ownProperties(value: unknown): ReadonlyMap<string, unknown> | undefined {
  try {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return new Map(Object.entries(value))
  } catch {
    return undefined
  }
}

/**
 * The elements of an array, read once; `undefined` for anything else, for an array of more than `max`
 * elements, and for one that throws while it is read.
 */
export function ownElements(value: unknown, max: number): readonly unknown[] | undefined {
  try {
    if (!Array.isArray(value) || value.length > max) return undefined
    const elements: unknown[] = []
    for (let i = 0, length = value.length; i < length; i++) {
      elements.push(Object.hasOwn(value, i) ? value[i] : undefined)
    }
    return elements
  } catch {
    return undefined
  }
}
