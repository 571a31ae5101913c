import type { IncomingMessage } from 'node:http'
import { KeyrungError } from 'keyrung'
import type { Fields, Page } from './records.js'

/** The longest body that is read, in bytes. */
const longestBody = 64 * 1024

/** How deep a body may nest: what is read is written again as JSON, which recurses. */
const deepestBody = 32

/** What the server sets, so that nobody else may. */
const serverSet = ['id', 'created_at', 'updated_at']

/**
 * A request's body as fields of a record; none sent: no fields.
 *
 * @throws KeyrungError `media_type_unsupported`, `body_too_large`, `input_invalid`
 */
export async function readFields(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = []
  let length = 0
  // Leaving the loop must not destroy the socket, which the answer has yet to go through.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestBody) throw new KeyrungError('body_too_large')
    chunks.push(chunk)
  }
  if (length === 0) return {}
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new KeyrungError('media_type_unsupported')
  }
  return parseFields(Buffer.concat(chunks).toString())
}

/** @throws KeyrungError `input_invalid` */
function parseFields(text: string): Fields {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw fault('', 'is not JSON')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw fault('', 'must be a JSON object')
  if (isDeeperThan(deepestBody, body)) throw fault('', `must be at most ${deepestBody} levels deep`)
  const owned = serverSet.find((name) => Object.hasOwn(body, name))
  if (owned !== undefined) throw fault(owned, 'is set by the server')
  return body as Fields
}

/**
 * The part of a list that a query asks for: `limit`, and `starting_after` or `ending_before`.
 *
 * @throws KeyrungError `input_invalid`
 */
export function parsePage(query: URLSearchParams): Page {
  const [limit, startingAfter, endingBefore] = ['limit', 'starting_after', 'ending_before'].map((name) => {
    const values = query.getAll(name)
    if (values.length > 1) throw fault(name, 'must be there once')
    return values[0]
  })
  if (limit !== undefined && !/^(?:[1-9]\d?|100)$/.test(limit)) throw fault('limit', 'must be from 1 to 100')
  if (startingAfter !== undefined && endingBefore !== undefined) {
    throw fault('ending_before', 'cannot be combined with starting_after')
  }
  return { limit: Number(limit ?? 10), startingAfter, endingBefore }
}

/** The error for an input with a fault. */
export function fault(path: string, message: string): KeyrungError {
  return new KeyrungError('input_invalid', { faults: [{ path, message }] })
}

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((inner) => isDeeperThan(depth - 1, inner))
}
