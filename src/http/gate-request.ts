import { clientAddress } from '../net/client-address.js'
import type { AdmissionRequest } from '../service/admission.js'
import type { HttpSettings } from '../service/http-settings.js'
import type { ReplayTicket, StoredRequest } from '../service/replay.js'

/** A request's body. */
export interface GateBody {
  readonly bytes: Uint8Array
  /** True where a parser had read it, so that these are not the bytes that were sent. */
  readonly isRewritten: boolean
  /** A digest of the value that the parser had made of it; null or left out: none had read it. */
  readonly parsed?: string | null
}

/** A request as a gate sees it; every framework can be made to look like this. */
export interface GateRequest {
  /**
   * Every value the request had for a header, by its name in lower case: one for each time it was sent,
   * equal ones too. Joining or dropping doubles would hide a second credential.
   */
  headers(name: string): readonly string[]
  /** Address of the socket's other end. */
  readonly peer: string | undefined
  readonly method: string
  /** As it was sent. It decides nothing. */
  readonly target: string
  /**
   * The framework's own object for this request, by which a further gate knows who was admitted already.
   * Left out, each gate looks at the credential again.
   */
  readonly identity?: object
  /** True where the server may have dropped headers, and so a second credential: it is refused. */
  readonly truncated?: boolean
  /** The outermost app that the guard stands in, as it was attached. Without it nothing can wait for an approval. */
  readonly app?: object | undefined
  /** The pattern of the matched route; null where the guard stands in none, or the framework does not tell. */
  readonly pattern?: string | null
  /** As the framework tells it, behind proxies too. */
  readonly scheme?: 'http' | 'https'
  /** Aborts when the client has gone before it was answered: what waits for its sake then ends. */
  readonly gone?: AbortSignal | undefined
  /** The approved call that the request is a replay of; found by what no request from outside can have. */
  readonly replay?: ReplayTicket | undefined
  /**
   * Reads the body as it was sent; where a parser has done so, what it made of it is written down again.
   *
   * @throws KeyrungError `body_too_large` above `maxBytes`; `not_replayable` for what cannot be written down
   */
  readBody?(maxBytes: number): Promise<GateBody>
  /** Says whether a parser ahead of the guard has made another value of the body than was stored. */
  isBodyChanged?(stored: StoredRequest): boolean
}

const none: readonly string[] = []

/** What admission is told about a request; its address is only worked out where it is asked for. */
export class Incoming implements AdmissionRequest {
  readonly authorization: readonly string[]
  readonly bare: readonly string[]
  readonly #request: GateRequest
  readonly #http: HttpSettings

  constructor(request: GateRequest, http: HttpSettings) {
    this.authorization = request.headers('authorization')
    this.bare = http.credentialHeader === null ? none : request.headers(http.credentialHeader)
    this.#request = request
    this.#http = http
  }

  get address(): string | undefined {
    const request = this.#request
    const { trustedProxies, forwardedHeader } = this.#http
    const proxied = trustedProxies > 0
    return clientAddress(
      {
        peer: request.peer,
        forwarded: proxied ? request.headers('forwarded') : none,
        xForwardedFor: proxied ? request.headers('x-forwarded-for') : none,
      },
      trustedProxies,
      forwardedHeader,
    )
  }
}

/** Says whether a proxy has passed the request on, or someone pretends so. */
export function isForwarded(request: GateRequest): boolean {
  return request.headers('x-forwarded-for').length > 0 || request.headers('forwarded').length > 0
}
