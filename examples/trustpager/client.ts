/** A request of the story. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  /** An API key; without one the login's cookie is sent, if there is one. */
  readonly key?: string
  /** The version an edit starts from. */
  readonly ifMatch?: string
}

/** An answer of the host. */
export interface Answer {
  readonly status: number
  readonly etag: string | null
  /** The parsed body; `undefined` without one. */
  readonly body: unknown
}

/** Talks to a host over HTTP only, as a browser that keeps the login's cookie. */
export class Client {
  #cookie: string | undefined
  #user: string | undefined

  constructor(readonly url: string) {}

  /** Who is logged in. */
  get user(): string {
    return this.#user ?? 'nobody'
  }

  async send({ method, path, body, key, ifMatch }: Call): Promise<Answer> {
    const headers = new Headers()
    if (key !== undefined) headers.set('authorization', `Bearer ${key}`)
    else if (this.#cookie !== undefined) headers.set('cookie', this.#cookie)
    if (body !== undefined) headers.set('content-type', 'application/json')
    if (ifMatch !== undefined) headers.set('if-match', ifMatch)
    const response = await fetch(this.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0]
    if (cookie !== undefined)
      [this.#cookie, this.#user] = [cookie, (body as { user?: string } | undefined)?.user]
    const text = await response.text()
    return {
      status: response.status,
      etag: response.headers.get('etag'),
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    }
  }
}
