import type { IncomingMessage } from 'node:http'
import { KeyrungError } from '../core/errors.js'

/** A request's body. */
export interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** True where a parser had read it, so that these are not the bytes that were sent. */
  readonly isRewritten: boolean
}

/**
 * Reads a request's body; where a body parser has done so already, what it made of it is written down again.
 *
 * @throws KeyrungError `body_too_large` above `maxBytes`, `input_invalid` for a parsed value that is no JSON
 */
export async function readBody(request: IncomingMessage, parsed: unknown, maxBytes: number): Promise<Body> {
  // Some parsers set a body although they have passed the request over: only a stream that was read counts.
  const isRewritten = request.readableDidRead
  const bytes = isRewritten ? writeParsed(parsed) : await readStream(request, maxBytes)
  if (bytes.byteLength > maxBytes) throw new KeyrungError('body_too_large')
  return { bytes, isRewritten }
}

function writeParsed(parsed: unknown): Uint8Array<ArrayBuffer> {
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

function readStream(request: IncomingMessage, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
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

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
