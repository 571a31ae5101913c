import type * as z from 'zod/mini'
import { invalid } from '../core/errors.js'
import { objectOf } from '../service/keys/fields.js'

/** A query with these parameters and no others. */
export function parametersOf<P extends z.core.$ZodShape>(parameters: P) {
  return objectOf(parameters, `is not a parameter; there are ${Object.keys(parameters).join(', ')}`)
}

/**
 * Reads a request's query.
 *
 * @throws `input_invalid` for a parameter that is there twice: frameworks disagree about which counts
 */
export function readQuery(request: Request): Record<string, string> {
  const query = new URL(request.url).searchParams
  const repeated = [...new Set(query.keys())].filter((name) => query.getAll(name).length > 1)
  if (repeated.length > 0) {
    throw invalid(
      'input_invalid',
      repeated.map((name) => ({ path: name.slice(0, 60), message: 'must be there once' })),
    )
  }
  return Object.fromEntries(query)
}

/** A page's length from its text; what is no number is left for the service to refuse. */
export function limitOf(value: unknown): unknown {
  return typeof value === 'string' && /^[1-9]\d{0,5}$/.test(value) ? Number(value) : value
}
