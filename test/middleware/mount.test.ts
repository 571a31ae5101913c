import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import Koa from 'koa'
import { afterEach, describe, expect, test } from 'vitest'
import type { FetchContext, FetchHandler } from '../../src/http/fetch-handler.js'
import { mount as mountExpress } from '../../src/middleware/express.js'
import type { ExpressRequest } from '../../src/middleware/express.js'
import { mount as mountKoa } from '../../src/middleware/koa.js'
import { serve } from '../http/host-apps.js'
import type { Running } from '../http/host-apps.js'
import { sendRaw } from '../http/raw-http.js'
import type { RawRequest, Reply } from '../http/raw-http.js'
import { deferred } from './deferred.js'
import { mounts } from './mounted.js'
import type { MountSetup } from './mounted.js'

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly body: string
  readonly context: FetchContext
}

describe.each(Object.keys(mounts))('a handler mounted in %s', (framework) => {
  const start = async (handler: FetchHandler, setup?: MountSetup): Promise<Running> =>
    (running = await serve(mounts[framework]!(handler, setup)))

  /** What a handler gets to see of a request, and what comes back. */
  async function show(
    request: RawRequest,
    setup?: MountSetup,
  ): Promise<{ seen: Seen | undefined; reply: Reply }> {
    let seen: Seen | undefined
    const handler: FetchHandler = async (given, context) => {
      const { method, url, headers } = given
      seen = { method, url, headers, body: await given.text(), context }
      return new Response('done')
    }
    const { port } = await start(handler, setup)
    return { reply: await sendRaw(port, request), seen }
  }

  test('gets method, path behind the prefix, query, headers, body and peer', async () => {
    const { seen, reply } = await show({
      method: 'PATCH',
      target: '/manage/keys/a%2Fb?x=1&x=2',
      headers: [
        ['X-One', 'a'],
        ['x-one', 'b'],
        ['X-Latin', 'caf\u00e9'],
      ],
      body: '{"name":"caf\u00c3\u00a9"}',
    })
    expect(reply).toMatchObject({ status: 200, body: 'done' })
    expect(seen).toMatchObject({ method: 'PATCH', url: 'http://127.0.0.1/keys/a%2Fb?x=1&x=2' })
    expect(seen?.context).toMatchObject({ peer: '127.0.0.1', prefix: '/manage' })
    expect(seen?.headers.get('x-one')).toBe('a, b')
    expect(seen?.headers.get('x-latin')).toBe('caf\u00e9')
    expect(seen?.body).toBe('{"name":"caf\u00e9"}')
  })

  test('gets two credentials as one value with a comma, which is refused as two', async () => {
    const { seen } = await show({
      target: '/manage/me',
      headers: [
        ['Authorization', 'Bearer a'],
        ['Authorization', 'Bearer a'],
      ],
    })
    expect(seen?.headers.get('authorization')).toBe('Bearer a, Bearer a')
  })

  test.each([
    ['/manage', '/'],
    ['/manage/', '/'],
    ['/manage?x=1', '/?x=1'],
    ['/manage//other.example/x', '//other.example/x'],
    ['/manage/..%2f..%2fx', '/..%2f..%2fx'],
  ])('gets %s as %s', async (target, path) => {
    const { seen } = await show({ target })
    // Express 4 takes one of two slashes for the prefix's own.
    const routed = framework === 'Express 4' ? path.replace(/^\/\//, '/') : path
    expect(seen?.url).toBe(`http://127.0.0.1${routed}`)
  })

  test.each([
    ...[
      '/manage/./keys',
      '/manage/x/../keys',
      '/manage/%2e/keys',
      '/manage/x/%2E%2e/keys',
      '/manage/x\\..\\keys',
    ],
    ...['/manage\\keys', '/manage/keys/.', '/manage/keys/..', '/manage/keys#x', '/manage/keys/..?x=/'],
  ])('is not asked for %s, which the parser would make another path', async (target) => {
    const { seen, reply } = await show({ target })
    expect(seen).toBeUndefined()
    expect(reply.status).toBe(404)
  })

  test('that a client breaks off in mid-body ends in no error of the host', async () => {
    const errors: unknown[] = []
    const { port } = await start(() => new Response('done'), { onError: (error) => void errors.push(error) })
    const socket = connect(port, '127.0.0.1')
    const head = 'POST /manage/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{'
    await new Promise((resolve) => socket.write(head, resolve))
    socket.destroy()
    for (let i = 0; i < 3; i++) await sendRaw(port, { target: '/manage/x' })
    // Koa itself reports the socket's error.
    expect(errors).toEqual(errors.filter((error) => String(error).includes('Parse Error')))
  })

  test.each(['/managed', '/other', '/', '/x/manage', '//manage'])('does not get %s', async (target) => {
    const { seen, reply } = await show({ target })
    expect(seen).toBeUndefined()
    expect(reply.status).toBe(404)
  })

  test.each(['other.example/x', 'other.example?', 'other.example#', 'x:99999', '[::1', 'a b', ''])(
    'is not led elsewhere by "%s" for a host',
    async (host) => {
      const { port } = await start((request) => new Response(new URL(request.url).host))
      const socket = connect(port, '127.0.0.1')
      socket.write(`GET /manage/x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      let text = ''
      for await (const chunk of socket) text += String(chunk)
      expect(text.split('\r\n\r\n')[1]).toMatch(/(^|\n)host\.invalid\b/)
    },
  )

  test('is told nothing but a host where the client sends a user name with it', async () => {
    const { port } = await start((request) => new Response(request.url))
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /manage/x HTTP/1.1\r\nHost: a@other.example\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text).toMatch(/http:\/\/(host\.invalid|other\.example)\/x/)
  })

  test('takes no forwarding header of a caller for the host or the scheme', async () => {
    const { seen } = await show({
      target: '/manage/x',
      headers: [
        ['X-Forwarded-Host', 'other.example'],
        ['X-Forwarded-Proto', 'https'],
      ],
    })
    expect(seen?.url).toBe('http://127.0.0.1/x')
  })

  test('is not asked about a body that is too large: 413', async () => {
    const exact = await show(
      { method: 'POST', target: '/manage/x', body: 'x'.repeat(100) },
      { maxBodyBytes: 100 },
    )
    expect(exact).toMatchObject({ reply: { status: 200 }, seen: { body: 'x'.repeat(100) } })
    await running?.stop()
    const { seen, reply } = await show(
      { method: 'POST', target: '/manage/x', body: 'x'.repeat(101) },
      { maxBodyBytes: 100 },
    )
    expect(seen).toBeUndefined()
    expect(reply.status).toBe(413)
    expect(reply.headers).toMatchObject({ connection: 'close', 'content-type': 'application/problem+json' })
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'body_too_large' })
  })

  test('is not asked about a body without an end: 413 as soon as it is too large', async () => {
    const { port } = await start(() => new Response('not reached'), { maxBodyBytes: 100 })
    const socket = connect(port, '127.0.0.1')
    socket.write('POST /manage/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    socket.write(`ff\r\n${'x'.repeat(255)}\r\n`)
    const [first] = await new Promise<Buffer[]>((resolve) => socket.once('data', (chunk) => resolve([chunk])))
    expect(String(first)).toMatch(/^HTTP\/1\.1 413 /)
    socket.destroy()
  })

  test.each<[string, (bytes: Buffer) => unknown, string]>([
    ['an object', (bytes) => JSON.parse(String(bytes)), '{"a":[1]}'],
    ['a text', (bytes) => String(bytes), '{ "a": [1] }'],
    ['bytes', (bytes) => bytes, '{ "a": [1] }'],
    ['nothing', () => undefined, ''],
  ])('gets what a body parser ahead of it made: %s', async (_what, parse, body) => {
    const { seen } = await show(
      {
        method: 'POST',
        target: '/manage/x',
        body: '{ "a": [1] }',
        headers: [['Content-Type', 'application/json']],
      },
      { parse },
    )
    expect(seen?.body).toBe(body)
    expect(seen?.headers.get('content-type')).toBe('application/json')
    expect(seen?.headers.get('content-length')).toBeNull()
  })

  test('is not asked about a parsed body that is too large (413) or cannot be written (422)', async () => {
    const deep = (): unknown => {
      let value: unknown = 1
      for (let i = 0; i < 200_000; i++) value = [value]
      return value
    }
    const request = { method: 'POST', target: '/manage/x', body: '{}' }
    const large = await show(request, { parse: () => 'x'.repeat(101), maxBodyBytes: 100 })
    expect(large).toMatchObject({ seen: undefined, reply: { status: 413 } })
    await running?.stop()
    expect(await show(request, { parse: deep })).toMatchObject({ seen: undefined, reply: { status: 422 } })
  })

  test('is not asked where headers may have been dropped: 401', async () => {
    const { seen, reply } = await show({
      target: '/manage/x',
      headers: Array.from({ length: 1000 }, () => ['a', 'b'] as const),
    })
    expect(seen).toBeUndefined()
    expect(reply.status).toBe(401)
  })

  test('is not asked about a method that a web request cannot have: 405', async () => {
    const { seen, reply } = await show({ method: 'TRACE', target: '/manage/x' })
    expect(seen).toBeUndefined()
    expect(reply.status).toBe(405)
  })

  test('has its status, its headers and each of its cookies sent', async () => {
    const { port } = await start(() => {
      const headers = new Headers({
        'content-type': 'application/json',
        location: '/manage/keys/1',
        etag: '"3"',
      })
      headers.append('set-cookie', 'a=1; Path=/')
      headers.append('set-cookie', 'b=2')
      return new Response('{}', { status: 201, headers })
    })
    const reply = await sendRaw(port, { target: '/manage/x' })
    expect(reply).toMatchObject({ status: 201, body: '{}' })
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json',
      location: '/manage/keys/1',
      etag: '"3"',
    })
    expect(reply.text.match(/^set-cookie: .*$/gim)).toEqual(
      ['set-cookie: a=1; Path=/', 'set-cookie: b=2'].map((line) =>
        expect.stringMatching(new RegExp(`^${line}$`, 'i')),
      ),
    )
  })

  test.each([204, 304, 200, 404])('sends %i without a body', async (status) => {
    const { port } = await start(() => new Response(null, { status, headers: { 'x-a': '1' } }))
    const reply = await sendRaw(port, { target: '/manage/x' })
    expect(reply).toMatchObject({ status, body: '' })
    expect(reply.headers['x-a']).toBe('1')
  })

  test('has no body sent for HEAD, and the body’s source is let go', async () => {
    let cancelled = false
    const { port } = await start(() => {
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(new TextEncoder().encode('x')),
        cancel: () => void (cancelled = true),
      })
      return new Response(body, { headers: { 'x-a': '1' } })
    })
    const reply = await sendRaw(port, { method: 'HEAD', target: '/manage/x' })
    expect(reply).toMatchObject({ status: 200, body: '' })
    expect(reply.headers['x-a']).toBe('1')
    await until(() => cancelled)
  })

  test('has its body sent as it comes, and stops when the client goes', async () => {
    let cancelled = false
    let signal: AbortSignal | undefined
    const { port } = await start((request) => {
      signal = request.signal
      let isFirst = true
      const body = new ReadableStream({
        async pull(controller) {
          // The second part never comes by itself.
          if (!isFirst) return new Promise(() => undefined)
          isFirst = false
          controller.enqueue(new TextEncoder().encode('first'))
        },
        cancel: () => void (cancelled = true),
      })
      return new Response(body)
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /manage/x HTTP/1.1\r\nHost: x\r\n\r\n')
    let text = ''
    for await (const chunk of socket) {
      text += String(chunk)
      if (text.includes('first')) break
    }
    socket.destroy()
    await until(() => cancelled && signal?.aborted === true)
    expect(text).toContain('first')
  })

  test('learns that the client has gone while it works', async () => {
    const aborted = deferred<undefined>()
    const begun = deferred<undefined>()
    const { port } = await start(async ({ signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(undefined))
      begun.resolve(undefined)
      await aborted.promise
      return new Response('too late')
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /manage/x HTTP/1.1\r\nHost: x\r\n\r\n')
    await begun.promise
    socket.destroy()
    await aborted.promise
  })

  test('is not aborted when all went well', async () => {
    let signal: AbortSignal | undefined
    const { port } = await start((request) => {
      signal = request.signal
      return new Response('done')
    })
    await sendRaw(port, { target: '/manage/x' })
    expect(signal?.aborted).toBe(false)
  })

  test.each<[string, FetchHandler]>([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('that %s is left to the host’s own error handling', async (_what, handler) => {
    const errors: unknown[] = []
    const { port } = await start(handler, { onError: (error) => void errors.push(error) })
    const reply = await sendRaw(port, { target: '/manage/x' })
    expect(reply.status).not.toBe(200)
    expect(errors[0]).toMatchObject({ message: 'broken' })
  })

  test('whose body breaks off has its connection broken off, and the host learns why', async () => {
    const errors: unknown[] = []
    const { port } = await start(
      () => {
        let isFirst = true
        const body = new ReadableStream({
          pull(controller) {
            if (!isFirst) throw new Error('broken')
            isFirst = false
            controller.enqueue(new TextEncoder().encode('first'))
          },
        })
        return new Response(body, { headers: { 'content-length': '10' } })
      },
      { onError: (error) => void errors.push(error) },
    )
    const reply = await sendRaw(port, { target: '/manage/x' }).catch(() => undefined)
    expect(reply?.body ?? '').not.toHaveLength(10)
    await until(() => errors.length > 0)
    expect(errors[0]).toMatchObject({ message: 'broken' })
  })
})

test('in Koa it is told the path that an outer router has taken away, too', async () => {
  const inner = mountKoa((_request, { prefix }) => new Response(prefix), { prefix: '/manage' })
  const app = new Koa()
  app.use((context, next) => {
    context.url = context.url.slice('/outer'.length)
    return inner(context, next) as Promise<unknown>
  })
  running = await serve(app.callback() as RequestListener)
  const reply = await sendRaw(running.port, { target: '/outer/manage/x' })
  expect(reply.body).toBe('/outer/manage')
})

test.each(['manage', '/manage/', '/', '/a?b', '/a#b', '//a'])(
  'Koa is not given %s for a prefix',
  (prefix) => {
    expect(() => mountKoa(() => new Response(), { prefix })).toThrow('must begin with a slash')
  },
)

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => void setImmediate(resolve))
}

test('in a framework that waits for no promise, a handler that rejects reaches next', async () => {
  const handled = deferred<unknown>()
  const mounted = mountExpress(() => Promise.reject(new Error('broken')))
  running = await serve((request, response) => {
    const expressed = Object.assign(request, {
      ...{ baseUrl: '', protocol: 'http', app: { get: () => undefined } },
    }) as unknown as ExpressRequest
    const answered = mounted(expressed, response, (error) => void response.end(String(error)))
    handled.resolve(answered)
  })
  const reply = await sendRaw(running.port, { target: '/x' })
  expect(reply.body).toBe('Error: broken')
  expect(await handled.promise).toBeUndefined()
})
