import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

/** A message whose signature was right. */
export interface ReceivedMessage {
  readonly type: string
  readonly data: {
    readonly approval: { readonly id: string; readonly status: string }
    /** What whoever decided gave as a reason. */
    readonly reason: string | null
    readonly request: { readonly method: string; readonly target: string; readonly body: string } | null
  }
}

/** Somebody else's server, which keyrung tells what became of a request. */
export interface WebhookReceiver {
  readonly url: string
  /** Sets what messages are signed with; without it none is believed. */
  trust(secret: string): void
  /** The next message that was verified. @throws Error where none comes in time */
  next(): Promise<ReceivedMessage>
  /** How many were refused. */
  refused(): number
  close(): Promise<void>
}

/** How long a message is waited for. */
const patienceMs = 30_000

/** Starts a receiver on a free port of this machine. It verifies by a library that has nothing to do with keyrung. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedMessage[] = []
  let secret: string | undefined
  let refused = 0
  let wake = (): void => undefined

  async function receive(request: IncomingMessage): Promise<number> {
    const message = verify(secret, await text(request), request.headers)
    if (message) received.push(message)
    else refused++
    wake()
    return message ? 204 : 401
  }

  const server = createServer((request, response) => {
    receive(request).then(
      (status) => response.writeHead(status).end(),
      () => response.destroy(),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keyrung`,
    trust: (given) => void (secret = given),
    async next() {
      const until = Date.now() + patienceMs
      while (received.length === 0) {
        const left = until - Date.now()
        if (left <= 0) throw new Error('no webhook came')
        await new Promise<void>((resolve) => {
          wake = resolve
          setTimeout(resolve, left).unref()
        })
      }
      return received.shift()!
    },
    refused: () => refused,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Reads a message only if whoever knows the secret has signed it, just now. */
function verify(
  secret: string | undefined,
  body: string,
  headers: IncomingHttpHeaders,
): ReceivedMessage | undefined {
  if (secret === undefined) return undefined
  try {
    return new Webhook(secret).verify(body, headers as Record<string, string>) as ReceivedMessage
  } catch {
    return undefined
  }
}
