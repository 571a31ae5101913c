import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import express from 'express'
import Koa from 'koa'
import { afterEach, describe, expect, test } from 'vitest'
import { guard as guardExpress } from '../../src/middleware/express.js'
import { guard as guardKoa } from '../../src/middleware/koa.js'
import { createHost } from '../http/host.js'
import { serve } from '../http/host-apps.js'
import type { Running } from '../http/host-apps.js'
import { sendRaw } from '../http/raw-http.js'
import { deferred } from './deferred.js'

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const bearer = (secret: string) => [['Authorization', `Bearer ${secret}`]] as const

describe('the Express guard', () => {
  async function noticesWith(trustProxy: unknown, trustedProxies: number): Promise<readonly string[]> {
    const host = createHost({ http: { trustedProxies } }, 'memory')
    const { secret } = await host.makeKey(['contacts:read'])
    const app = express()
    if (trustProxy !== undefined) app.set('trust proxy', trustProxy)
    app.get('/a', guardExpress(host.keyrung), (_request, response) => void response.end())
    app.get('/b', guardExpress(host.keyrung), (_request, response) => void response.end())
    running = await serve(app)
    for (const target of ['/a', '/a', '/b']) {
      expect(await sendRaw(running.port, { target, headers: bearer(secret) })).toMatchObject({ status: 200 })
    }
    return host.notices.map(({ message }) => message)
  }

  test.each([
    [1, 0],
    [0, 1],
    [2, 1],
  ])('objects once where Express trusts %i proxies and keyrung %i', async (hops, trustedProxies) => {
    expect(await noticesWith(hops, trustedProxies)).toEqual([
      `Express trusts ${hops} proxies ("trust proxy"), keyrung ${trustedProxies} (http.trustedProxies).`,
    ])
  })

  test.each([
    [undefined, 0],
    [undefined, 1],
    [1, 1],
    [true, 1],
    ['loopback', 0],
  ])('does not object to %s and %i', async (setting, trustedProxies) => {
    expect(await noticesWith(setting, trustedProxies)).toEqual([])
  })

  test('serves an app within an app', async () => {
    const host = createHost({}, 'memory')
    const { secret } = await host.makeKey(['contacts:read'])
    const inner = express
      .Router()
      .get('/b', guardExpress(host.keyrung, 'contacts:read'), (request, response) => {
        response.json(request.principal?.keyName)
      })
    running = await serve(express().use('/a', inner))
    expect(await sendRaw(running.port, { target: '/a/b', headers: bearer(secret) })).toMatchObject({
      body: '"test"',
    })
    expect(await sendRaw(running.port, { target: '/a/b' })).toMatchObject({ status: 401 })
  })
})

describe.each<[string, (vary: string | undefined, host: ReturnType<typeof createHost>) => RequestListener]>([
  [
    'Express 5',
    (vary, { keyrung }) =>
      express()
        .use((_request, response, next) => {
          if (vary !== undefined) response.setHeader('Vary', vary)
          next()
        })
        .get('/', guardExpress(keyrung), guardExpress(keyrung), (_request, response) => void response.end()),
  ],
  [
    'Koa 3',
    (vary, { keyrung }) =>
      new Koa()
        .use((context, next) => {
          if (vary !== undefined) context.set('Vary', vary)
          return next()
        })
        .use(guardKoa(keyrung))
        .use(guardKoa(keyrung))
        .use((context) => void (context.body = 'ok'))
        .callback() as RequestListener,
  ],
])('behind %s', (_framework, listenerFor) => {
  test.each([
    [undefined, 'authorization, x-api-key'],
    ['Accept-Encoding', 'Accept-Encoding, authorization, x-api-key'],
    ['Authorization', 'Authorization, x-api-key'],
    ['*', '*'],
  ])('what a key gets is not shared by caches: Vary of %s becomes %s', async (before, after) => {
    const host = createHost({ http: { credentialHeader: 'x-api-key' } }, 'memory')
    const { secret } = await host.makeKey(['contacts:read'])
    running = await serve(listenerFor(before, host))
    const reply = await sendRaw(running.port, { target: '/', headers: bearer(secret) })
    expect(reply).toMatchObject({ status: 200 })
    expect(reply.headers['vary']).toBe(after)
    const refused = await sendRaw(running.port, { target: '/' })
    expect(refused).toMatchObject({ status: 401, headers: { vary: after } })
  })

  test('a server that keeps fewer headers is asked for its number', async () => {
    const host = createHost({}, 'memory')
    const { secret } = await host.makeKey(['contacts:read'])
    const server = createServer(listenerFor(undefined, host))
    server.maxHeadersCount = 20
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ask = async (padding: number) => {
      const headers = [...bearer(secret), ...Array.from({ length: padding }, () => ['a', 'b'] as const)]
      return (await sendRaw(port, { target: '/', headers })).status
    }
    // Host and Connection are headers too.
    expect([await ask(16), await ask(17), await ask(40)]).toEqual([200, 401, 401])
    server.maxHeadersCount = 0
    expect(await ask(1500)).toBe(200)
    server.close()
    await once(server, 'close')
  })

  test('nothing happens before the decision is there', async () => {
    const host = createHost({}, 'promises')
    const { secret } = await host.makeKey(['contacts:read'])
    const asked = deferred<undefined>()
    const answer = deferred<undefined>()
    host.fault = () => {
      asked.resolve(undefined)
      return answer.promise
    }
    running = await serve(listenerFor(undefined, host))
    let isAnswered = false
    const reply = sendRaw(running.port, { target: '/', headers: bearer(secret) }).finally(() => {
      isAnswered = true
    })
    await asked.promise
    for (let i = 0; i < 20; i++) await nextTurn()
    expect(isAnswered).toBe(false)
    answer.resolve(undefined)
    expect(await reply).toMatchObject({ status: 401 })
  })
})
