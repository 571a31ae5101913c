import type { IncomingMessage } from 'node:http'
import { KeyrungError } from '../core/errors.js'
import { parseMediaType } from '../core/media-type.js'
import type { GateBody } from '../http/gate-request.js'
import { readBody } from './node-body.js'
import { digestParsed, isTextOf } from './parsed-value.js'

/** What a body parser has left of a body. */
export interface ParsedBody {
  readonly value: unknown
  /** The text that it was made of, where the parser keeps that. */
  readonly text?: unknown
}

const jsonType = /[/+]json$/

/**
 * Reads a body so that it can be sent again and means the same: the bytes that were sent or, where a parser has read
 * them, what is parsed to the same value.
 *
 * @throws KeyrungError `body_too_large` above `maxBytes`; `not_replayable` for what a parser has left nothing of, or
 *   what no text is known to be parsed to
 */
export async function readForReplay(
  request: IncomingMessage,
  { value, text }: ParsedBody,
  maxBytes: number,
): Promise<GateBody> {
  const type = mediaTypeOf(request)
  const body = await readBody(request, value, maxBytes, () => {
    if (!hasBody(request)) return new Uint8Array()
    return typeof text === 'string' && isShownBy(text, value, type) ? encode(text) : rewrite(value, type)
  })
  return body.isRewritten ? { ...body, parsed: digest(value) } : body
}

/** JSON that something has changed since it was parsed is not shown as it was sent. */
function isShownBy(text: string, value: unknown, type: string): boolean {
  return !jsonType.test(type) || isTextOf(text, value)
}

function digest(value: unknown): string {
  try {
    return digestParsed(value)
  } catch {
    throw unreadable()
  }
}

function rewrite(value: unknown, type: string): Uint8Array<ArrayBuffer> {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (type.startsWith('multipart/') || value === undefined || typeof value === 'function') throw unreadable()
  if (type === 'application/x-www-form-urlencoded') return encode(formText(value))
  if (typeof value === 'string' && !jsonType.test(type)) return encode(value)
  try {
    return encode(JSON.stringify(value))
  } catch {
    // Nested too deeply, or not made by a JSON parser.
    throw unreadable()
  }
}

/** Nested names are written differently by each parser: only plain ones mean the same to all. */
function formText(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) throw unreadable()
  const pairs = Object.entries(value).flatMap(([name, given]: [string, unknown]): [string, string][] => {
    if (typeof given === 'string') return [[name, given]]
    const isList = Array.isArray(given) && given.length > 1 && given.every((one) => typeof one === 'string')
    if (!isList || /[[\]]/.test(name)) throw unreadable()
    return (given as string[]).map((one) => [name, one])
  })
  return new URLSearchParams(pairs).toString()
}

function mediaTypeOf(request: IncomingMessage): string {
  return parseMediaType(request.headers['content-type'] ?? '')?.essence ?? ''
}

/** Whether one was sent at all (RFC 9112, 6.3). */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

function unreadable(): KeyrungError {
  return new KeyrungError('not_replayable', {
    message:
      'This request cannot wait for an approval, as its body was read ahead of the guard, and cannot be put together again.',
  })
}
