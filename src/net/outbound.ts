import type { OutboundPolicy } from './outbound-url.js'

/** A message to a place that somebody else has chosen. */
export interface OutboundMessage {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What came of it: the status and when to come again, or one word for why there was no answer. */
export type OutboundAnswer =
  | { readonly ok: true; readonly status: number; readonly retryAfter: string | null }
  | { readonly ok: false; readonly why: string }

/** A connection that can be asked what it is connected to. */
interface Socket {
  readonly remoteAddress?: string | undefined
}

interface IncomingAnswer {
  readonly statusCode?: number | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  destroy(): void
}

interface OutgoingRequest {
  on(event: 'socket', listen: (socket: Socket & Listening) => void): void
  on(event: 'response', listen: (answer: IncomingAnswer) => void): void
  on(event: 'error', listen: (error: unknown) => void): void
  end(body: string): void
  destroy(): void
}

interface Listening {
  readonly connecting?: boolean
  once(event: 'connect', listen: () => void): void
}

/** What is used of Node's `http` and `https`. */
export interface OutboundClient {
  request(options: {
    readonly method: 'POST'
    readonly host: string
    readonly port: number
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly servername?: string
    readonly agent: false
    readonly maxHeaderSize: number
  }): OutgoingRequest
}

/** What outbound requests are made with. */
export interface OutboundMeans {
  /** All addresses of a name; rejects where there are none. */
  resolve(hostname: string): Promise<readonly string[]>
  readonly https: OutboundClient
  readonly http: OutboundClient
}

/** Sends messages, each once; it never rejects. */
export interface Outbound {
  post(message: OutboundMessage, signal: AbortSignal): Promise<OutboundAnswer>
}

/** The longest headers of an answer; its body is not read at all. */
const longestHeaders = 16 * 1024

/**
 * Makes what sends messages to places that others have chosen: every address of the name is vetted and any bad one
 * refuses, the connection is made to the very address that was vetted and asked once more where it leads, a redirection
 * is an answer like any other, and nothing of an answer's body is read.
 */
export function createOutbound(policy: OutboundPolicy, means: OutboundMeans): Outbound {
  async function addressOf(hostname: string): Promise<string | null> {
    if (policy.allows(hostname)) return hostname
    const addresses = await means.resolve(hostname)
    return addresses.length > 0 && addresses.every((address) => policy.allows(address)) ? addresses[0]! : null
  }

  function send(
    { url, hostname, port }: { readonly url: URL; readonly hostname: string; readonly port: number },
    address: string,
    { headers, body }: OutboundMessage,
    signal: AbortSignal,
  ): Promise<OutboundAnswer> {
    return new Promise((resolve) => {
      const isSecure = url.protocol === 'https:'
      const request = (isSecure ? means.https : means.http).request({
        method: 'POST',
        host: address,
        port,
        path: url.pathname + url.search,
        // The name is what the certificate is for; there is none for an address (RFC 6066, 3).
        ...(isSecure && hostname !== address && { servername: hostname }),
        headers: { ...headers, host: url.host },
        agent: false,
        maxHeaderSize: longestHeaders,
      })
      const end = (answer: OutboundAnswer): void => {
        signal.removeEventListener('abort', onAbort)
        request.destroy()
        resolve(answer)
      }
      const onAbort = (): void => end({ ok: false, why: 'timeout' })
      signal.addEventListener('abort', onAbort)
      request.on('error', (error) => end({ ok: false, why: codeOf(error) }))
      request.on('response', ({ statusCode = 0, headers: given }) => {
        const after = given['retry-after']
        end({ ok: true, status: statusCode, retryAfter: typeof after === 'string' ? after : null })
      })
      request.on('socket', (socket) => {
        const check = (): void => {
          if (!policy.allows(socket.remoteAddress)) end({ ok: false, why: 'address_denied' })
        }
        if (socket.connecting) socket.once('connect', check)
        else check()
      })
      request.end(body)
    })
  }

  return {
    async post(message, signal) {
      const target = policy.readUrl(message.url)
      if (typeof target === 'string') return { ok: false, why: 'url_denied' }
      try {
        const address = await addressOf(target.hostname)
        if (address === null) return { ok: false, why: 'address_denied' }
        if (signal.aborted) return { ok: false, why: 'timeout' }
        return await send(target, address, message, signal)
      } catch (error) {
        return { ok: false, why: codeOf(error) }
      }
    },
  }
}

/** A system's word for what went wrong (`ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`), never a text. */
function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' && /^[A-Z][A-Z_0-9]{1,59}$/.test(code) ? code : 'failed'
}
