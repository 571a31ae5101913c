import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createAdmin } from '../../src/admin/handler.js'
import type { Notice } from '../../src/service/notice.js'
import { memoryStore } from '../../src/stores/memory.js'
import { adminHost } from './host.js'

const key = { name: 'x', scopes: ['contacts:read'] }

describe('a request from another site', () => {
  test.each<[string, Record<string, string>, number]>([
    ['that says nothing, as no browser does', {}, 201],
    ['of the same origin', { 'sec-fetch-site': 'same-origin', origin: 'http://api.example' }, 201],
    ['that the user typed', { 'sec-fetch-site': 'none' }, 201],
    ['of a sibling host', { 'sec-fetch-site': 'same-site' }, 403],
    ['of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 403],
    ['of an older browser on the own origin', { origin: 'http://api.example' }, 201],
    ['behind a proxy that ends TLS', { origin: 'https://api.example' }, 201],
    ['of an older browser elsewhere', { origin: 'https://evil.example' }, 403],
    ['of another port', { origin: 'http://api.example:8080' }, 403],
    ['of a sandboxed page', { origin: 'null' }, 403],
    [
      'of a console that the host named',
      { 'sec-fetch-site': 'same-site', origin: 'https://console.example' },
      201,
    ],
  ])('%s', async (_, headers, status) => {
    const { ask } = adminHost({}, { origins: ['https://console.example'] })
    expect((await ask('admin', 'POST', '/keys', key, headers)).status).toBe(status)
    expect((await ask('admin', 'GET', '/keys', undefined, headers)).status).toBe(200)
  })
})

describe('a body', () => {
  test.each<[string, string | Uint8Array, number, string]>([
    ['that is no JSON', '{"name":', 422, 'input_invalid'],
    ['that is a list', '[]', 422, 'input_invalid'],
    ['that is text', '"x"', 422, 'input_invalid'],
    ['that is null', 'null', 422, 'input_invalid'],
    ['that is not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 422, 'input_invalid'],
    ['that is nested 200,000 deep', '['.repeat(200_000), 422, 'input_invalid'],
    [
      'that is nested too deep in a field',
      `{"metadata":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`,
      422,
      'input_invalid',
    ],
    ['that is too large', `{"name":"${'x'.repeat(300_000)}"}`, 413, 'body_too_large'],
    [
      'with __proto__',
      '{"name":"x","scopes":["contacts:read"],"__proto__":{"mode":"full"}}',
      422,
      'input_invalid',
    ],
    [
      'with __proto__ in metadata',
      '{"name":"x","scopes":["contacts:read"],"metadata":{"__proto__":{}}}',
      422,
      'input_invalid',
    ],
    [
      'with constructor',
      '{"name":"x","scopes":["contacts:read"],"constructor":{"prototype":{}}}',
      422,
      'input_invalid',
    ],
  ])('%s', async (_, body, status, code) => {
    const { ask } = adminHost()
    const reply = await ask('admin', 'POST', '/keys', body)
    expect([reply.status, reply.body.code]).toEqual([status, code])
    expect(({} as { mode?: string }).mode).toBeUndefined()
  })

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/json; charset=utf-16',
    '',
  ])('as %j is refused: a form of another site could send it', async (type) => {
    const { ask } = adminHost()
    expect((await ask('admin', 'POST', '/keys', JSON.stringify(key), { 'content-type': type })).status).toBe(
      415,
    )
  })

  test('as JSON with a charset, in any case, is read', async () => {
    const { ask } = adminHost()
    const headers = { 'content-type': 'Application/JSON; charset="UTF-8"' }
    expect((await ask('admin', 'POST', '/keys', key, headers)).status).toBe(201)
  })

  test('that never says its length is still bounded', async () => {
    const { handler } = adminHost()
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536).fill(0x20))
      },
    })
    const request = new Request('http://api.example/keys', {
      ...{ method: 'POST', body, duplex: 'half' },
      headers: { session: 'admin', 'content-type': 'application/json' },
    } as RequestInit)
    expect((await handler(request, { peer: undefined, prefix: '' })).status).toBe(413)
    expect(sent).toBeLessThan(1_000_000)
  })
})

describe('paths', () => {
  test.each([
    '/',
    '/keys/',
    '/key',
    '/keys//rotate',
    '/keys/x/rotate/y',
    '/keys/x/constructor',
    '/__proto__',
    '/toString',
    '/keys/:id/rotate/',
  ])('%s is not there', async (path) => {
    const { ask } = adminHost()
    expect((await ask('admin', 'POST', path)).status).toBe(404)
  })

  test('another method is told which there are; HEAD is GET without the body', async () => {
    const { ask } = adminHost()
    const put = await ask('admin', 'PUT', '/keys')
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST, HEAD'])
    const head = await ask('admin', 'HEAD', '/keys')
    expect([head.status, head.body]).toEqual([200, undefined])
  })
})

describe('me', () => {
  test('tells a key what it may do, and nothing of what is hidden', async () => {
    const { ask, makeKey } = adminHost({
      entitlements: { of: () => ({ access: true, ceilings: ['contacts:write-approval', 'email:send'] }) },
    })
    const { key, secret } = await makeKey(['contacts:delete'])
    const { status, body } = await ask(secret, 'GET', '/me')
    expect(status).toBe(200)
    expect(body).toEqual({
      key: { id: key.id, name: 'Agent', environment: 'live', workspace_id: 'ws_1' },
      mode: 'custom',
      scopes: ['contacts:write-approval'],
      resources: [
        {
          ...{ name: 'contacts', label: 'Contacts' },
          permissions: [
            { permission: 'contacts:read', effect: 'allow' },
            { permission: 'contacts:write', effect: 'approval' },
          ],
        },
      ],
    })
    expect(JSON.stringify(body)).not.toMatch(/email|users|Admin/)
  })
})

describe('who calls', () => {
  test('a key that is presented counts, not the session beside it', async () => {
    const { ask, makeKey } = adminHost()
    const { secret } = await makeKey()
    expect((await ask(secret, 'GET', '/keys', undefined, { session: 'admin' })).status).toBe(403)
    expect(
      (await ask(`${secret.slice(0, -1)}!`, 'GET', '/keys', undefined, { session: 'admin' })).status,
    ).toBe(401)
    const both = await ask(`${secret}, Bearer ${secret}`, 'GET', '/keys', undefined, { session: 'admin' })
    expect([both.status, both.body.code]).toEqual([401, 'credential_repeated'])
  })

  test('a bearer token of the host’s own is left to the host', async () => {
    const { ask } = adminHost(
      {},
      {
        actor: (request) =>
          request.headers.get('authorization') === 'Bearer host-token'
            ? { type: 'user', id: 'ann', workspaceId: 'ws_1', role: 'admin' }
            : null,
      },
    )
    expect((await ask('host-token', 'GET', '/keys')).status).toBe(200)
    expect((await ask('other-token', 'GET', '/keys')).status).toBe(401)
  })

  test.each<[string, () => unknown, number, string]>([
    [
      'throws',
      () => {
        throw new Error('canary')
      },
      503,
      'hook_failed',
    ],
    ['rejects', () => Promise.reject(new Error('canary')), 503, 'hook_failed'],
    ['answers nothing', () => undefined, 401, 'actor_missing'],
    ['answers true', () => true, 503, 'hook_failed'],
    [
      'answers an actor without a workspace',
      () => ({ type: 'user', id: 'ann', role: 'admin' }),
      503,
      'hook_failed',
    ],
    [
      'answers an actor without an id',
      () => ({ type: 'user', id: '', workspaceId: 'ws_1', role: 'admin' }),
      503,
      'hook_failed',
    ],
  ])('a hook that %s lets nobody in', async (_, actor, status, code) => {
    const notices: Notice[] = []
    const { ask } = adminHost({ notify: (notice) => notices.push(notice) }, { actor: actor as never })
    const reply = await ask('admin', 'GET', '/keys')
    expect([reply.status, reply.body.code]).toEqual([status, code])
    expect(JSON.stringify(reply.body)).not.toContain('canary')
    const told = notices.filter(({ code: kind }) => kind === 'request_failed')
    expect(told).toHaveLength(status === 503 ? 1 : 0)
    if (status === 503)
      expect(told[0]!.error).toMatchObject({ code, internal: expect.stringMatching(/^actor: /) })
  })
})

test('an outage is told as one, and shows nothing of the store', async () => {
  const store = memoryStore()
  const { ask } = adminHost({
    store: {
      ...store,
      listKeys: () => {
        throw new Error('SELECT canary')
      },
    },
  })
  const reply = await ask('admin', 'GET', '/keys')
  expect([reply.status, reply.body.code, reply.headers.get('retry-after')]).toEqual([
    503,
    'store_unavailable',
    '1',
  ])
  expect(inspect(reply, { depth: 9 })).not.toContain('canary')
})

test('mistakes in the options stop the start, all of them', () => {
  const { keyrung } = adminHost()
  const make =
    (...args: unknown[]) =>
    () =>
      (createAdmin as (...args: unknown[]) => unknown)(...args)
  expect(make(keyrung, { actor: null, origins: ['console.example', 7], requestId: 'x', actors: 1 })).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      faults: ['actor', 'origins', 'requestId', 'actors'].map((path) => expect.objectContaining({ path })),
    }),
  )
  expect(make(undefined, undefined)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})

test.each<[string, string]>([
  ['/keys', 'status, text, cursor, limit, owner_id, created_by, expires_before'],
  ['/approvals', 'status, key_id, resource, cursor, limit, created_before'],
  ['/deliveries', 'status, key_id, approval_id, cursor, limit'],
  ['/audit', 'actor, action, target_id, cursor, limit, from, to'],
  ['/usage', 'from, to'],
  ['/keys/:id/usage', 'from, to'],
  ['/keys/:id/advice', 'days'],
])('a parameter that %s does not have is refused, and told are those it has', async (path, parameters) => {
  const { ask, makeKey } = adminHost()
  const made = await makeKey()
  const reply = await ask('admin', 'GET', `${path.replace(':id', made.key.id)}?page=2`)
  const message = `is not a parameter; there are ${parameters}`
  expect([reply.status, reply.body.faults]).toEqual([422, [{ path: 'page', message }]])
})
