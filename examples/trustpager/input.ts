import { KeyrungError } from 'keyrung'
import type { Fields } from './records.js'

/** How deep a body may nest: what is read is written again as JSON, which recurses. */
const maxDepth = 32

/** A page of a list or search, as a caller asks for it. */
export interface PageRequest {
  readonly limit: number
  readonly after: string | undefined
}

/**
 * A request's body as fields of a record; none sent: no fields.
 *
 * @throws KeyrungError `input_invalid`
 */
export function parseFields(body: unknown): Fields {
  if (body === undefined) return {}
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw fault('', 'must be a JSON object')
  if (isDeeperThan(maxDepth, body)) throw fault('', `nests deeper than ${maxDepth} levels`)
  return body as Fields
}

/** @throws KeyrungError `input_invalid` */
export function parsePage(limit: unknown, cursor: unknown): PageRequest {
  const count = limit === undefined ? 20 : typeof limit === 'string' ? Number(limit) : limit
  if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > 100) {
    throw fault('limit', 'must be a whole number from 1 to 100')
  }
  if (cursor !== undefined && typeof cursor !== 'string') throw fault('cursor', 'must be text')
  return { limit: count as number, after: cursor }
}

/** @throws KeyrungError `input_invalid` */
export function parseText(value: unknown): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw fault('text', 'must be text')
  return value
}

/** @throws KeyrungError `input_invalid` */
export function parseEquals(value: unknown): Fields {
  const fields = parseFields(value)
  for (const [name, wanted] of Object.entries(fields)) {
    if (!['string', 'number', 'boolean'].includes(typeof wanted)) {
      throw fault(`where.${name}`, 'must be text, a number, true or false')
    }
  }
  return fields
}

/** @throws KeyrungError `input_invalid` */
export function parseIds(value: unknown): readonly string[] {
  const good = Array.isArray(value) && value.length <= 100 && value.every((id) => typeof id === 'string')
  if (!good) throw fault('ids', 'must be a list of at most 100 ids')
  return value as string[]
}

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((inner) => isDeeperThan(depth - 1, inner))
}

function fault(path: string, message: string): KeyrungError {
  return new KeyrungError('input_invalid', { faults: [{ path, message }] })
}
