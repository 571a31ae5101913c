/** What a `Request` cannot tell about itself. */
export interface FetchContext<Native = unknown> {
  /** Address of the socket's other end. */
  readonly peer: string | undefined
  /** The path the handler is mounted under, `''` for none; the request's own URL begins behind it. */
  readonly prefix: string
  /** What the framework itself has of the request: Express's request, Koa's context. */
  readonly native?: Native
}

/**
 * A handler in the manner of `fetch`, which can be mounted in any framework; `Native` is the framework's own request that
 * it needs, where it needs one.
 */
export type FetchHandler<Native = unknown> = {
  // Parameters of a method may be narrower: a handler for all of Express's request can be mounted where a part is known.
  handle(request: Request, context: FetchContext<Native>): Response | Promise<Response>
}['handle']
