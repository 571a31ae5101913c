import type { IncomingMessage } from 'node:http'
import { KeyrungError } from '../core/errors.js'
import type { GateBody } from '../http/gate-request.js'

type Bytes = Uint8Array<ArrayBuffer>

/** A request's body, with bytes of its own. */
interface Body extends GateBody {
  readonly bytes: Bytes
}

/**
 * Reads a request's body; where a body parser has done so already, what it made of it is written down again.
 *
 * @param write how that is written; left out, as JSON, or as the text or the bytes it is
 * @throws KeyrungError `body_too_large` above `maxBytes`, `input_invalid` for a parsed value that is no JSON
 */
export async function readBody(
  request: IncomingMessage,
  parsed: unknown,
  maxBytes: number,
  write = writeParsed,
): Promise<Body> {
  // Some parsers set a body although they have passed the request over: only a stream that was read counts.
  const isRewritten = request.readableDidRead
  const bytes = isRewritten ? write(parsed) : await readStream(request, maxBytes)
  if (bytes.byteLength > maxBytes) throw new KeyrungError('body_too_large')
  return { bytes, isRewritten }
}

function writeParsed(parsed: unknown): Bytes {
  if (parsed === undefined) return new Uint8Array()
  if (parsed instanceof Uint8Array) return new Uint8Array(parsed)
  if (typeof parsed === 'string') return new TextEncoder().encode(parsed)
  try {
    return new TextEncoder().encode(JSON.stringify(parsed))
  } catch {
    // Nested too deeply, or not made by a JSON parser.
    throw new KeyrungError('input_invalid')
  }
}

function readStream(request: IncomingMessage, maxBytes: number): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    // Nobody would say so again: an empty body was read to its end, or the client is gone.
    if (request.readableEnded) return resolve(new Uint8Array())
    if (request.destroyed) return reject(new KeyrungError('input_invalid'))
    const chunks: Uint8Array[] = []
    let length = 0
    // Not by `for await`: leaving that early destroys the socket, and with it the answer.
    const onData = (chunk: Uint8Array): void => {
      length += chunk.length
      if (length <= maxBytes) chunks.push(chunk)
      else settle(() => reject(new KeyrungError('body_too_large')))
    }
    const onEnd = (): void => settle(() => resolve(joined(chunks, length)))
    const onClose = (): void => settle(() => reject(new KeyrungError('input_invalid')))
    const settle = (end: () => void): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).pause()
      end()
    }
    request.on('data', onData).on('end', onEnd).on('close', onClose)
    request.on('error', onClose)
  })
}

function joined(chunks: readonly Uint8Array[], length: number): Bytes {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
