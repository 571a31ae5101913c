import { createKeyFormat } from '../../src/crypto/key-format.js'
import { systemEntropy } from '../../src/crypto/random.js'
import { operator } from './host.js'
import type { Host, HostSetup } from './host.js'
import type { RawRequest, Reply } from './raw-http.js'

/** A host that is being served, and how to ask it. */
export interface Served {
  readonly host: Host
  /** Sends a request with a key, or without one. */
  get(target: string, secret?: string | null, more?: Partial<RawRequest>): Promise<Reply>
}

/** What is done to a host; the statuses it answers, in order, are those in the name. */
export interface Scenario {
  /** Tells the statuses, in order, and why. */
  readonly name: string
  readonly setup?: HostSetup
  readonly run: (served: Served) => Promise<Reply | readonly Reply[]>
  /** The problem code of the last reply. */
  readonly code?: string
  /** What the last reply's challenge is. */
  readonly challenge?: string
  /** The handlers that must have run, and no others. */
  readonly ran?: readonly string[]
  /** What else must hold; answers what does not. */
  readonly check?: (host: Host, replies: readonly Reply[]) => string | undefined
}

const bearer = (secret: string): readonly [string, string] => ['Authorization', `Bearer ${secret}`]
const invalidToken = 'Bearer realm="api", error="invalid_token"'
const invalidRequest = 'Bearer realm="api", error="invalid_request"'
const insufficientScope = 'Bearer realm="api", error="insufficient_scope"'

/** Sends one header with each value, and nothing else. */
const withHeader = (name: string, ...values: string[]): Partial<RawRequest> => ({
  headers: values.map((value) => [name, value] as const),
})

const body = (reply: Reply | undefined): Record<string, unknown> => JSON.parse(reply?.body ?? '{}')

/** Asks and lets time pass until the host gives up waiting. */
async function whileTimePasses(host: Host, ms: number, ask: () => Promise<Reply>): Promise<Reply> {
  const reply = ask()
  while (host.clock.sleepers === 0) await new Promise((resolve) => void setImmediate(resolve))
  await host.clock.advance(ms)
  return reply
}

const never = () => new Promise<never>(() => undefined)

const credentials: readonly Scenario[] = [
  {
    name: '200 with a valid key, whose principal the handler gets',
    run: async ({ host, get }) => get('/contacts', (await host.makeKey(['contacts:read'])).secret),
    ran: ['contacts'],
    check: ({ callers: [caller] }) => {
      if (caller?.workspaceId !== 'ws_1' || caller.address !== '127.0.0.1') return 'no principal'
      return Object.isFrozen(caller) ? undefined : 'the principal can be changed'
    },
  },
  {
    name: '200 with the scheme in lower case (RFC 9110, 11.1)',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return get('/contacts', null, withHeader('authorization', `bearer ${secret}`))
    },
    ran: ['contacts'],
  },
  {
    name: '401 without a credential, and no error in the challenge (RFC 6750, 3.1)',
    run: ({ get }) => get('/contacts'),
    code: 'credential_missing',
    challenge: 'Bearer realm="api"',
    check: ({ lookups }) => (lookups === 0 ? undefined : 'the store was asked'),
  },
  {
    name: '401 401 401 for two credentials, equal ones too, whatever their order',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const two = (a: string, b: string) => get('/contacts', null, { headers: [bearer(a), bearer(b)] })
      return [await two(secret, secret), await two(secret, 'x'), await two('x', secret)]
    },
    code: 'credential_repeated',
    challenge: invalidRequest,
    check: ({ lookups }) => (lookups === 0 ? undefined : 'the store was asked'),
  },
  {
    name: '401 for two credentials that a proxy has joined',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return get('/contacts', null, withHeader('Authorization', `Bearer ${secret}, Bearer ${secret}`))
    },
    code: 'credential_repeated',
  },
  {
    name: '200 401 401 with a header of the host’s own: alone, twice, beside Authorization',
    setup: { http: { credentialHeader: 'x-api-key' } },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return [
        await get('/contacts', null, withHeader('X-API-Key', secret)),
        await get('/contacts', null, withHeader('X-API-Key', secret, secret)),
        await get('/contacts', secret, withHeader('X-API-Key', secret)),
      ]
    },
    code: 'credential_repeated',
    ran: ['contacts'],
    check: (_host, [first]) =>
      first?.headers['vary'] === 'authorization, x-api-key' ? undefined : 'a cache could share it',
  },
  {
    name: '401 for a key in a header that the host has not named, in the query or in a cookie',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return get(`/contacts?access_token=${secret}`, null, {
        headers: [
          ['X-API-Key', secret],
          ['Cookie', `access_token=${secret}`],
          ['Proxy-Authorization', `Bearer ${secret}`],
        ],
      })
    },
    code: 'credential_missing',
  },
  {
    name: '401 for a key under another scheme',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return get('/contacts', null, withHeader('Authorization', `Basic ${secret}`))
    },
    code: 'credential_invalid',
    challenge: invalidToken,
  },
  {
    name: '401 for one megabyte of header, before anything looks at it',
    setup: { maxHeaderSize: 4_194_304 },
    run: ({ get }) => get('/contacts', 'x'.repeat(1_048_576)),
    code: 'credential_invalid',
    check: ({ lookups }) => (lookups === 0 ? undefined : 'the store was asked'),
  },
  {
    name: '401 401 where the second credential lies beyond the headers that Node keeps',
    setup: { maxHeaderSize: 4_194_304 },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const padding = (count: number) => Array.from({ length: count }, () => ['a', 'b'] as const)
      return [
        await get('/contacts', null, { headers: [bearer(secret), ...padding(1000), bearer(secret)] }),
        await get('/contacts', null, { headers: [bearer(secret), ...padding(2001)] }),
      ]
    },
    code: 'credential_invalid',
    check: ({ lookups }) => (lookups === 0 ? undefined : 'the store was asked'),
  },
  {
    name: '200 with as many headers as Node keeps',
    setup: { maxHeaderSize: 4_194_304 },
    run: async ({ host, get }) => {
      const padding = Array.from({ length: 990 }, () => ['a', 'b'] as const)
      return get('/contacts', (await host.makeKey(['contacts:read'])).secret, { headers: padding })
    },
    ran: ['contacts'],
  },
  {
    name: '401 for a key that nobody has',
    run: ({ host, get }) => get('/contacts', host.keyrung.keyFormat.mint('live', systemEntropy)),
    code: 'credential_invalid',
    challenge: invalidToken,
    check: ({ lookups }) => (lookups === 1 ? undefined : 'the store was not asked'),
  },
  {
    name: '401 401 401 for a malformed key, one of another environment or prefix, without asking the store',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const other = createKeyFormat({ prefix: 'tp', environments: ['test'] })
      const foreign = createKeyFormat({ prefix: 'xy', environments: ['live'] })
      return [
        await get('/contacts', `${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`),
        await get('/contacts', other.mint('test', systemEntropy)),
        await get('/contacts', foreign.mint('live', systemEntropy)),
      ]
    },
    code: 'credential_invalid',
    check: ({ lookups }) => (lookups === 0 ? undefined : 'the store was asked'),
  },
  {
    name: '200 401 200 with a key that is revoked and activated again',
    run: async ({ host, get }) => {
      const { id, secret } = await host.makeKey(['contacts:read'])
      const before = await get('/contacts', secret)
      await host.keyrung.keys.revoke(operator, id)
      const during = await get('/contacts', secret)
      await host.keyrung.keys.activate(operator, id)
      return [before, during, await get('/contacts', secret)]
    },
    ran: ['contacts', 'contacts'],
    check: (_host, [, during]) =>
      body(during)['code'] === 'key_revoked' && during?.headers['www-authenticate'] === invalidToken
        ? undefined
        : 'not told as revoked',
  },
  {
    name: '401 with a key that was deleted, as if it had never been',
    run: async ({ host, get }) => {
      const { id, secret } = await host.makeKey(['contacts:read'])
      await host.keyrung.keys.delete(operator, id)
      return get('/contacts', secret)
    },
    code: 'credential_invalid',
  },
  {
    name: '200 401 before and at the millisecond a key expires',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'], { expiresAt: host.clock.now() + 1000 })
      await host.clock.advance(999)
      const before = await get('/contacts', secret)
      await host.clock.advance(1)
      return [before, await get('/contacts', secret)]
    },
    code: 'key_expired',
    challenge: invalidToken,
    ran: ['contacts'],
  },
  {
    name: '401 200 before and at the millisecond a key becomes valid',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'], { notBefore: host.clock.now() + 1000 })
      await host.clock.advance(999)
      const before = await get('/contacts', secret)
      await host.clock.advance(1)
      return [before, await get('/contacts', secret)]
    },
    ran: ['contacts'],
    check: (_host, [before]) => (body(before)['code'] === 'key_not_yet_valid' ? undefined : 'another code'),
  },
]

const fromTen = { addressRules: ['10.1.2.0/24'] }
const forwardedFor = (...values: string[]) => withHeader('X-Forwarded-For', ...values)

const addresses: readonly Scenario[] = [
  {
    name: '200 403 from an address on the key’s list, and with a list it is not on',
    run: async ({ host, get }) => [
      await get(
        '/contacts',
        (await host.makeKey(['contacts:read'], { addressRules: ['127.0.0.0/8'] })).secret,
      ),
      await get('/contacts', (await host.makeKey(['contacts:read'], fromTen)).secret),
    ],
    code: 'address_denied',
    ran: ['contacts'],
    check: (_host, [, refused]) =>
      refused?.headers['www-authenticate'] === undefined ? undefined : 'another key is asked for',
  },
  {
    name: '403 403 for forged forwarding headers where no proxy is trusted, and one notice',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'], fromTen)
      return [
        await get('/contacts', secret, forwardedFor('10.1.2.3')),
        await get('/contacts', secret, withHeader('Forwarded', 'for=10.1.2.3')),
      ]
    },
    code: 'address_denied',
    check: ({ notices }) =>
      notices.filter(({ code }) => code === 'proxy_unconfigured').length === 1 ? undefined : 'no notice',
  },
  {
    name: '200 403 403 403 behind one proxy: its entry counts, what the caller wrote does not',
    setup: { http: { trustedProxies: 1 } },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'], fromTen)
      return [
        await get('/contacts', secret, forwardedFor('192.0.2.1, 10.1.2.3')),
        await get('/contacts', secret, forwardedFor('10.1.2.3, 192.0.2.1')),
        await get('/contacts', secret, forwardedFor('10.1.2.3', '192.0.2.1')),
        await get('/contacts', secret),
      ]
    },
    code: 'address_denied',
    ran: ['contacts'],
    check: ({ notices }) => (notices.length === 0 ? undefined : 'a notice without a cause'),
  },
  {
    name: '200 403 behind two proxies, counted over all the headers',
    setup: { http: { trustedProxies: 2 } },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'], fromTen)
      return [
        await get('/contacts', secret, forwardedFor('192.0.2.1, 10.1.2.3', '192.0.2.2')),
        await get('/contacts', secret, forwardedFor('10.1.2.3, 192.0.2.1', '192.0.2.2')),
      ]
    },
    code: 'address_denied',
    ran: ['contacts'],
  },
  {
    name: '200 200 for an IPv4-mapped address and list, which are IPv4',
    setup: { http: { trustedProxies: 1 } },
    run: async ({ host, get }) => {
      const mapped = { addressRules: ['::ffff:10.1.2.3'] }
      return [
        await get(
          '/contacts',
          (await host.makeKey(['contacts:read'], fromTen)).secret,
          forwardedFor('::ffff:10.1.2.3'),
        ),
        await get(
          '/contacts',
          (await host.makeKey(['contacts:read'], mapped)).secret,
          forwardedFor('10.1.2.3'),
        ),
      ]
    },
    ran: ['contacts', 'contacts'],
  },
  {
    name: '200 403 403 for Forwarded: one header that is good, junk, two headers that disagree',
    setup: { http: { trustedProxies: 1 } },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'], fromTen)
      return [
        await get('/contacts', secret, withHeader('Forwarded', 'for=192.0.2.1, for="10.1.2.3:4711"')),
        await get('/contacts', secret, withHeader('Forwarded', 'for=10.1.2.3x')),
        await get('/contacts', secret, {
          headers: [...forwardedFor('10.1.2.3').headers!, ['Forwarded', 'for=192.0.2.1']],
        }),
      ]
    },
    code: 'address_denied',
    ran: ['contacts'],
  },
]

const rights: readonly Scenario[] = [
  {
    name: '200 403 with any valid key on a route without a permission, and none without scopes elsewhere',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['users:read'])
      return [await get('/any', secret), await get('/contacts', secret)]
    },
    code: 'hidden',
    ran: ['any'],
  },
  {
    name: '401 without a key on a route without a permission',
    run: ({ get }) => get('/any'),
    code: 'credential_missing',
  },
  {
    name: '403 without the scope, with the scopes that would do',
    run: async ({ host, get }) =>
      get('/contacts', (await host.makeKey(['contacts:read'])).secret, { method: 'POST' }),
    code: 'insufficient',
    challenge: `${insufficientScope}, scope="contacts:write"`,
    check: (_host, [reply]) =>
      JSON.stringify(body(reply)['missing']) ===
      '{"permissions":["contacts:write"],"scopes":["contacts:write"]}'
        ? undefined
        : 'not told what is missing',
  },
  {
    name: '403 403 200 for several permissions: all of them are needed',
    run: async ({ host, get }) => [
      await get('/both', (await host.makeKey(['contacts:write', 'email:read'])).secret),
      await get('/both', (await host.makeKey(['contacts:read', 'email:send'])).secret),
      await get('/both', (await host.makeKey(['contacts:delete', 'email:send'])).secret),
    ],
    ran: ['both'],
    check: (_host, [first]) =>
      first?.headers['www-authenticate'] === `${insufficientScope}, scope="contacts:write email:send"`
        ? undefined
        : 'not all scopes are named',
  },
  {
    name: '403 hidden: a resource without any access, told without names',
    run: async ({ host, get }) => get('/users', (await host.makeKey(['contacts:delete'])).secret),
    code: 'hidden',
    challenge: insufficientScope,
    check: (_host, [reply]) => (/users/.test(reply!.text) ? 'a name was told' : undefined),
  },
  {
    name: '404 404 hidden: where the host hides, to the byte what an unknown id gets',
    setup: { http: { hidden: 'not_found' } },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:delete'])
      return [await get('/users', secret), await get('/records/unknown', secret)]
    },
    code: 'not_found',
    check: (_host, [hidden, unknown]) => (hidden?.text === unknown?.text ? undefined : 'they differ'),
  },
  {
    name: '403 where the plan does not include it, with the way to one that does',
    setup: {
      http: { upgradeUrl: 'https://example.com/plans' },
    },
    run: async ({ host, get }) => {
      host.plan = () => ({ access: true, ceilings: ['contacts:read'] })
      return get('/contacts', (await host.makeKey(['contacts:write'])).secret, { method: 'POST' })
    },
    code: 'not_entitled',
    check: (_host, [reply]) =>
      body(reply)['upgrade_url'] === 'https://example.com/plans' && !reply?.headers['www-authenticate']
        ? undefined
        : 'no way to go on',
  },
  {
    name: '403 where the plan has no API access at all, and nothing is named as missing',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey('full')
      host.plan = () => null
      await host.clock.advance(2000)
      return get('/any', secret)
    },
    code: 'not_entitled',
    check: (_host, [reply]) => ('missing' in body(reply) ? 'something is named' : undefined),
  },
  {
    name: '403 where the key’s owner lacks it, and no scope is named, as none would help',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:write'], { ownerId: 'user_1' })
      return get('/contacts', secret, { method: 'POST' })
    },
    code: 'owner_insufficient',
    challenge: insufficientScope,
    check: (_host, [reply]) =>
      JSON.stringify(body(reply)['missing']) === '{"permissions":["contacts:write"],"scopes":[]}'
        ? undefined
        : 'a scope was named',
  },
  {
    name: '403 approval_required where it would have to be approved, and nothing runs',
    run: async ({ host, get }) =>
      get('/contacts', (await host.makeKey(['contacts:write-approval'])).secret, { method: 'POST' }),
    code: 'approval_required',
    check: (_host, [reply]) =>
      JSON.stringify(body(reply)['approval']) === '{"permissions":["contacts:write"]}'
        ? undefined
        : 'not told what needs approval',
  },
  {
    name: '403 approval_required for an operation that always needs it, Full Access too',
    run: async ({ host, get }) => get('/always', (await host.makeKey('full')).secret),
    code: 'approval_required',
  },
  {
    name: '200 200 with Full Access',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey('full')
      return [await get('/users', secret), await get('/both', secret)]
    },
    ran: ['users', 'both'],
  },
  {
    name: '403 200 right after an edit of the key’s scopes',
    run: async ({ host, get }) => {
      const { id, secret } = await host.makeKey(['contacts:read'])
      const before = await get('/contacts', secret, { method: 'POST' })
      await host.keyrung.keys.edit(operator, id, { scopes: ['contacts:write'] }, { version: 1 })
      return [before, await get('/contacts', secret, { method: 'POST' })]
    },
    ran: ['create'],
  },
]

const outages: readonly Scenario[] = [
  {
    name: '503 when the store throws, and nothing of what it threw',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      host.fault = () => {
        throw new Error(`cannot connect to db://admin:${secret}@db`)
      }
      return get('/contacts', secret)
    },
    code: 'store_unavailable',
  },
  {
    name: '503 in time when the store never answers',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      host.fault = never
      return whileTimePasses(host, 5000, () => get('/contacts', secret))
    },
    code: 'store_unavailable',
  },
  {
    name: '503 when the store answers with a record that lacks fields',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      host.fault = (digest) => ({ secret: { digest }, key: {} }) as never
      return get('/contacts', secret)
    },
    code: 'store_unavailable',
  },
  {
    name: '200 503 200 while a hook throws: an answer is never made up',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const before = await get('/contacts', secret)
      const { plan } = host
      host.plan = () => {
        throw new Error(`no plan for ${secret}`)
      }
      await host.clock.advance(2000)
      const during = await get('/contacts', secret)
      host.plan = plan
      return [before, during, await get('/contacts', secret)]
    },
    ran: ['contacts', 'contacts'],
    check: (_host, [, during]) => (body(during)['code'] === 'hook_failed' ? undefined : 'another code'),
  },
  {
    name: '503 when a hook rejects',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      host.plan = () => Promise.reject(new Error('plans are down'))
      await host.clock.advance(2000)
      return get('/contacts', secret)
    },
    code: 'hook_failed',
  },
  {
    name: '503 in time when a hook never answers',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      host.plan = never
      await host.clock.advance(2000)
      return whileTimePasses(host, 5000, () => get('/contacts', secret))
    },
    code: 'hook_failed',
  },
  {
    name: '503 before the host is ready',
    setup: { isStarting: true },
    run: ({ host, get }) => get('/contacts', host.keyrung.keyFormat.mint('live', systemEntropy)),
    code: 'not_ready',
  },
  {
    name: '503 once the host is closed',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      await host.keyrung.close()
      return get('/contacts', secret)
    },
    code: 'closed',
  },
]

const routing: readonly Scenario[] = [
  {
    name: '404 404 404 403 403 403: no way of writing a path leads past the guard',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return [
        await get('/open/../users', secret),
        await get('/open%2f..%2fusers', secret),
        await get('//users', secret),
        await get('/users?/contacts', secret),
        await get('/users?method=OPTIONS&path=/contacts', secret),
        await get('/users', secret, {
          headers: [
            ['X-Original-URL', '/contacts'],
            ['X-Rewrite-URL', '/contacts'],
          ],
        }),
      ]
    },
    code: 'hidden',
  },
  {
    name: '403 403 403: a method that is overridden is judged by the route it meets',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const as = (name: string) =>
        get('/contacts?_method=GET', secret, { method: 'POST', ...withHeader(name, 'GET') })
      return [await as('X-HTTP-Method-Override'), await as('X-HTTP-Method'), await as('X-Method-Override')]
    },
    code: 'insufficient',
  },
  {
    name: '200 200 401: DELETE and OPTIONS need what their routes were bound to, nothing else',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return [
        await get('/contacts', secret, { method: 'DELETE' }),
        await get('/contacts', secret, { method: 'OPTIONS' }),
        await get('/contacts', null, { method: 'OPTIONS' }),
      ]
    },
    ran: ['delete', 'options'],
  },
  {
    name: '200 401 403: HEAD is guarded like GET, and its refusals have no body',
    run: async ({ host, get }) => [
      await get('/contacts', (await host.makeKey(['contacts:read'])).secret, { method: 'HEAD' }),
      await get('/contacts', null, { method: 'HEAD' }),
      await get('/contacts', (await host.makeKey(['users:read'])).secret, { method: 'HEAD' }),
    ],
    ran: ['contacts'],
    check: (_host, replies) => (replies.every((reply) => reply.body === '') ? undefined : 'a body'),
  },
  {
    name: '200 403: a second guard on a request asks for more of the same caller, who was looked up once',
    run: async ({ host, get }) => [
      await get('/twice', (await host.makeKey(['contacts:write'])).secret),
      await get('/twice', (await host.makeKey(['contacts:read'])).secret),
    ],
    code: 'insufficient',
    ran: ['twice'],
    check: ({ lookups }) => (lookups === 2 ? undefined : `looked up ${lookups} times`),
  },
  {
    name: '401: a second guard sees what has happened since the first',
    run: async ({ host, get }) => get('/revoking', (await host.makeKey(['contacts:read'])).secret),
    code: 'key_revoked',
  },
  {
    name: '200 401 403: a principal that something else put onto the request is not believed',
    run: async ({ host, get }) => {
      const strong = await get('/any', (await host.makeKey('full')).secret)
      const { secret } = await host.makeKey(['contacts:read'])
      return [strong, await get('/forged'), await get('/swapped', secret)]
    },
    code: 'insufficient',
    ran: ['any'],
  },
  {
    name: '200: what was forged gives way to who it is',
    run: async ({ host, get }) => get('/forged', (await host.makeKey(['contacts:read'])).secret),
    ran: ['forged'],
  },
  {
    name: '200 401: an unguarded route stays open, and a request after a good one is judged for itself',
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      await get('/contacts', secret)
      return [await get('/open'), await get('/contacts')]
    },
    ran: ['contacts', 'open'],
  },
]

const threeAMinute = { name: 'minute', limit: 3, windowMs: 60_000 }
const limited = { keyLimits: [threeAMinute] }
const fieldsOf = ({ headers }: Reply) => [headers['ratelimit-policy'], headers['ratelimit']]
/** What is left by limit, as it is told, without the times. */
const leftIn = (reply: Reply) => fieldsOf(reply)[1]?.replace(/;t=\d+/g, '')
const allAre = (got: readonly unknown[], wanted: readonly unknown[]) =>
  JSON.stringify(got) === JSON.stringify(wanted) ? undefined : JSON.stringify(got)

const limits: readonly Scenario[] = [
  {
    name: '200 200 200 429 200: the limit exactly, told with every answer, and again when it is time',
    setup: limited,
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const replies: Reply[] = []
      for (let i = 0; i < 4; i++) replies.push(await get('/contacts', secret))
      await host.clock.advance(Number(replies[3]!.headers['retry-after']) * 1_000)
      return [...replies, await get('/contacts', secret)]
    },
    ran: ['contacts', 'contacts', 'contacts', 'contacts'],
    check: (_host, replies) => {
      const told = replies.slice(0, 4).map(fieldsOf)
      if (told.some(([policy]) => policy !== '"minute";q=3;w=60')) return 'another policy'
      if (told.some(([, standing], i) => !standing!.startsWith(`"minute";r=${[2, 1, 0, 0][i]};t=`)))
        return `another standing: ${JSON.stringify(told)}`
      const { code, limit } = body(replies[3]) as { code: string; limit: Record<string, unknown> }
      const after = Number(replies[3]!.headers['retry-after'])
      return code === 'limited' && limit['name'] === 'minute' && limit['retry_after'] === after
        ? undefined
        : 'the limit is not named'
    },
  },
  {
    name: '200 200 429 where units are counted by promises',
    setup: { keyLimits: [{ ...threeAMinute, limit: 2 }], isCountedElsewhere: true },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return [await get('/contacts', secret), await get('/contacts', secret), await get('/contacts', secret)]
    },
    code: 'limited',
    ran: ['contacts', 'contacts'],
  },
  {
    name: '403 403 403 429: what may not be done costs the same, and says how limits stand',
    setup: limited,
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:write-approval'])
      return [
        await get('/contacts', secret, { method: 'POST' }),
        await get('/users', secret),
        await get('/both', secret),
        await get('/contacts', secret),
      ]
    },
    code: 'limited',
    check: (_host, replies) =>
      replies.every((reply) => fieldsOf(reply)[0] === '"minute";q=3;w=60') ? undefined : 'not told',
  },
  {
    name: '404 200 404: behind a guard, what is hidden has the headers of an id that nobody knows',
    setup: { ...limited, http: { hidden: 'not_found' } },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const hidden = await get('/users', secret)
      const admitted = await get('/contacts', secret)
      return [hidden, admitted, await get('/guarded/unknown', (await host.makeKey(['contacts:read'])).secret)]
    },
    code: 'not_found',
    ran: ['contacts'],
    check: (_host, [hidden, , unknown]) => (hidden!.text === unknown!.text ? undefined : 'they differ'),
  },
  {
    name: '200 429 of an operation with a limit and a cost of its own',
    setup: { keyLimits: [{ ...threeAMinute, limit: 30 }] },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['users:read'])
      return [await get('/exports', secret), await get('/exports', secret)]
    },
    code: 'limited',
    ran: ['exports'],
    check: (_host, [first]) =>
      first!.headers['ratelimit']!.replace(/;t=\d+/g, '') === '"minute";r=28, "exports";r=1' ||
      first!.headers['ratelimit']!.replace(/;t=\d+/g, '') === '"exports";r=1, "minute";r=28'
        ? undefined
        : first!.headers['ratelimit'],
  },
  {
    name: '404 404 404 429: what is hidden tells nothing of a limit or a cost of its own, used up or not',
    setup: { ...limited, http: { hidden: 'not_found' } },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const replies = [await get('/exports', secret), await get('/exports', secret)]
      return [...replies, await get('/exports', secret), await get('/exports', secret)]
    },
    code: 'limited',
    check: (_host, replies) =>
      replies.some((reply) => reply.text.includes('exports')) ? 'its limit is told' : undefined,
  },
  {
    name: '200 200: a second guard on a request charges nothing, and tells nothing twice',
    setup: limited,
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:write'])
      return [await get('/twice', secret), await get('/twice', secret)]
    },
    ran: ['twice', 'twice'],
    check: ({ counted }, replies) => {
      if (counted.requests.length !== 2) return `charged ${counted.requests.length} times`
      const standings = replies.map((reply) => fieldsOf(reply)[1]!.replace(/;t=\d+/, ''))
      return standings.join(' ') === '"minute";r=2 "minute";r=1' ? undefined : standings.join(' ')
    },
  },
  {
    name: '200 200 429 200: a second guard with a limit of its own tells it beside those of the first, refused too',
    setup: { keyLimits: [{ ...threeAMinute, limit: 10 }] },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const replies = [await get('/pages', secret), await get('/pages', secret), await get('/pages', secret)]
      await host.clock.advance(Number(replies[2]!.headers['retry-after']) * 1_000)
      return [...replies, await get('/pages', secret)]
    },
    ran: ['pages', 'pages', 'pages'],
    check: (_host, replies) => {
      if (replies.some((reply) => fieldsOf(reply)[0] !== '"minute";q=10;w=60, "pages";q=2;w=3600')) {
        return 'another policy'
      }
      const { limit } = body(replies[2]) as { limit: Record<string, unknown> }
      const after = Number(replies[2]!.headers['retry-after'])
      if (limit['name'] !== 'pages' || limit['retry_after'] !== after || after < 3_000) return 'another limit'
      return allAre(replies.map(leftIn), [
        ...['"minute";r=9, "pages";r=1', '"minute";r=8, "pages";r=0', '"minute";r=7, "pages";r=0'],
        '"minute";r=9, "pages";r=1',
      ])
    },
  },
  {
    name: '200 429: a second guard that costs more tells each limit once, as it stands now, and which one refuses',
    setup: { keyLimits: [{ ...threeAMinute, limit: 4 }] },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return [await get('/search', secret), await get('/search', secret)]
    },
    ran: ['search'],
    check: (_host, replies) => {
      const { limit } = body(replies[1]) as { limit: Record<string, unknown> }
      if (limit['name'] !== 'minute' || Number(replies[1]!.headers['retry-after']) > 61)
        return 'another limit'
      return allAre(replies.map(leftIn), [
        ...['"minute";r=1, "pages";r=1, "searches";r=27', '"minute";r=0, "pages";r=0, "searches";r=27'],
      ])
    },
  },
  {
    name: '403: what a further guard denies tells all limits of those before it',
    setup: limited,
    run: async ({ host, get }) => get('/pages/write', (await host.makeKey(['contacts:read'])).secret),
    code: 'insufficient',
    check: (_host, replies) => allAre(replies.map(leftIn), ['"minute";r=2, "pages";r=1']),
  },
  {
    name: '404 404: behind a header of the host’s own, what is hidden has the headers of an id that nobody knows',
    setup: { ...limited, http: { hidden: 'not_found', credentialHeader: 'x-api-key' } },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      const hidden = await get('/users', null, withHeader('X-API-Key', secret))
      const other = (await host.makeKey(['contacts:read'])).secret
      return [hidden, await get('/guarded/unknown', null, withHeader('X-API-Key', other))]
    },
    code: 'not_found',
    check: (_host, [hidden, unknown]) =>
      hidden!.headers['vary'] === 'authorization, x-api-key' && hidden!.text === unknown!.text
        ? undefined
        : 'they differ',
  },
  {
    name: '200 429 where the host does not want the two fields, Retry-After is there all the same',
    setup: { keyLimits: [{ ...threeAMinute, limit: 1 }], http: { limitHeaders: false } },
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      return [await get('/contacts', secret), await get('/contacts', secret)]
    },
    code: 'limited',
    ran: ['contacts'],
    check: (_host, replies) =>
      replies.some((reply) => 'ratelimit' in reply.headers || 'ratelimit-policy' in reply.headers)
        ? 'they are there'
        : undefined,
  },
  {
    name: '200 429 of a workspace whose limit other keys have used up, by the limit’s name alone',
    setup: { limits: { workspace: [{ name: 'everyone', limit: 1, windowMs: 60_000 }] } },
    run: async ({ host, get }) => [
      await get('/contacts', (await host.makeKey(['contacts:read'])).secret),
      await get('/contacts', (await host.makeKey(['contacts:read'])).secret),
    ],
    code: 'limited',
    ran: ['contacts'],
    check: (_host, [, refused]) =>
      /ws_1|key_/.test(refused!.text) || !refused!.text.includes('"name":"everyone"')
        ? 'not by its name alone'
        : undefined,
  },
  {
    name: '401: nobody is told of limits before it is known who calls',
    setup: limited,
    run: ({ get }) => get('/contacts'),
    code: 'credential_missing',
    check: ({ counted }, [reply]) =>
      counted.requests.length === 0 && !('ratelimit' in reply!.headers) ? undefined : 'it was counted',
  },
  {
    name: '503 200 while units cannot be counted, and when they can be again',
    setup: limited,
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      host.counted.trouble = new Error(`no connection for ${secret}`)
      const during = await get('/contacts', secret)
      host.counted.trouble = null
      return [during, await get('/contacts', secret)]
    },
    ran: ['contacts'],
    check: (_host, [during]) => (body(during)['code'] === 'limits_unavailable' ? undefined : 'another code'),
  },
]

const fewFailures = { limits: { sources: { name: 'failures', limit: 2, windowMs: 60_000 } } }
const mint = (host: Host) => host.keyrung.keyFormat.mint('live', systemEntropy)

const sources: readonly Scenario[] = [
  {
    name: '401 401 429 200 401: a source has an allowance of failures, known good keys pass, and it comes back',
    setup: fewFailures,
    run: async ({ host, get }) => {
      const { secret } = await host.makeKey(['contacts:read'])
      await get('/contacts', secret)
      const replies = [await get('/contacts', mint(host)), await get('/contacts', 'junk')]
      const { lookups } = host
      replies.push(await get('/contacts', mint(host)))
      if (host.lookups > lookups + 1) throw new Error('the store was asked')
      replies.push(await get('/contacts', secret))
      await host.clock.advance(Number(replies[2]!.headers['retry-after']) * 1_000)
      return [...replies, await get('/contacts', mint(host))]
    },
    ran: ['contacts', 'contacts'],
    check: (_host, replies) => {
      const { code, limit } = body(replies[2]) as { code: string; limit: { name: string } }
      return code === 'limited' && limit.name === 'failures' ? undefined : 'not told'
    },
  },
  {
    name: '401 401 429 429 401 behind one proxy: its callers are told apart by their addresses',
    setup: { ...fewFailures, http: { trustedProxies: 1 } },
    run: async ({ host, get }) => {
      const from = (address: string) => get('/contacts', mint(host), forwardedFor(address))
      return [
        await from('192.0.2.1'),
        await from('::ffff:192.0.2.1'),
        await from('192.0.2.1'),
        await from('10.0.0.1, 192.0.2.1'),
        await from('192.0.2.2'),
      ]
    },
    code: 'credential_invalid',
  },
  {
    name: '401 401 429 behind a proxy that is not configured: its callers share its allowance, and it is told',
    setup: fewFailures,
    run: async ({ host, get }) => {
      const from = (address: string) => get('/contacts', mint(host), forwardedFor(address))
      return [await from('192.0.2.1'), await from('192.0.2.2'), await from('192.0.2.3')]
    },
    code: 'limited',
    check: ({ notices }) =>
      notices.map(({ code }) => code).join() === 'proxy_unconfigured' ? undefined : 'not told',
  },
]

/** Everything that is promised about a guarded route, by status. */
export const scenarios = { credentials, addresses, rights, outages, routing, limits, sources } as const
