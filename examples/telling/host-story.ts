import { Client, type Answer, type Call } from './client.js'
import { field, tell, Teller, type Print } from './teller.js'
import type { Transcript } from './transcript.js'

/** Makes requests as one caller: as whoever is logged in, or with a key. Each is held to the status and code that are told. */
export interface Caller {
  send(call: Omit<Call, 'key'>, status: number, code?: string): Promise<Answer>
  get(path: string, status: number, code?: string): Promise<Answer>
  post(path: string, body: unknown, status: number, code?: string): Promise<Answer>
}

/** A key that was just made. */
export interface MadeKey {
  readonly id: string
  /** Where it is managed. */
  readonly path: string
  readonly secret: string
}

/** What the stories of hosts have in common: a demo's login, and keyrung's management under `/admin`. */
export interface HostSteps {
  readonly client: Client
  /** Whoever is logged in. */
  readonly user: Caller
  /** Whoever has a key's secret. */
  holder(secret: string): Caller
  login(user: string): Promise<void>
  make(input: object): Promise<MadeKey>
  /** Waits as long as a 429 says, which has to name the limit, and to say the same in its header and its body. */
  waitOut(refused: Answer): Promise<void>
}

/** No story waits longer than so many seconds. */
const longestWait = 3

/**
 * Tells a story against one host, over HTTP only.
 *
 * @returns whether every step went as told
 */
export function tellOfHost(
  {
    url,
    print,
    transcript,
  }: { readonly url: string; readonly print: Print; readonly transcript: Transcript },
  story: (teller: Teller, steps: HostSteps) => Promise<void>,
): Promise<boolean> {
  return tell(new Teller(print, transcript), (teller) => story(teller, stepsOn(new Client(url), teller)))
}

function stepsOn(client: Client, teller: Teller): HostSteps {
  function callerWith(key?: string): Caller {
    const send: Caller['send'] = (call, status, code) => teller.step(client, { ...call, key }, status, code)
    return {
      send,
      get: (path, status, code) => send({ method: 'GET', path }, status, code),
      post: (path, body, status, code) => send({ method: 'POST', path, body }, status, code),
    }
  }
  const user = callerWith()
  return {
    client,
    user,
    holder: callerWith,
    login: async (name) => void (await user.post('/demo/login', { user: name }, 200)),
    async make(input) {
      const { body } = await user.post('/admin/keys', input, 201)
      const { key, secret } = body as { readonly key: { readonly id: string }; readonly secret: string }
      if (!secret) teller.refute('the story tells a secret')
      return { id: key.id, path: `/admin/keys/${key.id}`, secret }
    },
    async waitOut({ retryAfter, body }) {
      const limit = field(body, 'limit')
      const [name, told] = [field(limit, 'name'), field(limit, 'retry_after')]
      if (retryAfter === null || retryAfter < 1 || retryAfter > longestWait || told !== retryAfter)
        return teller.refute(`the story tells a wait of 1 to ${longestWait} seconds`)
      teller.note(`… ${retryAfter} s, as Retry-After says, for the limit "${String(name)}"`)
      await new Promise((resolve) => setTimeout(resolve, retryAfter * 1_000))
    },
  }
}
