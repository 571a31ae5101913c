import type { PostgresClient } from './client.js'

/** A connection of `pg` below its client, as far as a cancel request needs it. */
interface Wire {
  readonly ssl?: unknown
  connect(portOrPath: unknown, host?: unknown): void
  requestSsl(): void
  cancel(processId: number, secretKey: unknown): void
  on(event: 'connect' | 'sslconnect' | 'end' | 'error', listener: () => void): unknown
  readonly stream: { destroy(): void }
}

/** What a client of `pg` knows about its server; one of another make has none of it. */
interface Inner {
  readonly host?: unknown
  readonly port?: unknown
  readonly ssl?: unknown
  readonly processID?: unknown
  readonly secretKey?: unknown
  readonly connection?: { readonly constructor: new (options: object) => Wire }
}

/**
 * Asks the server to end what a connection has it do (PostgreSQL 15, 55.2.8): on a connection of its own, which takes
 * no place among those that the server admits. Resolves when the server has closed it, or nothing can be asked;
 * `signal` ends it.
 */
export function cancelStatement(client: PostgresClient, signal: AbortSignal): Promise<void> {
  const { host, port, ssl, processID, secretKey, connection } = client as Inner
  if (typeof processID !== 'number' || secretKey === null || !connection) return Promise.resolve()
  return new Promise((resolve) => {
    const wire = new connection.constructor({ ssl })
    const end = (): void => {
      wire.stream.destroy()
      resolve()
    }
    const cancel = (): void => wire.cancel(processID, secretKey)
    wire.on('connect', () => (wire.ssl ? wire.requestSsl() : cancel()))
    wire.on('sslconnect', cancel)
    wire.on('error', end)
    wire.on('end', resolve)
    signal.addEventListener('abort', end, { once: true })
    if (String(host).startsWith('/')) wire.connect(`${String(host)}/.s.PGSQL.${String(port)}`)
    else wire.connect(port, host)
  })
}
