import type { RequestListener } from 'node:http'
import { Router } from '@koa/router'
import express from 'express'
import Koa from 'koa'
import { afterEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { attach as attachExpress, guard as guardExpress } from '../../src/middleware/express.js'
import { attach as attachKoa, guard as guardKoa } from '../../src/middleware/koa.js'
import type { GuardedState } from '../../src/middleware/koa.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { catalog } from './host.js'
import { serve } from './host-apps.js'
import type { Running } from './host-apps.js'

/** A route as one version of the host has it, and what its handler is called. */
interface Route {
  readonly method: 'post' | 'put'
  readonly path: string
  readonly permission: 'contacts:write' | 'contacts:delete' | 'email:send'
  readonly handler: string
}

type KeyrungOf = ReturnType<typeof open>
type Build = (keyrung: KeyrungOf, routes: readonly Route[], ran: string[]) => RequestListener

const frameworks: Readonly<Record<string, Build>> = {
  'Express 5': (keyrung, routes, ran) => {
    const app = express()
    const router = express.Router()
    for (const { method, path, permission, handler } of routes) {
      router[method](path, guardExpress(keyrung, permission), (request, response) => {
        ran.push(`${handler} ${request.params['id'] as string} by ${request.approval?.id ?? 'nobody'}`)
        response.status(201).end()
      })
    }
    app.use('/v1', router)
    attachExpress(keyrung, app)
    return app
  },
  'Koa 3 with @koa/router': (keyrung, routes, ran) => {
    const app = new Koa<GuardedState>()
    const router = new Router<GuardedState>({ prefix: '/v1' })
    for (const { method, path, permission, handler } of routes) {
      router[method](path, guardKoa(keyrung, permission), (context) => {
        ran.push(`${handler} ${context.params['id']!} by ${context.state.approval?.id ?? 'nobody'}`)
        context.status = 201
      })
    }
    app.use(router.routes()).use(router.allowedMethods())
    attachKoa(keyrung, app)
    return app.callback() as RequestListener
  },
}

const clock = manualClock()

/** One version of the host, on the store that all of them share. */
function open(store: Store) {
  return createKeyrung({
    ...{ catalog, clock, store, secret: 'a secret of the host, long enough to be one' },
    keys: { prefix: 'tp' },
    notify: () => undefined,
  })
}

const ann = { type: 'user', id: 'ann', workspaceId: 'ws', role: 'admin' } as const
const create: Route = {
  method: 'post',
  path: '/contacts/:id',
  permission: 'contacts:write',
  handler: 'create',
}
const remove: Route = { ...create, permission: 'contacts:delete', handler: 'remove' }

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

describe.each(Object.entries(frameworks))('behind %s', (_framework, build) => {
  /** Has a request wait under one version, and approves it under the next. */
  async function deploy(routes: readonly Route[]) {
    const store = memoryStore({ clock })
    const ran: string[] = []
    const before = open(store)
    running = await serve(build(before, [create], ran))
    const { secret } = await before.keys.create(ann, {
      ...{ name: 'Agent', scopes: ['contacts:write-approval', 'email:send'] },
    })
    const response = await fetch(`http://127.0.0.1:${running.port}/v1/contacts/7`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
    })
    expect(response.status).toBe(202)
    const { approval_id: id, digest } = (await response.json()) as { approval_id: string; digest: string }
    const after = open(store)
    build(after, routes, ran)
    const { operation, status, outcome } = await after.approvals.approve(ann, id, { digest })
    // Nothing more comes of it, under any version.
    await before.tick()
    await after.tick()
    return { id, operation, ended: `${status} ${outcome}`, ran }
  }

  test('a route that stayed is run by the next version, listed by its pattern', async () => {
    const { id, operation, ended, ran } = await deploy([create])
    expect([operation, ended]).toEqual(['POST /v1/contacts/:id', 'succeeded done'])
    expect(ran).toEqual([`create 7 by ${id}`])
  })

  test.each<[string, readonly Route[]]>([
    ['is gone', []],
    ['has moved', [{ ...create, path: '/people/:id' }]],
    ['has moved, and another is in its place', [remove, { ...create, path: '/people/:id' }]],
    ['has another method', [{ ...create, method: 'put' }]],
    ['has another pattern', [{ ...create, path: '/:id/:id' }]],
    ['needs more', [remove]],
    ['needs something else that the key has', [{ ...create, permission: 'email:send' }]],
    ['stands behind a more special one', [{ ...create, path: '/contacts/7', handler: 'special' }, create]],
  ])('one that %s is stale, and no handler runs', async (_, routes) => {
    expect(await deploy(routes)).toMatchObject({ ended: 'stale route_changed', ran: [] })
  })
})
