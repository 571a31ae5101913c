import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createOutbound } from '../../src/net/outbound.js'
import type { Outbound, OutboundMeans } from '../../src/net/outbound.js'
import { findNodeOutbound } from '../../src/net/outbound-node.js'
import { createOutboundPolicy } from '../../src/net/outbound-url.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { manualClock } from '../../src/testing/manual-clock.js'

const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** A receiver on loopback; answers its port and what it got. */
async function receiver(listener: RequestListener): Promise<{ port: number; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    listener(request, response)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, requests }
}

const node = findNodeOutbound(systemClock)!
const excepted = createOutboundPolicy({ dangerouslyAllowAddresses: ['127.0.0.1'] })

function outbound(policy = excepted, means: Partial<OutboundMeans> = {}): Outbound {
  return createOutbound(policy, { ...node, ...means })
}

const post = (by: Outbound, url: string, signal = new AbortController().signal) =>
  by.post({ url, headers: { 'content-type': 'application/json', 'content-length': '2' }, body: '{}' }, signal)

describe('a message to a place that somebody else has chosen', () => {
  test('arrives as it is, and its answer is told by its status', async () => {
    const bodies: string[] = []
    const { port, requests } = await receiver((request, response) => {
      request.setEncoding('utf8').on('data', (chunk: string) => bodies.push(chunk))
      request.on('end', () => response.writeHead(202, { 'retry-after': '7' }).end('x'))
    })
    const answer = await post(outbound(), `http://127.0.0.1:${port}/hook?a=1`)
    expect(answer).toEqual({ ok: true, status: 202, retryAfter: '7' })
    expect(bodies.join('')).toBe('{}')
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/hook?a=1' })
    expect(requests[0]!.headers.host).toBe(`127.0.0.1:${port}`)
  })

  test('is not sent where a redirection leads', async () => {
    const inner = await receiver((_request, response) => response.end())
    const outer = await receiver((_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${inner.port}/` }).end()
    })
    expect(await post(outbound(), `http://127.0.0.1:${outer.port}/`)).toMatchObject({ ok: true, status: 307 })
    expect(inner.requests).toHaveLength(0)
  })

  test('is given up as its time is over, whatever the receiver does', async () => {
    const { port } = await receiver(() => undefined)
    const end = new AbortController()
    const answer = post(outbound(), `http://127.0.0.1:${port}/`, end.signal)
    end.abort()
    expect(await answer).toEqual({ ok: false, why: 'timeout' })
  })

  test('reads nothing of an answer that never ends', async () => {
    const { port } = await receiver((_request, response) => {
      response.writeHead(200)
      const more = (): void =>
        void response.write(Buffer.alloc(65_536), () => response.destroyed || setImmediate(more))
      more()
    })
    expect(await post(outbound(), `http://127.0.0.1:${port}/`)).toMatchObject({ ok: true, status: 200 })
  })

  test('takes no headers without end', async () => {
    const { port } = await receiver((_request, response) => {
      response.writeHead(200, { 'x-long': 'x'.repeat(20_000) }).end()
    })
    expect(await post(outbound(), `http://127.0.0.1:${port}/`)).toEqual({
      ok: false,
      why: 'HPE_HEADER_OVERFLOW',
    })
  })

  test('tells by one word that nobody listens', async () => {
    const { port } = await receiver(() => undefined)
    await new Promise((resolve) => servers.pop()!.close(resolve))
    expect(await post(outbound(), `http://127.0.0.1:${port}/`)).toEqual({ ok: false, why: 'ECONNREFUSED' })
  })
})

describe('a name', () => {
  const strict = createOutboundPolicy()
  const resolving = (...answers: readonly (readonly string[])[]) => {
    let asked = 0
    return async () => answers[Math.min(asked++, answers.length - 1)]!
  }

  test('with any address that is not public is refused before a connection is made', async () => {
    for (const addresses of [['127.0.0.1'], ['8.8.8.8', '10.0.0.1'], ['::ffff:169.254.169.254'], []]) {
      const by = outbound(strict, { resolve: resolving(addresses), https: never })
      expect(await post(by, 'https://hooks.example.com/')).toEqual({ ok: false, why: 'address_denied' })
    }
  })

  test('is resolved once, and the connection goes to the very address that was vetted, by its name in TLS', async () => {
    const options: object[] = []
    const https = {
      request(given: object) {
        options.push(given)
        throw Object.assign(new Error('enough'), { code: 'ECONNREFUSED' })
      },
    }
    // The second answer is that of a resolver that rebinds.
    const by = outbound(strict, { resolve: resolving(['93.184.216.34'], ['127.0.0.1']), https })
    expect(await post(by, 'https://hooks.example.com/')).toEqual({ ok: false, why: 'ECONNREFUSED' })
    expect(options).toMatchObject([
      {
        host: '93.184.216.34',
        port: 443,
        servername: 'hooks.example.com',
        headers: { host: 'hooks.example.com' },
      },
    ])
    expect(await post(by, 'https://hooks.example.com/')).toEqual({ ok: false, why: 'address_denied' })
    expect(options).toHaveLength(1)
  })

  test('whose connection leads elsewhere than it was vetted for gets nothing', async () => {
    const { port, requests } = await receiver((_request, response) => response.end())
    // Vetted as public, connected to loopback, as a rewriting network could have it.
    const http = {
      request: (given: Parameters<typeof node.http.request>[0]) =>
        node.http.request({ ...given, host: '127.0.0.1', port }),
    }
    const lenient = createOutboundPolicy({ dangerouslyAllowAddresses: ['192.0.2.7'] })
    expect(await post(outbound(lenient, { http }), 'http://192.0.2.7:80/')).toEqual({
      ok: false,
      why: 'address_denied',
    })
    expect(requests).toHaveLength(0)
  })

  test('that cannot be resolved is told by the word of the system', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
    expect(await post(outbound(strict, { resolve }), 'https://hooks.example.com/')).toEqual({
      ok: false,
      why: 'ENOTFOUND',
    })
  })
})

describe('a name with several addresses', () => {
  const lenient = createOutboundPolicy({
    dangerouslyAllowAddresses: ['127.0.0.0/8', '192.0.2.0/24'],
  })
  // A host that the policy excepts is needed for plain http, so the name is an address that is resolved once more.
  const policy = {
    ...lenient,
    readUrl: () => ({ url: new URL('http://hooks.example.com/'), hostname: 'hooks.example.com', port: 80 }),
  }
  const ports = new Map<string, number>()
  const tried: string[] = []
  const http: typeof node.http = {
    request(given) {
      tried.push(given.host)
      return node.http.request({ ...given, port: ports.get(given.host) ?? 1 })
    },
  }
  afterEach(() => void tried.splice(0))

  test('is tried at the next one where the first refuses', async () => {
    const { port, requests } = await receiver((_request, response) => response.end())
    ports.set('127.0.0.1', port)
    const resolve = async () => ['127.0.0.9', '127.0.0.8', '127.0.0.1']
    expect(await post(outbound(policy, { http, resolve }), 'http://x/')).toMatchObject({ status: 200 })
    expect(tried).toEqual(['127.0.0.9', '127.0.0.8', '127.0.0.1'])
    expect(requests).toHaveLength(1)
  })

  test('is tried at the next one where the first is mute', async () => {
    const { port } = await receiver((_request, response) => response.end())
    const clock = manualClock()
    const mute = {
      request(given: Parameters<typeof node.http.request>[0]) {
        if (given.host === '127.0.0.1') return node.http.request({ ...given, port })
        return { on: () => undefined, end: () => undefined, destroy: () => undefined }
      },
    }
    const resolve = async () => ['192.0.2.1', '127.0.0.1']
    const answer = post(outbound(policy, { http: mute, resolve, clock }), 'http://x/')
    await clock.advance(1_000)
    expect(await answer).toMatchObject({ ok: true, status: 200 })
    expect(clock.sleepers).toBe(0)
  })

  test('is told by the last one where all are dead, after four at most', async () => {
    const resolve = async () => [2, 3, 4, 5, 6].map((last) => `127.0.0.${last}`)
    expect(await post(outbound(policy, { http, resolve }), 'http://x/')).toEqual({
      ok: false,
      why: 'ECONNREFUSED',
    })
    expect(tried).toHaveLength(4)
  })

  test('is not tried again once a message may have arrived', async () => {
    const { port, requests } = await receiver((request) => void request.destroy())
    ports.set('127.0.0.7', port)
    const listening = servers.at(-1)!
    await new Promise<void>((resolve) => listening.close(() => resolve()))
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.7', resolve))
    const resolve = async () => ['127.0.0.7', '127.0.0.1']
    expect(await post(outbound(policy, { http, resolve }), 'http://x/')).toMatchObject({ ok: false })
    expect(tried).toEqual(['127.0.0.7'])
    expect(requests).toHaveLength(1)
  })
})

const never = {
  request(): never {
    throw new Error('a connection was made')
  },
}
