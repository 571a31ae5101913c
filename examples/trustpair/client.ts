/** A request of the story. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  /** An API token; without one the login's cookie is sent, if there is one. */
  readonly token?: string | undefined
}

/** An answer of the host. */
export interface Answer {
  readonly status: number
  /** The parsed body; `undefined` without one. */
  readonly body: unknown
}

/** Talks to a host over HTTP only, as a browser that keeps the login's cookie. */
export class Client {
  #cookie: string | undefined
  #user = 'nobody'

  constructor(readonly url: string) {}

  /** Who is logged in. */
  get user(): string {
    return this.#user
  }

  async send({ method, path, body, token }: Call): Promise<Answer> {
    const headers = new Headers()
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    else if (this.#cookie !== undefined) headers.set('cookie', this.#cookie)
    if (body !== undefined) headers.set('content-type', 'application/json')
    const response = await fetch(this.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const [cookie] = response.headers.getSetCookie()
    if (cookie !== undefined) {
      this.#cookie = cookie.split(';')[0]
      this.#user = (body as { user?: string } | undefined)?.user ?? 'nobody'
    }
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }
}
