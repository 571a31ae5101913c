import { afterEach, describe, expect, test } from 'vitest'
import { serve } from './host-apps.js'
import type { Running } from './host-apps.js'
import { sendRaw } from './raw-http.js'
import type { RawRequest, Reply } from './raw-http.js'
import { oneRoute, replayFrameworks } from './replay-apps.js'
import type { AppSetup, BuildApp, Met } from './replay-apps.js'
import { createReplayHost } from './replay-host.js'
import type { ReplayHost } from './replay-host.js'
import { bodies, changes, places } from './replay-scenarios.js'

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

interface Started {
  readonly host: ReplayHost
  readonly met: Met[]
  readonly build: BuildApp
  send(secret: string, request?: Partial<RawRequest>): Promise<Reply>
}

/** A key that may write only with an approval. */
const careful = ['contacts:write-approval'] as const

async function start(
  build: BuildApp,
  app: AppSetup = {},
  setup: Parameters<typeof createReplayHost>[0] = {},
): Promise<Started> {
  const { trustedProxies = 0 } = app
  const http = { ...(trustedProxies === true ? {} : { trustedProxies }), ...setup.http }
  const host = createReplayHost({ ...setup, http })
  const met: Met[] = []
  running = await serve(build(host, met, app))
  const { port } = running
  return {
    ...{ host, met, build },
    send: (secret, { headers = [], ...request } = {}) =>
      sendRaw(port, {
        ...{ method: 'POST', target: '/contacts/7', ...request },
        headers: [['Authorization', `Bearer ${secret}`], ...headers],
      }),
  }
}

/** What is not stored, as it belongs to the connection or to who asks, or differs between two attempts. */
const unstored = /^(?:connection|authorization|transfer-encoding|content-length|x-forwarded-.*|x-trailer)$/i

/** What a handler can tell of two requests that are the same. */
function comparable({ headers, principal: _, approval: __, ...rest }: Met): unknown {
  const pairs: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    if (!unstored.test(headers[i]!)) pairs.push(`${headers[i]!.toLowerCase()}: ${headers[i + 1]!}`)
  }
  return { ...rest, headers: pairs.sort() }
}

describe.each(Object.entries(replayFrameworks))('behind %s', (_framework, build) => {
  test.each([...bodies, ...places])(
    'the handler meets in a replay what it would have met at once: $name',
    async ({ app = {}, request, isRewritten = false }) => {
      const { host, met, send } = await start(build, app)
      const full = await host.makeKey('full')
      expect(await send(full.secret, request)).toMatchObject({ status: 200 })
      const { id, secret } = await host.makeKey(careful)
      expect(await send(secret, request)).toMatchObject({ status: 202 })
      expect(met).toHaveLength(1)
      expect(host.queued[0]!.request.isRewritten).toBe(isRewritten)

      const { answer, ticket } = await host.replay()
      expect(answer).toMatchObject({ status: 200, isTruncated: false })
      expect(ticket.state).toBe('admitted')
      expect(met).toHaveLength(2)
      expect(comparable(met[1]!)).toEqual(comparable(met[0]!))
      expect(met[1]).toMatchObject({ principal: { keyId: id }, approval: { id: 'apr_1' } })
      expect(met[0]!.approval).toBeUndefined()
      expect(JSON.stringify([met[1]!.headers, host.queued[0]!.request])).not.toContain(secret)
    },
  )

  test.each(changes)('no handler is reached where $name', async ({ later, state, status }) => {
    const { host, met, send } = await start(build)
    const { secret } = await host.makeKey(careful)
    await send(secret)
    build(host, met, later)
    const { answer, ticket } = await host.replay()
    expect([answer.status, ticket.state, met]).toEqual([status, state, []])
  })

  test.each([
    [201, 201, 'application/json; charset=utf-8'],
    [302, 302, expect.any(String)],
    [422, 422, 'application/json; charset=utf-8'],
    [503, 503, 'application/json; charset=utf-8'],
    ['throws', 500, expect.toSatisfy((type) => type === null || typeof type === 'string')],
  ] as const)('a handler that answers %s is told as it answered', async (status, expected, contentType) => {
    const { host, met, send } = await start(build, { routes: [{ ...oneRoute[0]!, status }] })
    const { secret } = await host.makeKey(careful)
    await send(secret)
    const { answer, ticket } = await host.replay()
    expect(answer).toMatchObject({ status: expected, contentType })
    expect([ticket.state, met.length]).toEqual(['admitted', 1])
  })

  test.each([
    [0, '127.0.0.1'],
    [1, '198.51.100.7'],
  ])(
    'comes from the address that keyrung knows by %d proxies, whatever the framework believes',
    async (trustedProxies, address) => {
      const { host, met, send } = await start(build, { trustedProxies: true }, { http: { trustedProxies } })
      const { secret } = await host.makeKey(careful)
      await send(secret, { headers: [['X-Forwarded-For', '10.0.0.1, 198.51.100.7']] })
      expect(host.queued[0]!.admission.principal.address).toBe(address)
      await host.replay()
      expect(met[0]!.ip).toBe(address)
    },
  )

  test('another keyrung’s ticket opens nothing', async () => {
    const { host, met, send } = await start(build)
    const { secret } = await host.makeKey(careful)
    await send(secret)
    const other = createReplayHost()
    build(other, met, {})
    host.dispatchers.set('main', other.dispatchers.get('main')!)
    const { answer, ticket } = await host.replay()
    expect([answer.status, ticket.state, met]).toEqual([412, 'changed', []])
  })

  test('a replay costs nothing, even where its guard has a limit of its own', async () => {
    const limit = { name: 'writes', limit: 3, windowMs: 60_000 }
    const guards = [['contacts:write', { cost: 3, limit }], ['contacts:read']] as const
    const { host, met, send } = await start(build, { routes: [{ ...oneRoute[0]!, guards: [...guards] }] })
    const { secret } = await host.makeKey(careful, {
      limits: [{ name: 'minute', limit: 100, windowMs: 60_000 }],
    } as never)
    await send(secret)
    const before = host.counted.requests.length
    for (let i = 0; i < 3; i++) expect(await host.replay(0)).toMatchObject({ answer: { status: 200 } })
    expect(host.counted.requests.length).toBe(before)
    expect(met).toHaveLength(3)
  })

  test('fifty at once, each with its own body, none mixed up', async () => {
    const { host, met, send } = await start(build)
    const { secret } = await host.makeKey(careful)
    const headers = [['Content-Type', 'text/plain']] as const
    for (let i = 0; i < 50; i++) {
      await send(secret, { target: `/contacts/${i}`, headers, body: `${i};`.repeat(i * 100) })
    }
    const all = await Promise.all(host.queued.map((_, i) => host.replay(i)))
    expect(all.every(({ answer, ticket }) => answer.status === 200 && ticket.state === 'admitted')).toBe(true)
    const seen = new Map(met.map(({ url, bytes, approval }) => [url, [bytes.toString(), approval?.id]]))
    for (let i = 0; i < 50; i++) {
      expect(seen.get(`/contacts/${i}`)).toEqual([`${i};`.repeat(i * 100), `apr_${i + 1}`])
    }
  })

  test('nothing that is sent from outside is taken for a replay', async () => {
    const { host, met, send } = await start(build)
    const { secret } = await host.makeKey(careful)
    await send(secret)
    await host.replay()
    const { id, status } = { id: 'apr_1', status: 401 }
    for (const name of ['X-Keyrung-Replay', 'X-Approval-Id', 'Approval', 'Ticket', 'X-Replay-Ticket']) {
      const headers = [[name, id] as const]
      const target = `/contacts/7?approval=${id}&ticket=${id}`
      expect(await sendRaw(running!.port, { method: 'POST', target, headers })).toMatchObject({ status })
    }
    // One connection, two requests, the second in what may look like the first one's body.
    const second = `POST /contacts/7 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
    const pipelined = await sendRaw(running!.port, {
      method: 'POST',
      target: '/contacts/7',
      connection: 'keep-alive',
      headers: [
        ['Authorization', `Bearer ${secret}`],
        ['Content-Length', '0'],
      ],
      raw: second,
    })
    expect(pipelined.text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 202', 'HTTP/1.1 401'])
    expect(met).toHaveLength(1)
  })

  test('a request whose app is not attached is refused as before, and it is told once', async () => {
    const { host, met, send } = await start(build, { isUnattached: true })
    const { secret } = await host.makeKey(careful)
    for (let i = 0; i < 2; i++) {
      const reply = await send(secret)
      expect(reply).toMatchObject({ status: 403 })
      expect(JSON.parse(reply.body)).toMatchObject({
        code: 'approval_required',
        approval: { permissions: ['contacts:write'] },
      })
    }
    expect([met, host.queued]).toEqual([[], []])
    expect(host.notices.map(({ code }) => code)).toEqual(['app_unattached'])
  })

  test.each<[string, AppSetup, Partial<RawRequest>, number, string]>([
    ['a body over the cap', {}, { body: 'x'.repeat(262_145) }, 413, 'body_too_large'],
    [
      'a body over the cap, in chunks',
      {},
      { headers: [['Transfer-Encoding', 'chunked']], raw: `40001\r\n${'x'.repeat(0x40001)}\r\n0\r\n\r\n` },
      413,
      'body_too_large',
    ],
    [
      'a parsed form in parts',
      { parser: 'multipart' },
      { headers: [['Content-Type', 'multipart/form-data; boundary=x']], body: '--x--' },
      422,
      'not_replayable',
    ],
    [
      'JSON with a name twice',
      {},
      { headers: [['Content-Type', 'application/json']], body: '{"a":1,"a":2}' },
      422,
      'not_replayable',
    ],
    ['another protocol', {}, { headers: [['Upgrade', 'websocket']] }, 422, 'not_replayable'],
    [
      'two idempotency keys',
      {},
      {
        headers: [
          ['Idempotency-Key', 'a'],
          ['Idempotency-Key', 'a'],
        ],
      },
      422,
      'input_invalid',
    ],
  ])('%s cannot wait, and is refused when it is asked for', async (_name, app, request, status, code) => {
    const { host, met, send } = await start(build, app)
    const { secret } = await host.makeKey(careful)
    const reply = await send(secret, request)
    expect(reply).toMatchObject({ status })
    expect(JSON.parse(reply.body)).toMatchObject({ code })
    expect([met, host.queued]).toEqual([[], []])
  })

  test('no credential is stored, whatever the host names', async () => {
    const { host, send } = await start(
      build,
      {},
      {
        http: { credentialHeader: 'x-key' },
        approvals: { headers: ['x-trace', 'connection', 'content-length'] },
      },
    )
    const { secret } = await host.makeKey(careful)
    await send(secret, {
      body: 'abc',
      headers: [
        ['Content-Type', 'text/plain'],
        ['Cookie', `session=${secret}`],
        ['Proxy-Authorization', `Bearer ${secret}`],
        ['X-API-Key', secret],
        ['X-Trace', 'one'],
        ['x-trace', 'two'],
        ['X-Other', secret],
        ['Accept-Encoding', 'gzip'],
      ],
    })
    const { headers } = host.queued[0]!.request
    expect(headers).toEqual([
      ['content-type', 'text/plain'],
      ['host', '127.0.0.1'],
      ['x-trace', 'one'],
      ['x-trace', 'two'],
    ])
  })

  test('a handler that is given the bytes of a replay has them in one piece with their length', async () => {
    const { host, met, send } = await start(build)
    const { secret } = await host.makeKey(careful)
    await send(secret, {
      headers: [
        ['Content-Type', 'text/plain'],
        ['Transfer-Encoding', 'chunked'],
      ],
      raw: '2\r\nab\r\n0\r\n\r\n',
    })
    await host.replay()
    const { headers } = met[0]!
    expect(headers[headers.indexOf('content-length') + 1]).toBe('2')
    expect(headers).not.toContain('connection')
    expect(headers).not.toContain('transfer-encoding')
  })
})
