import type { Principal } from '../core/principal.js'

/** A request as it is stored and dispatched again, byte for byte. */
export interface StoredRequest {
  readonly method: string
  /** As it was sent, path and query: `/contacts/7?notify=1`. */
  readonly target: string
  /** The pattern of the route that was matched, as its framework tells it; null where it does not. */
  readonly pattern: string | null
  /** As the framework tells it, behind proxies too. */
  readonly scheme: 'http' | 'https'
  /** Names in lower case, each value as it was sent; never a credential or a cookie. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
  /** True where a parser had read the body, so that these are not the bytes that were sent. */
  readonly isRewritten: boolean
  /** A digest of the value that the parser had made of it, to compare with the one it makes at the replay. */
  readonly parsed?: string | null
}

/** What a dispatched request was answered with. */
export interface ReplayAnswer {
  readonly status: number
  readonly contentType: string | null
  /** At most as long as was asked for. */
  readonly body: Uint8Array
  readonly isTruncated: boolean
}

/** How a guard that is reached by a replay finds the call that it stands for. */
export interface ReplayTicket {
  /** The keyrung whose approval it is. */
  readonly keyrung: object
  readonly approvalId: string
  /** Who asked; the request is dispatched as if it came from the address that this one has. */
  readonly principal: Principal
  /** As it was stored. */
  readonly request: StoredRequest
  /** What the guard that queued the request demanded, by canonical names, separated by one space. */
  readonly permissions: string
  /**
   * `unused` until a guard has been reached; `changed`: it was another than the one that queued the request;
   * `body_changed`: a parser ahead of it made something else of the body.
   */
  state: 'unused' | 'admitted' | 'changed' | 'body_changed'
}

/** An app of the host's that stored requests can be dispatched into, in this process. */
export interface Dispatcher {
  /** What tells it from other apps of the host: the same on every instance. */
  readonly name: string
  /** The framework's own object, by which a guard knows which app it stands in. */
  readonly app: object
  /**
   * Dispatches a request; the guard that it reaches finds the ticket by a mark that no request from outside can have.
   * Rejects where the app gave no answer.
   *
   * @param options `maxBytes`: how much of the answer's body is read; `signal`: it is given up
   */
  dispatch(
    request: StoredRequest,
    ticket: ReplayTicket,
    options: { readonly maxBytes: number; readonly signal: AbortSignal },
  ): Promise<ReplayAnswer>
}
