import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { RequestListener } from 'node:http'
import express from 'express'
import express4 from 'express4'
import Koa from 'koa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FetchHandler } from '../../src/http/fetch-handler.js'
import {
  attach as attachExpress,
  guard as guardExpress,
  mount as mountExpress,
} from '../../src/middleware/express.js'
import { attach as attachKoa, guard as guardKoa, mount as mountKoa } from '../../src/middleware/koa.js'
import type { GuardedState } from '../../src/middleware/koa.js'
import { createHost } from '../http/host.js'
import type { Host } from '../http/host.js'
import { serve } from '../http/host-apps.js'
import type { Running } from '../http/host-apps.js'
import { deferred } from './deferred.js'

interface Watched {
  readonly errors: unknown[]
  /** Resolves when a connection was closed ahead of its answer. */
  readonly closed: Promise<unknown>
}

type Build = (host: Host, handler: FetchHandler, watched: Watched, onClose: () => void) => RequestListener

function inExpress(framework: typeof express): Build {
  return ({ keyrung }, handler, { errors }, onClose) => {
    const app = framework()
    attachExpress(keyrung, app)
    app.use((_request, response, next) => {
      response.once('close', onClose)
      next()
    })
    app.post(
      '/contacts',
      guardExpress(keyrung, 'contacts:write'),
      (_request, response) => void response.end(),
    )
    app.use('/manage', mountExpress(handler))
    app.use(((error, _request, response, _next) => {
      errors.push(error)
      response.destroy()
    }) as express.ErrorRequestHandler)
    return app
  }
}

const frameworks: Readonly<Record<string, Build>> = {
  'Express 5': inExpress(express),
  'Express 4': inExpress(express4),
  'Koa 3': ({ keyrung }, handler, { errors }, onClose) => {
    const app = new Koa<GuardedState>()
    app.silent = true
    // Koa reports the broken socket itself, whatever its middlewares do.
    const itsOwn = ['ECONNRESET', 'HPE_INVALID_EOF_STATE', 'ERR_STREAM_PREMATURE_CLOSE']
    app.on('error', (error: { code: string }) => itsOwn.includes(error.code) || errors.push(error))
    attachKoa(keyrung, app)
    app.use((context, next) => {
      context.res.once('close', onClose)
      return next()
    })
    const guarded = guardKoa(keyrung, 'contacts:write')
    app.use((context, next) => (context.path === '/contacts' ? guarded(context, next) : next()))
    app.use(mountKoa(handler, { prefix: '/manage' }))
    return app.callback() as RequestListener
  },
}

/** What ends the process, where it is not handled. */
const unhandled: unknown[] = []
const note = (error: unknown): void => void unhandled.push(error)
let running: Running | undefined
beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(async () => {
  process.off('unhandledRejection', note)
  await running?.stop()
  running = undefined
})

const head = (target: string, length: number, ...more: string[]): string =>
  [`POST ${target} HTTP/1.1`, 'Host: x', `Content-Length: ${length}`, ...more, '', ''].join('\r\n')

/** Everything that was to follow has followed. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => void setImmediate(resolve))
}

describe.each(Object.entries(frameworks))('in %s', (_framework, build) => {
  const handlers: Readonly<Record<string, FetchHandler>> = {
    'that answers': () => new Response('done'),
    'that reads its body': async (request) => new Response(await request.text()),
    'that waits until the client has gone, and rejects': ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('gone')))
      }),
    'whose answer has no end': () =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(9)) })),
    'whose answer breaks as its client goes': ({ signal }) =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new Uint8Array(9))
            signal.addEventListener('abort', () => controller.error(new Error('gone')))
          },
        }),
      ),
  }

  async function breakOff(handler: FetchHandler, target: string, sent: string, more: string[] = []) {
    const host = createHost({ role: 'admin' }, 'promises')
    const { secret } = await host.makeKey(['contacts:write-approval'])
    const closed = deferred<undefined>()
    const watched = { errors: [] as unknown[], closed: closed.promise }
    const begun = deferred<undefined>()
    const listen = build(host, handler, watched, () => closed.resolve(undefined))
    running = await serve((request, response) => {
      begun.resolve(undefined)
      listen(request, response)
    })
    const socket: Socket = connect(running.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(head(target, 5, `Authorization: Bearer ${secret}`, ...more) + sent)
    await begun.promise
    await settled()
    socket.destroy()
    await watched.closed
    await settled()
    return { errors: watched.errors, unhandled }
  }

  test.each(Object.keys(handlers))(
    'a request to a handler %s may be broken off in mid-body',
    async (name) => {
      expect(await breakOff(handlers[name]!, '/manage/keys', '{')).toEqual({ errors: [], unhandled: [] })
    },
  )

  test.each(Object.keys(handlers).slice(2))('a request to a handler %s may be broken off', async (name) => {
    expect(await breakOff(handlers[name]!, '/manage/keys', '12345')).toEqual({ errors: [], unhandled: [] })
  })

  test.each([
    ['in mid-body', '{', []],
    ['while it waits for an approval', '12345', ['Prefer: wait=30']],
  ])('a request that a guard has wait may be broken off %s', async (_when, sent, more) => {
    const came = await breakOff(handlers['that answers']!, '/contacts', sent, more)
    expect(came).toEqual({ errors: [], unhandled: [] })
  })
})
