import { KeyrungError } from '../../core/errors.js'
import { formatMediaType, parseMediaType } from '../../core/media-type.js'
import { JsonTextFault, readJsonText } from '../../core/json-text.js'
import type { JsonTextLimits } from '../../core/json-text.js'
import { fromUtf8 } from '../../crypto/encoding.js'
import { isCredentialHeader } from '../approval-settings.js'
import type { ApprovalSettings } from '../approval-settings.js'
import { findPartFault } from './part-heads.js'
import type { StoredRequest } from '../replay.js'

/** How deep and how long a JSON body may be that people are to read, and that recursive parsers have to survive. */
export const bodyLimits: JsonTextLimits = { depth: 64, elements: 20_000 }

const longestTarget = 8_192
const longestPattern = 1_000
const mostHeaders = 100
const longestHeaders = 16_384

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Copies a request that is to be replayed, without anything by which its caller is known.
 *
 * What an approver could be shown otherwise than the handler would read it is refused: names that are there twice in a
 * JSON object, a byte order mark, bytes that are no UTF-8, compressed bodies, other charsets.
 *
 * @throws KeyrungError `not_replayable`, which says what is wrong; `body_too_large`
 */
export function copyReplayable(request: StoredRequest, settings: ApprovalSettings): StoredRequest {
  const { method, target, pattern, scheme, body, isRewritten, parsed } = request
  if (!(body instanceof Uint8Array)) throw refused('its body is not there as bytes')
  if (body.length > settings.maxBodyBytes) throw tooLarge(settings)
  if (typeof method !== 'string' || !token.test(method)) throw refused('its method is not one')
  if (typeof target !== 'string' || !/^\/[\x21-\x7e]*$/.test(target)) {
    throw refused('its target is not a path of visible ASCII characters')
  }
  if (target.length > longestTarget) throw refused(`its target is longer than ${longestTarget} characters`)
  if (pattern !== null && !(typeof pattern === 'string' && isPattern(pattern))) {
    throw refused('the pattern of its route is not one short line')
  }
  const headers = copyHeaders(request.headers, settings)
  demandReadable(headers, body)
  return {
    ...{ method, target, pattern, headers, body: body.slice() },
    scheme: scheme === 'https' ? 'https' : 'http',
    isRewritten: isRewritten === true,
    parsed: typeof parsed === 'string' ? parsed : null,
  }
}

function isPattern(pattern: string): boolean {
  return pattern.length <= longestPattern && !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(pattern)
}

function copyHeaders(
  given: StoredRequest['headers'],
  settings: ApprovalSettings,
): readonly (readonly [name: string, value: string])[] {
  const headers: (readonly [string, string])[] = []
  let length = 0
  for (const [name, value] of given) {
    const lower = typeof name === 'string' ? name.toLowerCase() : ''
    if (!token.test(lower) || typeof value !== 'string' || !fieldValue.test(value)) {
      throw refused('one of its headers is malformed')
    }
    // Whoever runs it is told by the approval who asked; no credential is ever kept.
    if (isCredentialHeader(lower, settings)) continue
    length += lower.length + value.length
    const type = lower === 'content-type' ? parseMediaType(value) : null
    headers.push([lower, type === null ? value : formatMediaType(type)])
  }
  if (headers.length > mostHeaders || length > longestHeaders) throw refused('it has too many headers')
  return headers
}

/** Rejects a body that can be read in more than one way. */
function demandReadable(headers: StoredRequest['headers'], body: Uint8Array): void {
  const types = valuesOf(headers, 'content-type')
  if (types.length > 1) throw refused('it has more than one content type')
  if (types.length === 1 && parseMediaType(types[0]!) === null) throw refused('its content type is malformed')
  if (body.length === 0) return
  const encodings = valuesOf(headers, 'content-encoding')
  if (encodings.some((encoding) => !/^(?:identity)?$/i.test(encoding.trim()))) {
    throw refused('its body is compressed; send it as it is')
  }
  const { kind, charset } = readContentType(types[0] ?? null)
  if (!isUtf8Charset(charset)) {
    throw refused('its body is in another charset than UTF-8')
  }
  if (charset !== null && /^us-ascii$/i.test(charset) && body.some((byte) => byte > 0x7f)) {
    throw refused('its body is not in the charset that it names')
  }
  const type = parseMediaType(types[0] ?? '')
  if (type?.essence.startsWith('multipart/')) {
    const fault = findPartFault(body, type.parameters.get('boundary'))
    if (fault !== null) throw refused(fault)
  }
  // Some hosts parse JSON under any type.
  const isJson = kind === 'json' || isJsonContainer(new TextDecoder().decode(body))
  if (kind === 'binary' && !isJson) return
  const text = fromUtf8(body)
  if (text === undefined) throw refused('its body is not valid UTF-8')
  if (text.startsWith('\ufeff')) throw refused('its body begins with a byte order mark')
  if (!isJson) return
  try {
    readJsonText(text, bodyLimits)
  } catch (error) {
    if (error instanceof JsonTextFault) throw refused(`its body ${error.message}`)
    throw error
  }
}

function isJsonContainer(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}

function valuesOf(headers: StoredRequest['headers'], name: string): readonly string[] {
  return headers.filter(([header]) => header === name).map(([, value]) => value)
}

/** What a body is read as. */
export interface ContentType {
  readonly kind: 'json' | 'form' | 'text' | 'binary'
  readonly charset: string | null
  /** True for a type that is there but cannot be read: parsers differ on what it means. */
  readonly isMalformed: boolean
}

/** Says whether bytes in a charset are read as UTF-8; none at all means that they are. */
export function isUtf8Charset(charset: string | null): boolean {
  return charset === null || /^(?:utf-?8|us-ascii)$/i.test(charset)
}

/** Reads how a body of a content type is shown; a missing or malformed type means bytes. */
export function readContentType(value: string | null): ContentType {
  const parsed = value === null ? null : parseMediaType(value)
  if (parsed === null) return { kind: 'binary', charset: null, isMalformed: value !== null }
  const { essence, parameters } = parsed
  const charset = parameters.get('charset') ?? null
  const read = { charset, isMalformed: false } as const
  if (/^[^/]+\/(?:.+\+)?json$/.test(essence)) return { kind: 'json', ...read }
  if (essence === 'application/x-www-form-urlencoded') return { kind: 'form', ...read }
  if (essence.startsWith('text/')) return { kind: 'text', ...read }
  return { kind: 'binary', ...read }
}

/** The error for a request that cannot wait: the message says why. */
function refused(why: string): KeyrungError {
  return new KeyrungError('not_replayable', {
    message: `This request cannot wait for an approval: ${why}.`,
  })
}

/** The error for a body that is longer than what is queued. */
function tooLarge({ maxBodyBytes }: Pick<ApprovalSettings, 'maxBodyBytes'>): KeyrungError {
  return new KeyrungError('body_too_large', {
    message: `What waits for an approval may have at most ${maxBodyBytes} bytes.`,
  })
}
