import type { NetClock } from './name-resolver.js'
import type { OutboundPolicy, OutboundTarget } from './outbound-url.js'

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
  once(event: 'connect' | 'secureConnect', listen: () => void): void
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
  readonly clock: NetClock
  /** All addresses of a name; rejects where there are none. */
  resolve(hostname: string): Promise<readonly string[]>
  readonly https: OutboundClient
  readonly http: OutboundClient
}

/** Sends messages, each once; it never rejects. */
export interface Outbound {
  post(message: OutboundMessage, signal: AbortSignal): Promise<OutboundAnswer>
}

/** The most addresses of a name that are tried for one message. */
const mostAddresses = 4

/** How long an address may take to be connected to while there is another to try, in milliseconds. */
const connectMs = 1_000

/** The longest headers of an answer; its body is not read at all. */
const longestHeaders = 16 * 1024

/**
 * Makes what sends messages to places that others have chosen: every address of the name is vetted and any bad one
 * refuses, the connection is made to the very addresses that were vetted, one after another until one takes it, and asked
 * once more where it leads, a redirection is an answer like any other, and nothing of an answer's body is read.
 */
export function createOutbound(policy: OutboundPolicy, means: OutboundMeans): Outbound {
  /** None where one must not be reached. */
  async function addressesOf(hostname: string): Promise<readonly string[]> {
    if (policy.allows(hostname)) return [hostname]
    const addresses = await means.resolve(hostname)
    return addresses.every((address) => policy.allows(address)) ? addresses.slice(0, mostAddresses) : []
  }

  /** `unconnected` where nothing was sent, so that another address may be tried. */
  function send(
    { url, hostname, port }: OutboundTarget,
    { address, isLast }: { readonly address: string; readonly isLast: boolean },
    { headers, body }: OutboundMessage,
    signal: AbortSignal,
  ): Promise<{ readonly answer: OutboundAnswer; readonly unconnected: boolean }> {
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
      let unconnected = true
      const end = (answer: OutboundAnswer): void => {
        signal.removeEventListener('abort', onAbort)
        stopWatch()
        request.destroy()
        resolve({ answer, unconnected })
      }
      const onAbort = (): void => end({ ok: false, why: 'timeout' })
      const stopWatch = isLast ? () => undefined : means.clock.after(connectMs, onAbort)
      signal.addEventListener('abort', onAbort)
      request.on('error', (error) => end({ ok: false, why: codeOf(error) }))
      request.on('response', ({ statusCode = 0, headers: given }) => {
        const after = given['retry-after']
        end({ ok: true, status: statusCode, retryAfter: typeof after === 'string' ? after : null })
      })
      request.on('socket', (socket) => {
        const established = (): void => {
          unconnected = false
          stopWatch()
        }
        const check = (): void => {
          if (!policy.allows(socket.remoteAddress)) {
            unconnected = false
            end({ ok: false, why: 'address_denied' })
          } else if (!isSecure) established()
        }
        if (isSecure) socket.once('secureConnect', established)
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
        const addresses = await addressesOf(target.hostname)
        let last: OutboundAnswer = { ok: false, why: 'address_denied' }
        for (const [i, address] of addresses.entries()) {
          if (signal.aborted) return { ok: false, why: 'timeout' }
          const isLast = i === addresses.length - 1
          const { answer, unconnected } = await send(target, { address, isLast }, message, signal)
          if (!unconnected) return answer
          last = answer
        }
        return last
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
