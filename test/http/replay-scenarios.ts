import type { AppSetup, Route } from './replay-apps.js'
import { oneRoute } from './replay-apps.js'
import type { RawRequest } from './raw-http.js'

/** A request of which the handler has to meet the same, whether it runs at once or after an approval. */
export interface SameRequest {
  readonly name: string
  readonly app?: AppSetup
  readonly request: Partial<RawRequest>
  /** True where a parser ahead of the guard had the body. */
  readonly isRewritten?: boolean
}

const type = (value: string) => [['Content-Type', value]] as const
const everyByte = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))
const everyMethod: readonly Route[] = ['GET', 'PUT', 'PATCH', 'DELETE', 'POST'].map((method) => ({
  method,
  path: '/contacts/:id',
  guards: [['contacts:write']],
}))

/** Bodies as they are sent, and as parsers ahead of the guard leave them. */
export const bodies: readonly SameRequest[] = [
  { name: 'JSON', request: { headers: type('application/json'), body: '{ "a" : [1.0, "\\u00e4"] }' } },
  { name: 'text', request: { headers: type('text/plain'), body: ' two\r\nlines\n' } },
  {
    name: 'text that is not ASCII',
    request: { headers: type('text/plain; charset=utf-8'), body: '\xc3\xa4' },
  },
  {
    name: 'a form',
    request: { headers: type('application/x-www-form-urlencoded'), body: 'a=1&a=2&b=%C3%A4+' },
  },
  {
    name: 'a form in parts',
    request: {
      headers: type('multipart/form-data; boundary=x'),
      body: `--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n${everyByte}\r\n--x--\r\n`,
    },
  },
  { name: 'every byte', request: { headers: type('application/octet-stream'), body: everyByte } },
  { name: 'bytes of no type', request: { body: everyByte } },
  { name: 'as much as may be', request: { headers: type('image/png'), body: everyByte.repeat(1024) } },
  { name: 'nothing at all', request: {} },
  { name: 'an empty body', request: { headers: type('application/json'), body: '' } },
  {
    name: 'chunks',
    request: {
      headers: [...type('text/plain'), ['Transfer-Encoding', 'chunked']],
      raw: '3\r\nabc\r\n1;ext=1\r\nd\r\n0\r\nX-Trailer: 1\r\n\r\n',
    },
  },
  {
    name: 'what looks like another request',
    request: {
      headers: type('text/plain'),
      body: 'abc\r\n\r\nPOST /contacts/9 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
    },
  },
  {
    name: 'JSON that a parser has read',
    app: { parser: 'json' },
    request: { headers: type('application/json'), body: '{ "a" : [1.0, "\\u00e4", {"__proto__": 1}] }' },
    isRewritten: true,
  },
  {
    name: 'a JSON text that is a string',
    app: { parser: 'json' },
    request: { headers: type('application/json; charset=utf-8'), body: '"abc"' },
    isRewritten: true,
  },
  {
    name: 'a form that a parser has read',
    app: { parser: 'urlencoded' },
    request: { headers: type('application/x-www-form-urlencoded'), body: 'a=1+2&b=%C3%A4&c=' },
    isRewritten: true,
  },
  {
    name: 'text that a parser has read',
    app: { parser: 'text' },
    request: { headers: type('text/plain; charset=utf-8; format=flowed'), body: 'a\xc3\xa4\r\n' },
    isRewritten: true,
  },
  {
    name: 'bytes that a parser has read',
    app: { parser: 'raw' },
    request: { headers: type('application/octet-stream'), body: everyByte },
    isRewritten: true,
  },
  {
    name: 'an empty body, where a parser has read it',
    app: { parser: 'text' },
    request: { headers: type('text/plain'), body: '' },
  },
  {
    name: 'nothing, where a parser would have read it',
    app: { parser: 'json' },
    request: { headers: type('application/json') },
  },
]

/** Places in which a guard can stand, and ways in which a request can come to it. */
export const places: readonly SameRequest[] = [
  { name: 'a query, and an encoded path', request: { target: '/contacts/a%2Fb?x=1&x=%20&y' } },
  {
    name: 'a router in routers',
    app: { prefixes: ['/api', '/v1'] },
    request: { target: '/api/v1/contacts/7' },
  },
  ...everyMethod.map(({ method }) => ({
    name: method,
    app: { routes: everyMethod },
    request: { method, ...(method !== 'GET' && { body: 'x', headers: type('text/plain') }) },
  })),
  { name: 'a body with GET', app: { routes: everyMethod }, request: { method: 'GET', body: 'abc' } },
  { name: 'DELETE without a body', app: { routes: everyMethod }, request: { method: 'DELETE' } },
  {
    name: 'a proxy that ends TLS',
    app: { trustedProxies: 1 },
    request: {
      headers: [
        ['X-Forwarded-For', '203.0.113.9, 198.51.100.7'],
        ['X-Forwarded-Proto', 'https'],
      ],
    },
  },
  {
    name: 'headers that only a proxy may send, from somebody else',
    request: {
      headers: [
        ['X-Forwarded-For', '203.0.113.9'],
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-Host', 'evil.example'],
      ],
    },
  },
  {
    name: 'a guard of the whole app in front, for any key',
    app: { inFront: [] },
    request: {},
  },
  {
    name: 'a guard of the whole app in front, with a permission of its own',
    app: { inFront: ['contacts:read'] },
    request: {},
  },
  {
    name: 'a second guard behind the one that queues',
    app: { routes: [{ ...oneRoute[0]!, guards: [['contacts:write'], ['contacts:read']] }] },
    request: {},
  },
  {
    name: 'the guard that queues behind another',
    app: { inFront: [], routes: [{ ...oneRoute[0]!, guards: [['contacts:write']] }] },
    request: {},
  },
  {
    name: 'a guard with several permissions',
    app: { routes: [{ ...oneRoute[0]!, guards: [[['contacts:write', 'contacts:read']]] }] },
    request: {},
  },
]

/** An app that was changed while a request waited. */
export interface ChangedApp {
  readonly name: string
  readonly later: AppSetup
  readonly state: 'unused' | 'admitted' | 'changed'
  readonly status: number
}

const withRoute = (change: Partial<Route>): AppSetup => ({ routes: [{ ...oneRoute[0]!, ...change }] })

/** None of these handlers may be reached. */
export const changes: readonly ChangedApp[] = [
  {
    name: 'the route has another pattern',
    later: withRoute({ path: '/contacts/:name' }),
    state: 'changed',
    status: 412,
  },
  {
    name: 'another route is in its way',
    later: { routes: [{ method: 'POST', path: '/contacts/7', guards: [['contacts:write']] }, ...oneRoute] },
    state: 'changed',
    status: 412,
  },
  {
    name: 'the route needs less',
    later: withRoute({ guards: [['contacts:read']] }),
    state: 'changed',
    status: 412,
  },
  {
    name: 'the route needs more',
    later: withRoute({ guards: [['contacts:delete']] }),
    state: 'changed',
    status: 412,
  },
  {
    name: 'the route needs something beside',
    later: withRoute({ guards: [[['contacts:write', 'contacts:read']]] }),
    state: 'changed',
    status: 412,
  },
  { name: 'the route is gone', later: { routes: [] }, state: 'unused', status: 404 },
  { name: 'the route has another method', later: withRoute({ method: 'PUT' }), state: 'unused', status: 404 },
  {
    name: 'the route has moved',
    later: { prefixes: ['/v2'] },
    state: 'unused',
    status: 404,
  },
  {
    name: 'a guard in front needs an approval itself',
    later: { inFront: ['contacts:read', { approval: 'always' }] },
    state: 'changed',
    status: 412,
  },
  {
    name: 'a guard in front needs what the caller does not have',
    later: { inFront: ['users:read'] },
    state: 'unused',
    status: 403,
  },
  {
    name: 'a further guard needs an approval itself',
    later: withRoute({ guards: [['contacts:write'], ['contacts:read', { approval: 'always' }]] }),
    state: 'admitted',
    status: 412,
  },
  {
    name: 'a further guard needs what the caller does not have',
    later: withRoute({ guards: [['contacts:write'], ['users:read']] }),
    state: 'admitted',
    status: 403,
  },
]
