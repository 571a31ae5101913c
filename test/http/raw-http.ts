import { connect } from 'node:net'

/** A response as it came over the wire. */
export interface Reply {
  readonly status: number
  /** By names in lower case; several values of one name are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Everything, but for the `Date` header. */
  readonly text: string
}

/** A request line and headers, each written as given, equal names too; a character is a byte. */
export interface RawRequest {
  readonly method?: string
  readonly target: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
  /** Sent behind the headers as it is, without a length. */
  readonly raw?: string
  /** @defaultValue `'close'` */
  readonly connection?: string
}

/** Sends bytes that no HTTP client would send, over a connection of its own, and reads to its end. */
export async function sendRaw(port: number, request: RawRequest): Promise<Reply> {
  const { method = 'GET', target, headers = [], body, raw, connection = 'close' } = request
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: 127.0.0.1',
    `Connection: ${connection}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [`Content-Length: ${body.length}`]),
  ]
  const socket = connect(port, '127.0.0.1')
  socket.write(`${lines.join('\r\n')}\r\n\r\n${raw ?? body ?? ''}`, 'latin1')
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return parseReply(Buffer.concat(chunks).toString('latin1'))
}

function parseReply(raw: string): Reply {
  const text = raw.replace(/^Date: .*\r\n/m, '')
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const at = line.indexOf(':')
    const name = line.slice(0, at).toLowerCase()
    const value = line.slice(at + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  const isChunked = headers['transfer-encoding'] === 'chunked'
  const rest = text.slice(end + 4)
  return { status: Number(statusLine.split(' ')[1]), headers, body: isChunked ? unchunk(rest) : rest, text }
}

function unchunk(text: string): string {
  let body = ''
  for (let at = 0; at < text.length;) {
    const lineEnd = text.indexOf('\r\n', at)
    const length = Number.parseInt(text.slice(at, lineEnd), 16)
    body += text.slice(lineEnd + 2, lineEnd + 2 + length)
    at = lineEnd + 2 + length + 2
  }
  return body
}
