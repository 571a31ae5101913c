import { readJsonText } from '../../core/json-text.js'
import type { JsonSpan } from '../../core/json-text.js'
import { formatPointer, matchesSteps, pointerSteps } from '../../core/json-pointer.js'
import { canonicalJson } from '../../crypto/canonical-json.js'
import { fromUtf8, toBase64 } from '../../crypto/encoding.js'
import type { Json } from '../../core/plain-value.js'
import { looksLikeJson, mask, maskFields } from './masked-fields.js'
import type { MaskedText, Patterns } from './masked-fields.js'
import { maskParts } from './masked-parts.js'
import { bodyLimits, isUtf8Charset, readContentType } from './replayable.js'
import type { BodyView } from './view.js'

/** A body as it is shown: what is text as text, all else in base64. */
export type ShownBody = Pick<BodyView, 'encoding' | 'text' | 'masked'>

/** Stands for what cannot be shown, as what is in it cannot be told. */
const leftOut = { encoding: 'utf8', text: '', masked: [''] } as const

/**
 * Shows a body with the values masked that pointers name: in JSON, in forms, and in the parts of multipart bodies; all
 * else stays as it was, letter by letter.
 *
 * What cannot be read to its end, as JSON that was cut, is left out altogether: what is in it cannot be told. So is what
 * has a malformed content type, or another charset than UTF-8, as some parsers read it all the same.
 */
export function maskBody(
  body: Uint8Array,
  contentType: string | null,
  pointers: readonly string[],
): ShownBody {
  const patterns = pointers.map(pointerSteps)
  if (patterns.length === 0 || body.length === 0) return { ...written(body), masked: [] }
  if (namesAll(patterns)) return { encoding: 'utf8', text: mask, masked: [''] }
  const { kind, charset, isMalformed } = readContentType(contentType)
  if (isMalformed || !isUtf8Charset(charset)) return leftOut
  if (contentType !== null && /^\s*multipart\//i.test(contentType)) {
    const parts = maskParts(body, contentType, patterns)
    return parts === null ? leftOut : { ...written(parts.body), masked: parts.masked }
  }
  const text = fromUtf8(body)
  if (text === undefined) {
    // A result may have been cut in the middle of a letter.
    const isBinary = kind === 'binary' && !looksLikeJson(String.fromCharCode(...body.subarray(0, 100)))
    return isBinary ? { ...written(body), masked: [] } : leftOut
  }
  // Some hosts read JSON whatever it is called.
  if (kind === 'json' || looksLikeJson(text)) {
    const shown = maskJsonText(text, patterns)
    return shown === null ? leftOut : { encoding: 'utf8', ...shown }
  }
  const shown = kind === 'form' ? maskFields(text, patterns) : { text, masked: [] }
  return { encoding: 'utf8', ...shown }
}

/** Masks the fields of a target's query that pointers name. */
export function maskTarget(target: string, pointers: readonly string[]): MaskedText {
  const query = target.indexOf('?') + 1
  if (query === 0 || query === target.length) return { text: target, masked: [] }
  const patterns = pointers.map(pointerSteps)
  const shown = namesAll(patterns) ? { text: mask, masked: [''] } : maskFields(target.slice(query), patterns)
  return { ...shown, text: target.slice(0, query) + shown.text }
}

/** Masks what pointers name in a value. */
export function maskValue(value: Json, pointers: readonly string[]): Json {
  if (value === null || pointers.length === 0) return value
  const shown = maskJsonText(canonicalJson(value), pointers.map(pointerSteps))
  return shown === null ? null : (JSON.parse(shown.text) as Json)
}

/** The empty pointer names everything. */
function namesAll(patterns: Patterns): boolean {
  return patterns.some((pattern) => pattern.length === 0)
}

function written(body: Uint8Array): Pick<BodyView, 'encoding' | 'text'> {
  const text = fromUtf8(body)
  return text === undefined ? { encoding: 'base64', text: toBase64(body) } : { encoding: 'utf8', text }
}

/** Null for what cannot be read to its end. */
function maskJsonText(text: string, patterns: Patterns): MaskedText | null {
  const outermost: JsonSpan[] = []
  try {
    readJsonText(text, bodyLimits, (span) => {
      if (!patterns.some((pattern) => matchesSteps(pattern, span.path))) return
      // What stands in it has been told of before.
      while ((outermost.at(-1)?.start ?? -1) > span.start) outermost.pop()
      outermost.push(span)
    })
  } catch {
    return null
  }
  let shown = ''
  let at = 0
  for (const { start, end } of outermost) {
    shown += `${text.slice(at, start)}"${mask}"`
    at = end
  }
  return { text: shown + text.slice(at), masked: outermost.map(({ path }) => formatPointer(path)) }
}
