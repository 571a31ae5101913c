import type { RequestListener } from 'node:http'
import express from 'express'
import Koa from 'koa'
import { afterEach, describe, expect, test } from 'vitest'
import { attach as attachExpress, guard as guardExpress } from '../../src/middleware/express.js'
import { attach as attachKoa } from '../../src/middleware/koa.js'
import { readForReplay } from '../../src/middleware/node-rewritten.js'
import { createReplayHost } from '../http/replay-host.js'
import { createHost } from '../http/host.js'
import { serve } from '../http/host-apps.js'
import type { Running } from '../http/host-apps.js'
import { sendRaw } from '../http/raw-http.js'

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

describe('attaching', () => {
  test('an app is found by the framework’s own object, under its name', () => {
    const { keyrung } = createHost({}, 'memory')
    const [one, two, other] = [express(), new Koa(), new Koa()]
    attachExpress(keyrung, one)
    attachKoa(keyrung, two, { name: 'partners' })
    expect([keyrung.attached(one), keyrung.attached(two), keyrung.attached(other)]).toEqual([
      'main',
      'partners',
      null,
    ])
  })

  test.each<[string, (keyrung: ReturnType<typeof createHost>['keyrung']) => void]>([
    ['a name that is taken', (keyrung) => attachKoa(keyrung, new Koa())],
    ['a name that is none', (keyrung) => attachKoa(keyrung, new Koa(), { name: 'No Name' })],
    [
      'an app within an app',
      (keyrung) => {
        const inner = express()
        express().use(inner)
        attachExpress(keyrung, inner, { name: 'inner' })
      },
    ],
  ])('%s stops the start', (_name, attach) => {
    const { keyrung } = createHost({}, 'memory')
    attachExpress(keyrung, express())
    expect(() => attach(keyrung)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  test('the guard of an app within an app queues for the outermost, and is reached through it', async () => {
    const host = createReplayHost()
    const [outer, inner] = [express(), express()]
    attachExpress(host.keyrung, outer)
    outer.use('/inner', inner)
    inner.post('/a/:id', guardExpress(host.keyrung, 'contacts:write'), (request, response) => {
      response.json(request.approval)
    })
    running = await serve(outer)
    const { secret } = await host.makeKey(['contacts:write-approval'])
    const headers = [['Authorization', `Bearer ${secret}`]] as const
    const reply = await sendRaw(running.port, { method: 'POST', target: '/inner/a/1', headers })
    expect(reply.status).toBe(202)
    expect(host.queued[0]).toMatchObject({ options: { app: 'main' }, request: { pattern: '/inner/a/:id' } })
    expect(await host.replay()).toMatchObject({ text: '{"id":"apr_1"}', ticket: { state: 'admitted' } })
  })

  /** An app within an app, and what its handler found. */
  function innerApp(host: ReturnType<typeof createReplayHost>) {
    const inner = express()
    inner.post('/a/:id', guardExpress(host.keyrung, 'contacts:write'), (request, response) => {
      response.json({ approval: request.approval, baseUrl: request.baseUrl, params: request.params })
    })
    return inner
  }

  async function post(host: ReturnType<typeof createReplayHost>, app: RequestListener, target: string) {
    running = await serve(app)
    const { secret } = await host.makeKey(['contacts:write-approval'])
    const headers = [['Authorization', `Bearer ${secret}`]] as const
    const reply = await sendRaw(running.port, { method: 'POST', target, headers })
    await running.stop()
    running = undefined
    return reply
  }

  test('an app that is mounted in a router queues for the outermost, and is reached where it stands', async () => {
    const host = createReplayHost()
    const [outer, router] = [express(), express.Router()]
    attachExpress(host.keyrung, outer)
    const strangers: string[] = []
    outer.use('/api', router)
    router.use('/inner', innerApp(host))
    outer.post(['/a/:id', '/inner/a/:id'], (request, response) => {
      strangers.push(request.originalUrl)
      response.end()
    })
    expect(await post(host, outer, '/api/inner/a/1')).toMatchObject({ status: 202 })
    expect(host.queued[0]).toMatchObject({
      ...{ options: { app: 'main' }, request: { pattern: '/api/inner/a/:id' } },
    })
    const { text, ticket } = await host.replay()
    expect(JSON.parse(text)).toEqual({
      ...{ approval: { id: 'apr_1' }, baseUrl: '/api/inner', params: { id: '1' } },
    })
    expect(ticket.state).toBe('admitted')
    expect(strangers).toEqual([])
  })

  test('an app that is mounted in two queues for the one that it was reached through', async () => {
    const host = createReplayHost()
    const [one, two, inner] = [express(), express(), innerApp(host)]
    attachExpress(host.keyrung, one, { name: 'one' })
    attachExpress(host.keyrung, two, { name: 'two' })
    for (const outer of [one, two]) outer.use('/inner', inner)
    for (const outer of [one, two]) expect((await post(host, outer, '/inner/a/1')).status).toBe(202)
    expect(host.queued.map(({ options }) => options.app)).toEqual(['one', 'two'])
    for (const at of [0, 1]) expect((await host.replay(at)).ticket.state).toBe('admitted')
  })

  test('an app that is attached in the place of the one around it has its requests refused, not queued', async () => {
    const host = createReplayHost()
    const [outer, router, inner] = [express(), express.Router(), innerApp(host)]
    // Nothing tells by now that it will not be the outermost.
    attachExpress(host.keyrung, inner)
    router.use('/inner', inner)
    outer.use(router)
    const reply = await post(host, outer, '/inner/a/1')
    expect([reply.status, JSON.parse(reply.body)]).toMatchObject([403, { code: 'approval_required' }])
    expect(host.queued).toEqual([])
    expect(host.notices).toMatchObject([{ code: 'app_unattached' }])
    expect(host.notices[0]!.message).toContain('the outermost app, which the server is given')
  })

  test('an app that something else is around is the outermost there is', async () => {
    const host = createReplayHost()
    const app = innerApp(host)
    attachExpress(host.keyrung, app)
    const around: RequestListener = (request, response) => void app(request, response)
    expect((await post(host, around, '/a/1')).status).toBe(202)
    expect((await host.replay()).ticket.state).toBe('admitted')
  })

  test('an approval that something else put onto the request is not believed', async () => {
    const host = createReplayHost()
    const app = express()
    app.use((request, _response, next) => {
      request.approval = { id: 'forged' }
      next()
    })
    app.get('/', guardExpress(host.keyrung), (request, response) => {
      response.json({ approval: request.approval ?? null })
    })
    running = await serve(app)
    const { secret } = await host.makeKey('full')
    const headers = [['Authorization', `Bearer ${secret}`]] as const
    expect(await sendRaw(running.port, { target: '/', headers })).toMatchObject({ body: '{"approval":null}' })
  })
})

describe('what a parser has read is written down again', () => {
  const read = (value: unknown, type: string, text?: unknown) =>
    readForReplay(
      {
        readableDidRead: true,
        headers: { 'content-type': type, 'content-length': '9' },
      } as never,
      { value, text },
      1_000,
    ).then(({ bytes }) => Buffer.from(bytes).toString())
  const form = 'application/x-www-form-urlencoded'
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic

  test.each<[unknown, string, string]>([
    [{ a: [1, null] }, 'application/json', '{"a":[1,null]}'],
    ['abc', 'application/merge-patch+json; charset=utf-8', '"abc"'],
    ['abc', 'text/plain', 'abc'],
    [{ a: '1 ä', b: ['x', 'y'] }, form, 'a=1+%C3%A4&b=x&b=y'],
    ['a=1', form, 'a=1'],
    [Uint8Array.of(97), 'application/json', 'a'],
  ])('%j as %s: %s', async (value, type, written) => {
    expect(await read(value, type)).toBe(written)
  })

  test('by the text that a parser has kept, where there is one', async () => {
    expect(await read({ a: { b: '1' } }, form, 'a[b]=1')).toBe('a[b]=1')
  })

  test.each<[unknown, string]>([
    [{ a: { b: '1' } }, form],
    [{ a: ['1'] }, form],
    [{ 'a[]': ['1', '2'] }, form],
    [7, form],
    [{ a: '1' }, 'multipart/form-data; boundary=x'],
    [undefined, 'application/json'],
    [cyclic, 'application/json'],
    [{ big: 1n }, 'application/json'],
  ])('but not where it could mean something else: %o as %s', async (value, type) => {
    await expect(read(value, type)).rejects.toMatchObject({ code: 'not_replayable' })
  })
})
