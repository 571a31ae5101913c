import type { Express, RequestHandler } from 'express'
import type Koa from 'koa'
import type { Actor, Clock, Keyrung, KeyOptions, KeyView, Store } from 'keyrung'
import type { FetchHandler } from 'keyrung/http'
import type { GuardedState } from 'keyrung/koa'
import type { ManualClock } from 'keyrung/testing'
import type { catalog } from '../../examples/snippets/catalog.js'

type AppCatalog = typeof catalog

/**
 * What examples take for granted, by the entry they are written for; what stands under `keyrung` is known to all.
 * A name belongs here only where writing it out would say nothing: an app, a database, who is managing.
 */
export interface ExampleNames {
  keyrung: {
    catalog: AppCatalog
    keyrung: Keyrung<AppCatalog>
    store: Store
    secret: string
    /** The options of that name. */
    keys: KeyOptions
    actor: Actor
    key: KeyView
    /** An id of a key. */
    id: string
    /** What an application does when its copy is old. */
    reload: () => Promise<void>
  }
  'keyrung/admin': {
    app: Express
    sessions: { actorOf(request: Request): Promise<Actor | null> }
  }
  'keyrung/express': {
    app: Express
    handler: FetchHandler
    listContacts: RequestHandler
    mergeContacts: RequestHandler
  }
  'keyrung/koa': {
    app: Koa<GuardedState>
    router: { get(path: string, ...middleware: Koa.Middleware<GuardedState>[]): unknown }
    handler: FetchHandler
    listContacts: Koa.Middleware<GuardedState>
  }
  'keyrung/verify': {
    /** What came behind `Bearer`. */
    bearer: string | undefined
  }
  'keyrung/testing': {
    clock: ManualClock
    myStore: (options: { readonly clock: Clock }) => Store
    /** As test runners have it. */
    test: (name: string, run: () => Promise<void>) => void
  }
}
