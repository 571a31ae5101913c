import express from 'express'
import express4 from 'express4'
import Koa from 'koa'
import type { RequestListener } from 'node:http'
import type { FetchHandler } from '../../src/http/fetch-handler.js'
import { mount as mountExpress } from '../../src/middleware/express.js'
import { mount as mountKoa } from '../../src/middleware/koa.js'

/** How a host of these tests mounts its handler. */
export interface MountSetup {
  readonly maxBodyBytes?: number
  /** What a body parser would do ahead of the handler. */
  readonly parse?: (bytes: Buffer) => unknown
  /** What a broken handler's error comes to. */
  readonly onError?: (error: unknown) => void
}

async function drain(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function mountedIn(framework: typeof express) {
  return (handler: FetchHandler, { parse, onError, ...options }: MountSetup = {}): RequestListener => {
    const app = framework()
    if (parse) {
      app.use(async (request, _response, next) => {
        request.body = parse(await drain(request))
        next()
      })
    }
    app.use('/manage', mountExpress(handler, options))
    app.use(((error, _request, response, _next) => {
      onError?.(error)
      response.destroy()
    }) as express.ErrorRequestHandler)
    return app
  }
}

/** A host with the handler under /manage and nothing else, in each framework. */
export const mounts: Readonly<
  Record<string, (handler: FetchHandler, setup?: MountSetup) => RequestListener>
> = {
  'Express 5': mountedIn(express),
  'Express 4': mountedIn(express4),
  'Koa 3': (handler, { parse, onError, ...options } = {}) => {
    const app = new Koa()
    app.on('error', (error) => onError?.(error))
    app.silent = true
    if (parse) {
      app.use(async (context, next) => {
        Object.assign(context.request, { body: parse(await drain(context.req)) })
        await next()
      })
    }
    app.use(mountKoa(handler, { prefix: '/manage', ...options }))
    return app.callback() as RequestListener
  },
}
