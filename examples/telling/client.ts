/** A request of a story. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  /** An API key; without one the login's cookie is sent, if there is one. */
  readonly key?: string | undefined
  /** The version an edit starts from. */
  readonly ifMatch?: string | undefined
}

/** An answer of the host. */
export interface Answer {
  readonly status: number
  readonly etag: string | null
  /** Where to go on, where the host said so. */
  readonly location: string | null
  /** Seconds to wait before the next try, where the host said so. */
  readonly retryAfter: number | null
  /** The parsed body; `undefined` without one. */
  readonly body: unknown
}

/** Who asks a host that has no login, and what the host is called where there are several. */
export interface Identity {
  /** Of the host, in a transcript. */
  readonly hostName?: string
  readonly user: string
  /** What proves it. */
  readonly headers: Readonly<Record<string, string>>
}

/** Talks to a host over HTTP only, as a browser that keeps the login's cookie. */
export class Client {
  readonly url: string
  /** What the host is called in a transcript; empty where there is only one. */
  readonly hostName: string
  #user: string
  #proof: Readonly<Record<string, string>>

  constructor(url: string, identity: Identity = { user: 'nobody', headers: {} }) {
    this.url = url
    this.hostName = identity.hostName ?? ''
    this.#user = identity.user
    this.#proof = identity.headers
  }

  /** Who is logged in. */
  get user(): string {
    return this.#user
  }

  /** Makes a request, and keeps the login's cookie. */
  async open({ method, path, body, key, ifMatch }: Call): Promise<Response> {
    const headers = new Headers(key === undefined ? this.#proof : { authorization: `Bearer ${key}` })
    if (body !== undefined) headers.set('content-type', 'application/json')
    if (ifMatch !== undefined) headers.set('if-match', ifMatch)
    const response = await fetch(this.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0]
    if (cookie !== undefined) {
      this.#proof = { cookie }
      this.#user = (body as { user?: string } | undefined)?.user ?? 'nobody'
    }
    return response
  }

  /** The same, with the answer read to its end. */
  async send(call: Call): Promise<Answer> {
    const response = await this.open(call)
    const text = await response.text()
    const retryAfter = response.headers.get('retry-after')
    return {
      status: response.status,
      etag: response.headers.get('etag'),
      location: response.headers.get('location'),
      retryAfter: retryAfter === null ? null : Number(retryAfter),
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    }
  }
}
