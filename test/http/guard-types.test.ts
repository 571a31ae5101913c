import express from 'express'
import Koa from 'koa'
import { expect, expectTypeOf, test } from 'vitest'
import type { AnyCatalog } from '../../src/core/catalog.js'
import type { Principal } from '../../src/core/principal.js'
import { createGate } from '../../src/http/gate.js'
import type { GateArguments } from '../../src/http/gate-demand.js'
import {
  guard as guardExpress,
  mount as mountExpress,
  notFound as notFoundExpress,
} from '../../src/middleware/express.js'
import { guard as guardKoa, mount as mountKoa, notFound as notFoundKoa } from '../../src/middleware/koa.js'
import type { GuardedState } from '../../src/middleware/koa.js'
import type { Keyrung } from '../../src/service/keyrung.js'
import { createHost } from './host.js'

const { keyrung } = createHost({}, 'memory')
/** One signature, so that what is proven for one of them holds for all. */
type Guard = <C extends AnyCatalog>(keyrung: Keyrung<C>, ...args: GateArguments<NoInfer<C>>) => unknown
const guards: readonly Guard[] = [createGate, guardExpress, guardKoa]

test('a permission that the catalogue does not have does not compile, and throws for whoever compiles it', () => {
  for (const guard of guards) {
    expect(() => guard(keyrung, 'contacts:read')).not.toThrow()
    expect(() => guard(keyrung, ['contacts:read', 'email:send'], { approval: 'always' })).not.toThrow()
    expect(() => guard(keyrung)).not.toThrow()
    // @ts-expect-error it is misspelt
    expect(() => guard(keyrung, 'contacts:raed')).toThrow('contacts:raed')
    // @ts-expect-error one of them is misspelt
    expect(() => guard(keyrung, ['contacts:read', 'email:sned'])).toThrow('email:sned')
    // @ts-expect-error a rung is no action
    expect(() => guard(keyrung, 'contacts:write-approval')).toThrow('contacts:write-approval')
    // @ts-expect-error the ladder has no such action
    expect(() => guard(keyrung, 'users:write')).toThrow('users:write')
    // @ts-expect-error an empty array names no permission
    expect(() => guard(keyrung, [])).toThrow('is empty')
    // @ts-expect-error undefined must not come to mean "anyone"
    expect(() => guard(keyrung, undefined)).toThrow('leave it out')
    // @ts-expect-error there is no such option
    expect(() => guard(keyrung, 'contacts:read', { approval: 'never' })).toThrow('approval')
    // @ts-expect-error several permissions are one array
    expect(() => guard(keyrung, 'contacts:read', 'email:send')).toThrow('one array')
  }
})

test('a keyrung whose catalog is not known takes no permission, unless it is said to be of any catalog', () => {
  const unknown: Keyrung = keyrung
  // @ts-expect-error the type does not tell that there is such a permission
  expect(() => createGate(unknown, 'contacts:raed')).toThrow('contacts:raed')
  // @ts-expect-error nor that there is this one
  expect(() => unknown.demand('contacts:read')).not.toThrow()
  const any: Keyrung<AnyCatalog> = keyrung
  expect(() => createGate(any, 'contacts:read')).not.toThrow()
})

test('behind a guard or a mount, a request keeps the types that Express gives it', () => {
  const router = express.Router()
  router.post('/plain/:id', (request) => {
    type Plain = typeof request
    router.post('/guarded/:id', guardExpress(keyrung, 'contacts:write'), (guarded) => {
      expectTypeOf(guarded.body).toBeAny()
      expectTypeOf(guarded.body).toEqualTypeOf<Plain['body']>()
      expectTypeOf(guarded.query).toEqualTypeOf<Plain['query']>()
      expectTypeOf(guarded.params).toEqualTypeOf<Plain['params']>()
    })
  })
  router.use(
    mountExpress(() => new Response()),
    (request) => {
      expectTypeOf(request.body).toBeAny()
    },
  )
  router.use(notFoundExpress(keyrung), (request) => {
    expectTypeOf(request.body).toBeAny()
  })
  expect(router.stack).not.toHaveLength(0)
})

test('guards are middleware of their frameworks, and the principal is typed behind them', () => {
  const handler = () => new Response()
  const app = express()
  app.use('/manage', mountExpress(handler))
  app.get('/a', guardExpress(keyrung, 'contacts:read'), (request, response) => {
    expectTypeOf(request.principal).toEqualTypeOf<Principal | undefined>()
    response.end()
  })
  app.get('/b', notFoundExpress(keyrung))
  express.Router().use(guardExpress(keyrung))

  const koa = new Koa<GuardedState>()
  koa.use(guardKoa(keyrung, 'contacts:read'))
  koa.use(mountKoa(handler, { prefix: '/manage' }))
  koa.use((context) => {
    expectTypeOf(context.state.principal).toEqualTypeOf<Principal>()
  })
  koa.use(notFoundKoa(keyrung))
  new Koa().use(guardKoa(keyrung, 'contacts:read'))
  expect(koa.middleware).toHaveLength(4)
})
