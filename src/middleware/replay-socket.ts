import { Duplex } from 'node:stream'
import type { ReplayTicket, StoredRequest } from '../service/replay.js'

/** How many bytes one end passes on until everything else in the process has had its turn. */
const bytesATurn = 65_536

/** One end of a pair in memory: what is written to it is read from the other. */
class End extends Duplex {
  #other: End | undefined
  #written: (() => void) | undefined
  #isOver = false
  #passedThisTurn = 0

  static join(a: End, b: End): void {
    a.#other = b
    b.#other = a
  }

  override _read(): void {
    this.#goOn()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.#offer(chunk, done)
  }

  /** What was written together arrives together, so that a head and its body are parsed at once. */
  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: (error?: Error) => void): void {
    this.#offer(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  #offer(chunk: Uint8Array, done: (error?: Error) => void): void {
    this.#passedThisTurn += chunk.length
    if (this.#passedThisTurn < bytesATurn) {
      this.#pass(chunk, done)
    } else {
      // Nothing here waits for a network: who writes without end would keep the whole process to itself.
      this.#passedThisTurn = 0
      setImmediate(() => this.#pass(chunk, done))
    }
  }

  #pass(chunk: Uint8Array, done: (error?: Error) => void): void {
    const other = this.#other
    if (other === undefined || other.destroyed || other.#isOver) {
      done(Object.assign(new Error('The other end is closed.'), { code: 'EPIPE' }))
    } else if (chunk.length === 0 || other.push(chunk)) {
      done()
    } else {
      // What is not read yet holds back what is written, as on any socket.
      other.#written = done
    }
  }

  override _final(done: () => void): void {
    this.#other?.finish()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#goOn()
    if (!this.writableFinished || !this.readableEnded) this.#other?.lost()
    done(error)
  }

  /** Lets the other end write more. */
  #goOn(): void {
    const written = this.#written
    this.#written = undefined
    written?.()
  }

  /** The other end was closed in the middle of something. */
  protected lost(): void {
    this.finish()
  }

  /** Nothing more will come; what has come is still read. */
  protected finish(): void {
    if (this.#isOver || this.destroyed) return
    this.#isOver = true
    this.push(null)
  }
}

/**
 * The socket that a replayed request comes over, as the host's server sees it: with the scheme of the first time, and
 * the address that was approved. It is the mark of a replay too: only what was made here has a ticket, and nothing can be given one.
 */
export class ReplaySocket extends End {
  readonly #ticket: ReplayTicket
  readonly remoteAddress: string | undefined
  readonly remoteFamily: string | undefined
  /** As on a TLS socket; there is no such property on others. */
  declare readonly encrypted?: true

  constructor({ scheme }: Pick<StoredRequest, 'scheme'>, ticket: ReplayTicket) {
    super()
    this.#ticket = ticket
    const { address } = ticket.principal
    this.remoteAddress = address ?? undefined
    this.remoteFamily = address === null ? undefined : address.includes(':') ? 'IPv6' : 'IPv4'
    if (scheme === 'https') Object.defineProperty(this, 'encrypted', { value: true })
  }

  /** The ticket of a request that came over this socket; none for a socket of any other kind. */
  static ticketOf(socket: object | null | undefined): ReplayTicket | undefined {
    return socket && #ticket in socket ? socket.#ticket : undefined
  }

  protected override lost(): void {
    // Whoever works on an answer learns at once that nobody waits for it, even while it reads nothing.
    this.destroy()
  }

  // What handlers ask of any socket, and what means nothing here: how long a replay may take is limited from outside.

  setTimeout(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
  address(): object {
    return {}
  }
  getPeerCertificate(): object {
    return {}
  }
}

/** Joins a client's end to the socket that the server is given. */
export function createSocketPair(
  request: Pick<StoredRequest, 'scheme'>,
  ticket: ReplayTicket,
): { readonly client: Duplex; readonly server: ReplaySocket } {
  const client = new End()
  const server = new ReplaySocket(request, ticket)
  End.join(client, server)
  return { client, server }
}
