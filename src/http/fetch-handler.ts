/** What a `Request` cannot tell about itself. */
export interface FetchContext {
  /** Address of the socket's other end. */
  readonly peer: string | undefined
  /** The path the handler is mounted under, `''` for none; the request's own URL begins behind it. */
  readonly prefix: string
}

/** A handler in the manner of `fetch`, which can be mounted in any framework. */
export type FetchHandler = (request: Request, context: FetchContext) => Response | Promise<Response>
