import type { RequestListener } from 'node:http'
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { createNodeDispatcher } from '../../src/middleware/node-replay.js'
import { createSocketPair, ReplaySocket } from '../../src/middleware/replay-socket.js'
import type { ReplayAnswer, ReplayTicket, StoredRequest } from '../../src/service/replay.js'
import { deferred } from './deferred.js'

const stored: StoredRequest = {
  ...{ method: 'POST', target: '/a?b=1', pattern: null, scheme: 'http' },
  headers: [
    ['host', 'crm.example'],
    ['x-two', 'a'],
    ['x-two', 'b'],
  ],
  body: new TextEncoder().encode('body'),
  isRewritten: false,
}

const newTicket = (address: string | null = '203.0.113.7') =>
  ({ state: 'unused', principal: { address } }) as ReplayTicket

function send(
  listener: RequestListener,
  request: Partial<StoredRequest> = {},
  options: { maxBytes?: number; signal?: AbortSignal; ticket?: ReplayTicket } = {},
): Promise<ReplayAnswer> {
  const { maxBytes = 1_000, signal = new AbortController().signal, ticket = newTicket() } = options
  return createNodeDispatcher({}, listener, 'main').dispatch({ ...stored, ...request }, ticket, {
    maxBytes,
    signal,
  })
}

const text = ({ body }: ReplayAnswer): string => Buffer.from(body).toString('latin1')

describe('a dispatched request', () => {
  test('has the address of who asked, and exactly the scheme and the headers that were stored', async () => {
    const answer = await send(
      (request, response) => {
        const { socket, rawHeaders, url } = request
        const { encrypted } = socket as { encrypted?: boolean }
        response.end(JSON.stringify([url, socket.remoteAddress, socket.remoteFamily, encrypted, rawHeaders]))
      },
      { scheme: 'https' },
    )
    expect(JSON.parse(text(answer))).toEqual([
      ...['/a?b=1', '203.0.113.7', 'IPv4', true],
      ['host', 'crm.example', 'x-two', 'a', 'x-two', 'b', 'content-length', '4'],
    ])
  })

  test('over http is not encrypted, and has no address where none was known', async () => {
    const answer = await send(
      ({ socket }, response) =>
        void response.end(JSON.stringify(['encrypted' in socket, socket.remoteAddress ?? null])),
      {},
      { ticket: newTicket(null) },
    )
    expect(text(answer)).toBe('[false,null]')
  })

  test('is framed by what its body is, whatever was stored', async () => {
    const headers = [
      ['host', 'x'],
      ['transfer-encoding', 'chunked'],
      ['content-length', '99'],
      ['connection', 'upgrade'],
      ['upgrade', 'websocket'],
      ['expect', '100-continue'],
    ] as const
    const answer = await send((request, response) => void response.end(JSON.stringify(request.rawHeaders)), {
      headers,
    })
    expect(JSON.parse(text(answer))).toEqual(['host', 'x', 'content-length', '4'])
  })

  test('leads to its ticket by its socket, and nothing else does', async () => {
    const ticket = newTicket()
    const found: unknown[] = []
    await send(
      ({ socket }, response) => {
        found.push(ReplaySocket.ticketOf(socket))
        const forged = [
          Object.create(socket) as object,
          new Proxy(socket, {}),
          Object.assign({}, socket),
          Object.setPrototypeOf({}, Object.getPrototypeOf(socket) as object) as object,
          structuredClone({ ticket: { state: 'unused' } }),
        ]
        for (const one of [...forged, null, undefined]) found.push(ReplaySocket.ticketOf(one))
        response.end()
      },
      {},
      { ticket },
    )
    expect(found).toEqual([ticket, ...Array.from({ length: 7 }, () => undefined)])
  })

  test('is the only one that its socket takes', async () => {
    const { client, server } = createSocketPair(stored, newTicket())
    let calls = 0
    const dispatcher = createNodeDispatcher(
      {},
      (_request, response) => void response.end(`${++calls}`),
      'main',
    )
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        dispatcher.dispatch(stored, newTicket(), { maxBytes: 10, signal: new AbortController().signal }),
      ),
    )
    expect(new Set(answers.map(text)).size).toBe(50)
    client.destroy()
    expect(server.destroyed).toBe(true)
  })
})

describe('an answer', () => {
  test('is read to its end, but no more of it is kept than was asked for', async () => {
    let isDone = false
    const answer = await send(
      (_request, response) => {
        response.setHeader('content-type', 'text/plain')
        response.end('x'.repeat(1_000_000), () => (isDone = true))
      },
      {},
      { maxBytes: 5 },
    )
    expect(answer).toMatchObject({ status: 200, contentType: 'text/plain', isTruncated: true })
    expect([text(answer), isDone]).toEqual(['xxxxx', true])
  })

  test('may have no body, and no type', async () => {
    const answer = await send((_request, response) => void response.writeHead(204).end())
    expect(answer).toEqual({ status: 204, contentType: null, body: new Uint8Array(), isTruncated: false })
  })

  test('may come before the request was read', async () => {
    const answer = await send((_request, response) => void response.writeHead(202).end('early'), {
      body: new Uint8Array(4_000_000),
    })
    expect([answer.status, text(answer)]).toEqual([202, 'early'])
  })

  test('is the first, where a handler writes two', async () => {
    const answer = await send(
      ({ socket }) =>
        void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 201 No\r\n\r\n'),
    )
    expect([answer.status, text(answer)]).toEqual([200, 'one'])
  })

  test('is given by a handler that treats its socket like others', async () => {
    const answer = await send((request, response) => {
      request.setTimeout(1).socket.setNoDelay().setKeepAlive(true).ref().unref()
      response.setTimeout(1)
      response.end(JSON.stringify(request.socket.address()))
    })
    expect(text(answer)).toBe('{}')
  })
})

describe('nothing hangs', () => {
  test.each<[string, RequestListener]>([
    ['destroys the socket', ({ socket }) => void socket.destroy()],
    ['destroys the request', (request) => void request.destroy()],
    [
      'breaks off in the middle',
      (_request, response) => void response.write('part', () => response.destroy()),
    ],
    [
      'changes protocols',
      ({ socket }) =>
        void socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    ],
    ['answers what is no HTTP', ({ socket }) => void socket.end('hello\r\n\r\n')],
    [
      'says that more comes than does',
      ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'),
    ],
  ])('where the handler %s', async (_name, listener) => {
    await expect(send(listener)).rejects.toThrow()
  })

  test.each<[string, RequestListener]>([
    ['never answers', () => undefined],
    ['never ends its answer', (_request, response) => void response.write('part')],
    [
      'streams for ever',
      (_request, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write('x'.repeat(1_000))) continue
        }
        response.on('drain', more)
        more()
      },
    ],
  ])('where the handler %s, once it is given up; it learns of it', async (_name, listener) => {
    const given = new AbortController()
    const [begun, closed] = [deferred<undefined>(), deferred<undefined>()]
    const sent = send(
      (request, response) => {
        response.on('close', () => closed.resolve(undefined))
        listener(request, response)
        begun.resolve(undefined)
      },
      {},
      { signal: given.signal },
    )
    sent.catch(() => undefined)
    await begun.promise
    // Everything else in the process has its turn, too, whatever the handler does.
    await new Promise((resolve) => setImmediate(resolve))
    given.abort()
    await expect(sent).rejects.toThrow(/abort/i)
    await closed.promise
    expect(getEventListeners(given.signal, 'abort')).toHaveLength(0)
  })

  test('and nothing is sent that was given up before', async () => {
    let calls = 0
    const signal = AbortSignal.abort()
    await expect(send(() => void calls++, {}, { signal })).rejects.toThrow(/abort/i)
    expect(calls).toBe(0)
  })

  test.each<[string, Partial<StoredRequest>]>([
    ['a target with a line break', { target: '/a\r\nX: 1' }],
    ['a target with a space', { target: '/a b' }],
    ['a method that is none', { method: 'PO ST' }],
    ['a header with a line break', { headers: [['x', 'a\r\nb']] }],
  ])('and %s is not sent', async (_name, request) => {
    let calls = 0
    await expect(send(() => void calls++, request)).rejects.toThrow()
    expect(calls).toBe(0)
  })
})
