import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Koa from 'koa'
import { createKeyrung, memoryLimits, memoryStore } from 'keyrung'
import type { Limit } from 'keyrung'
import { guard as expressGuard } from 'keyrung/express'
import { guard as koaGuard } from 'keyrung/koa'
import { catalog, hostSecret } from '../seed.js'

const answer = { contacts: [{ id: 1, name: 'Ann' }] }

/** What each server answers with: the same handler, bare and guarded. */
const listeners = {
  'Express 5, bare': () => express().get('/contacts', (_request, response) => void response.json(answer)),
  'Express 5, guarded': async () => {
    const { keyrung } = await createGuarded()
    return express().get('/contacts', expressGuard(keyrung, 'contacts:read'), (_request, response) => {
      response.json(answer)
    })
  },
  'Express 5, guarded with limits': async () => {
    const { keyrung } = await createGuarded(limits)
    return express().get('/contacts', expressGuard(keyrung, 'contacts:read'), (_request, response) => {
      response.json(answer)
    })
  },
  'Koa 3, bare': () => new Koa().use((context) => void (context.body = answer)).callback(),
  'Koa 3, guarded': async () => {
    const { keyrung } = await createGuarded()
    return new Koa()
      .use(koaGuard(keyrung, 'contacts:read'))
      .use((context) => void (context.body = answer))
      .callback()
  },
  'Koa 3, guarded with limits': async () => {
    const { keyrung } = await createGuarded(limits)
    return new Koa()
      .use(koaGuard(keyrung, 'contacts:read'))
      .use((context) => void (context.body = answer))
      .callback()
  },
} satisfies Record<string, () => RequestListener | Promise<RequestListener>>

/** The name of a server. */
export type ServerName = keyof typeof listeners

/** A minute's limit and a day's, both rolling, wide enough for one key to bring all of the load. */
const limits: readonly Limit[] = [
  { name: 'minute', limit: 100_000_000, windowMs: 60_000 },
  { name: 'day', limit: 1_000_000_000, windowMs: 86_400_000 },
]

async function createGuarded(keyLimits?: readonly Limit[]) {
  const store = memoryStore()
  const keyrung = createKeyrung({
    ...{ catalog, store, secret: hostSecret },
    keys: { prefix: 'tp', ...(keyLimits && { limits: keyLimits }) },
    ...(keyLimits && { limits: { store: memoryLimits() } }),
  })
  const actor = { type: 'system', name: 'bench', workspaceId: 'ws_1' } as const
  const { secret } = await keyrung.keys.create(actor, { name: 'Bench', scopes: ['contacts:read'] })
  keyrung.run()
  shown = secret
  return { keyrung }
}

/** The key that was made, if one was. */
let shown = 'none'

/** What a server answers when it is asked: the processor time it has used so far, in microseconds. */
export interface Usage {
  readonly cpu: number
}

/** Serves until its parent ends it, and tells the parent where; asked for anything, it tells its processor time. */
export async function serveAlone(name: ServerName): Promise<void> {
  const server = createServer(await listeners[name]())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.send!({ port: (server.address() as AddressInfo).port, secret: shown })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send!({ cpu: user + system } satisfies Usage)
  })
  process.once('disconnect', () => process.exit())
}
