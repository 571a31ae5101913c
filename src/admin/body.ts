import { invalid, KeyrungError } from '../core/errors.js'
import { fromUtf8 } from '../crypto/encoding.js'

/** The longest body that is read, in bytes: a key with a thousand scopes has a tenth of it. */
const longestBody = 256 * 1024

/** The deepest that a body may be nested; a parser's own limit is far beyond what a stack holds. */
const deepestBody = 32

/**
 * Reads a request's JSON body; an absent one is an empty object.
 *
 * @throws `media_type_unsupported`, `body_too_large`, `input_invalid`
 */
export async function readJsonBody(request: Request): Promise<unknown> {
  const bytes = await readBytes(request)
  if (bytes.length === 0) return {}
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type)) {
    throw new KeyrungError('media_type_unsupported')
  }
  const text = fromUtf8(bytes)
  if (text === undefined) throw invalid('input_invalid', [{ path: '', message: 'is not UTF-8' }])
  if (isDeeper(text, deepestBody)) {
    throw invalid('input_invalid', [{ path: '', message: `must be at most ${deepestBody} levels deep` }])
  }
  try {
    return JSON.parse(text) as unknown
  } catch {
    // The parser's own text quotes what was sent.
    throw invalid('input_invalid', [{ path: '', message: 'is not JSON' }])
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length')) > longestBody) throw new KeyrungError('body_too_large')
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = request.body?.getReader()
  for (let read = await reader?.read(); read?.value; read = await reader!.read()) {
    chunks.push(read.value)
    length += read.value.length
    if (length > longestBody) throw new KeyrungError('body_too_large')
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** Counts brackets outside of strings, so that a hostile depth is found before anything recurses. */
function isDeeper(json: string, most: number): boolean {
  let depth = 0
  let isText = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (isText) {
      if (character === '\\') i++
      else if (character === '"') isText = false
    } else if (character === '"') isText = true
    else if (character === '{' || character === '[') {
      if (++depth > most) return true
    } else if (character === '}' || character === ']') depth--
  }
  return false
}
