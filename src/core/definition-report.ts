import type { Fault } from './errors.js'
import { ownProperties } from './own-properties.js'

/** Collects everything that is wrong with a definition, so that its author is told all of it at once. */
export interface Report {
  readonly faults: readonly Fault[]
  add(path: string, message: string): void
  /**
   * Reads an object's own properties, and tells of each that is not in `known`; where there is no such
   * object it tells that and answers `undefined`.
   */
  properties(
    path: string,
    value: unknown,
    known?: readonly string[],
  ): ReadonlyMap<string, unknown> | undefined
}

/** Starts an empty {@link Report}. */
export function createReport(): Report {
  const faults: Fault[] = []
  const add = (path: string, message: string) => void faults.push({ path, message })
  return {
    faults,
    add,
    properties(path, value, known) {
      const properties = ownProperties(value)
      if (properties === undefined) {
        add(path, 'must be an object')
        return undefined
      }
      for (const name of properties.keys()) {
        if (known !== undefined && !known.includes(name)) {
          add(joined(path, name), `there is no such property; there are ${known.join(', ')}`)
        }
      }
      return properties
    },
  }
}

/** A path one step down; a name that would blur the path is quoted, and cut where it is overlong. */
export function joined(path: string, name: string): string {
  const step = /^[\w.-]{1,64}$/.test(name) ? name : quoted(name)
  return path === '' ? step : `${path}.${step}`
}

/** A value as it may stand in a message: on one line, bounded, never called upon to describe itself. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value)
  if (value === null || ['undefined', 'number', 'boolean'].includes(typeof value)) return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
