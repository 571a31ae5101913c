import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createMessageReader, isCommit } from './wire.js'
import type { WireProtocol } from './wire.js'

/**
 * What becomes of a commit on its way: `lose-request`: the connection is cut before the server hears of it;
 * `lose-answer`: it is cut once the server has answered, and the answer with it; `hold-request` and `hold-answer`:
 * the same, but nothing is cut, and nothing comes through that connection until `release`.
 */
export type CommitFate = 'lose-request' | 'lose-answer' | 'hold-request' | 'hold-answer'

/** A way to a server with a hand on it. */
export interface Proxy {
  readonly host: string
  readonly port: number
  /** How many connections stand. */
  readonly open: number
  /** How many there have been, those that were refused not counted. */
  readonly accepted: number
  /** Resets every connection there is. */
  cut(): void
  /** Whether new connections are reset at once. */
  refuse(isRefusing: boolean): void
  /** Lets nothing through in either direction; connections stand, and new ones are taken. */
  stall(): void
  /** Lets everything through again, what was held too. */
  release(): void
  /** Has every answer take so many milliseconds more. */
  delay(ms: number): void
  /** Strikes the nth commit from now; resolves when it has. */
  strike(fate: CommitFate, nth?: number): Promise<void>
  close(): Promise<void>
}

interface Strike {
  readonly fate: CommitFate
  left: number
  struck(): void
}

interface Link {
  /** Nothing goes through while it is held; what came meanwhile is sent when it no longer is. */
  hold(isHeld: boolean): void
  cut(): void
}

/** Starts a proxy in front of a server, on a free port of loopback. */
export async function startProxy(
  target: { readonly host: string; readonly port: number },
  protocol: WireProtocol,
): Promise<Proxy> {
  const links = new Set<Link>()
  let accepted = 0
  let isRefusing = false
  let isStalled = false
  let delayMs = 0
  let strike: Strike | undefined

  /** What is to become of this commit, if anything. */
  function draw(message: Buffer): Strike | undefined {
    if (!strike || !isCommit(protocol, message) || --strike.left > 0) return undefined
    const drawn = strike
    strike = undefined
    return drawn
  }

  function link(client: Socket): void {
    const server = connect(target)
    const reader = createMessageReader(protocol)
    const waiting: (() => void)[] = []
    let isHeld = isStalled
    let awaiting: Strike | undefined
    let standing = 2

    const pass = (send: () => void): void => void (isHeld ? waiting.push(send) : send())
    const self: Link = {
      hold(held) {
        isHeld = held
        if (!held) for (const send of waiting.splice(0)) send()
      },
      cut() {
        links.delete(self)
        client.resetAndDestroy()
        server.resetAndDestroy()
      },
    }

    function ask(message: Buffer): void {
      const drawn = draw(message)
      if (drawn?.fate === 'lose-request') self.cut()
      if (drawn?.fate === 'hold-request') self.hold(true)
      if (drawn?.fate === 'lose-answer' || drawn?.fate === 'hold-answer') awaiting = drawn
      else drawn?.struck()
      if (drawn?.fate !== 'lose-request') pass(() => server.write(message))
    }

    function answer(chunk: Buffer): void {
      const drawn = awaiting
      awaiting = undefined
      if (drawn?.fate === 'lose-answer') self.cut()
      if (drawn?.fate === 'hold-answer') self.hold(true)
      drawn?.struck()
      if (drawn?.fate !== 'lose-answer') pass(() => client.write(chunk))
    }

    links.add(self)
    client.setNoDelay(true)
    server.setNoDelay(true)
    client.on('data', (chunk: Buffer) => void reader.take(chunk).forEach(ask))
    server.on('data', (chunk: Buffer) => {
      if (delayMs === 0) answer(chunk)
      else setTimeout(answer, delayMs, chunk)
    })
    // How a connection ends is told by its close. A held request still gets there when its client has gone.
    client.on('error', () => undefined)
    server.on('error', () => undefined)
    client.on('close', () => {
      gone()
      pass(() => server.end())
    })
    server.on('close', (isBroken) => {
      gone()
      pass(() => void (isBroken ? client.resetAndDestroy() : client.end()))
    })

    function gone(): void {
      standing -= 1
      if (standing === 0) links.delete(self)
    }
  }

  const listener = createServer((client) => {
    if (isRefusing) return void client.resetAndDestroy()
    accepted += 1
    link(client)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')

  const cut = (): void => {
    for (const one of [...links]) one.cut()
  }
  const hold = (isHeld: boolean): void => {
    isStalled = isHeld
    for (const one of [...links]) one.hold(isHeld)
  }
  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    get open() {
      return links.size
    },
    get accepted() {
      return accepted
    },
    cut,
    refuse: (refusing) => void (isRefusing = refusing),
    stall: () => hold(true),
    release: () => hold(false),
    delay: (ms) => void (delayMs = ms),
    strike: (fate, nth = 1) =>
      new Promise((struck) => {
        strike = { fate, left: nth, struck }
      }),
    async close() {
      cut()
      listener.close()
      await once(listener, 'close')
    },
  }
}
