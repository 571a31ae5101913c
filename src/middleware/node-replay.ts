import { createServer, request as sendRequest } from 'node:http'
import type { ClientRequest, IncomingMessage, RequestListener, Server } from 'node:http'
import { framingHeaders } from '../http/stored-headers.js'
import type { Dispatcher, ReplayAnswer, ReplayTicket, StoredRequest } from '../service/replay.js'
import { createSocketPair } from './replay-socket.js'

/** In bytes, for a request's headers and an answer's: a request that came in once is never too long. */
const maxHeaderSize = 1_048_576

/** How an app is attached. */
export interface AttachOptions {
  /**
   * What tells it from other apps of the host: the same on every instance, since each that has an app of this name runs what
   * was queued in it. @defaultValue `'main'`
   */
  readonly name?: string
}

type DispatchOptions = Parameters<Dispatcher['dispatch']>[2]

/**
 * Makes what dispatches stored requests into an app: a server that never listens, which is handed one end of a pair in
 * memory for each request, so that the app meets nothing that it does not know from the network.
 *
 * @param name the same on every instance of the host
 */
export function createNodeDispatcher(app: object, listener: RequestListener, name: string): Dispatcher {
  let server: Server | undefined
  return {
    name,
    app,
    dispatch: (request, ticket, options) => dispatch((server ??= serve(listener)), request, ticket, options),
  }
}

function serve(listener: RequestListener): Server {
  const server = createServer({ maxHeaderSize, requireHostHeader: false }, listener)
  server.maxRequestsPerSocket = 1
  return server
}

async function dispatch(
  server: Server,
  stored: StoredRequest,
  ticket: ReplayTicket,
  { maxBytes, signal }: DispatchOptions,
): Promise<ReplayAnswer> {
  signal.throwIfAborted()
  const pair = createSocketPair(stored, ticket)
  const { method, target: path } = stored
  const createConnection = (): typeof pair.client => pair.client
  const sent = sendRequest({ method, path, createConnection, maxHeaderSize, setHost: false })
  const giveUp = (): void => void sent.destroy(new Error('The replay was aborted.'))
  signal.addEventListener('abort', giveUp)
  try {
    const answer = readAnswer(sent, maxBytes)
    writeHeaders(sent, stored)
    server.emit('connection', pair.server)
    sent.end(stored.body)
    return await answer
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

function writeHeaders(sent: ClientRequest, { headers, body }: StoredRequest): void {
  const values = new Map<string, string[]>()
  for (const [name, value] of headers) {
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else known.push(value)
  }
  const isFramed = body.byteLength > 0 || values.has('content-length')
  for (const [name, all] of values) {
    if (!framingHeaders.has(name)) sent.setHeader(name, all.length === 1 ? all[0]! : all)
  }
  // Node would add headers of its own in the place of those that are not there.
  for (const name of ['connection', 'transfer-encoding', 'content-length']) sent.removeHeader(name)
  if (isFramed) sent.setHeader('content-length', body.byteLength)
}

function readAnswer(sent: ClientRequest, maxBytes: number): Promise<ReplayAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (error?: Error): void => reject(error ?? new Error('The app closed the connection.'))
    const closed = (): void => fail()
    sent.on('error', fail)
    // Also where the app changes protocols, which nobody here speaks.
    sent.once('close', closed)
    sent.once('response', (response) => {
      sent.off('close', closed)
      readBody(response, maxBytes).then(
        (read) =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? null,
            ...read,
          }),
        fail,
      )
    })
  })
}

/** Reads to the end, as a handler may still be at work while it answers, but keeps no more than is asked for. */
function readBody(
  response: IncomingMessage,
  maxBytes: number,
): Promise<Pick<ReplayAnswer, 'body' | 'isTruncated'>> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let kept = 0
    let isTruncated = false
    response.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, maxBytes - kept)
      if (part.length < chunk.length) isTruncated = true
      if (part.length > 0) chunks.push(part)
      kept += part.length
    })
    response.on('end', () => resolve({ body: new Uint8Array(Buffer.concat(chunks)), isTruncated }))
    response.on('error', reject)
  })
}
