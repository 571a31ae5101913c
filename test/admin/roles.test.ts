import { describe, expect, test } from 'vitest'
import { adminHost } from './host.js'

const roles = ['admin', 'member', 'other workspace', 'key', 'nobody'] as const
type Role = (typeof roles)[number]

interface Row {
  readonly verb: string
  readonly ask: (
    id: string,
  ) => readonly [method: string, path: string, body?: unknown, headers?: Record<string, string>]
  /** What must have been done to the key before. */
  readonly first?: 'revoke'
  /** The statuses in the order of `roles`. */
  readonly statuses: readonly [number, number, number, number, number]
}

const version = { 'if-match': '"v1"' }

const table: readonly Row[] = [
  {
    verb: 'create',
    ask: () => ['POST', '/keys', { name: 'New', scopes: ['email:read'] }],
    statuses: [201, 403, 201, 403, 401],
  },
  { verb: 'list', ask: () => ['GET', '/keys'], statuses: [200, 403, 200, 403, 401] },
  { verb: 'get', ask: (id) => ['GET', `/keys/${id}`], statuses: [200, 403, 404, 403, 401] },
  {
    verb: 'edit',
    ask: (id) => ['PATCH', `/keys/${id}`, { name: 'Other' }, version],
    statuses: [200, 403, 404, 403, 401],
  },
  { verb: 'rotate', ask: (id) => ['POST', `/keys/${id}/rotate`], statuses: [200, 403, 404, 403, 401] },
  { verb: 'revoke', ask: (id) => ['POST', `/keys/${id}/revoke`], statuses: [200, 403, 404, 403, 401] },
  {
    verb: 'activate',
    first: 'revoke',
    ask: (id) => ['POST', `/keys/${id}/activate`],
    statuses: [200, 403, 404, 403, 401],
  },
  { verb: 'delete', ask: (id) => ['DELETE', `/keys/${id}`], statuses: [204, 403, 404, 403, 401] },
  { verb: 'usage of a key', ask: (id) => ['GET', `/keys/${id}/usage`], statuses: [200, 403, 404, 403, 401] },
  { verb: 'advice', ask: (id) => ['GET', `/keys/${id}/advice`], statuses: [200, 403, 404, 403, 401] },
  { verb: 'usage', ask: () => ['GET', '/usage'], statuses: [200, 403, 200, 403, 401] },
  { verb: 'audit', ask: () => ['GET', '/audit'], statuses: [200, 403, 200, 403, 401] },
  { verb: 'limits', ask: () => ['GET', '/limits'], statuses: [200, 403, 200, 403, 401] },
  { verb: 'catalog', ask: () => ['GET', '/catalog'], statuses: [200, 200, 200, 403, 401] },
  { verb: 'permissions', ask: () => ['GET', '/permissions'], statuses: [200, 200, 200, 403, 401] },
  { verb: 'me', ask: () => ['GET', '/me'], statuses: [403, 403, 403, 200, 401] },
]

const rows = table.flatMap((row) => roles.map((role, i) => ({ ...row, role, status: row.statuses[i]! })))

describe('each verb by each role', () => {
  test.each(rows)('$verb by $role: $status', async ({ ask, first, role, status }) => {
    const host = adminHost()
    // Full Access, so that a refusal is about who asks and not about what the key holds.
    const caller = await host.ask('admin', 'POST', '/keys', { name: 'Caller', mode: 'full' })
    const { key } = await host.makeKey()
    if (first) await host.ask('admin', 'POST', `/keys/${key.id}/revoke`)
    const before = await host.ask('admin', 'GET', `/keys/${key.id}`)
    const names: Record<Role, string | null> = {
      admin: 'admin',
      member: 'member',
      'other workspace': 'other',
      key: caller.body.secret,
      nobody: null,
    }
    const reply = await host.ask(names[role], ...ask(key.id))
    expect(reply.status, JSON.stringify(reply.body)).toBe(status)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    if (status >= 400) {
      expect(reply.headers.get('content-type')).toBe('application/problem+json')
      expect(reply.body.code).toMatch(/^[a-z_]+$/)
      const after = await host.ask('admin', 'GET', `/keys/${key.id}`)
      expect(after.body).toEqual(before.body)
    }
  })

  test('no verb is left out', async () => {
    const { ask } = adminHost()
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      for (const path of [
        '/keys',
        '/keys/x',
        '/keys/x/rotate',
        '/keys/x/revoke',
        '/keys/x/activate',
        '/keys/x/usage',
        '/keys/x/advice',
        '/usage',
        '/audit',
        '/limits',
        '/catalog',
        '/permissions',
        '/me',
      ]) {
        const isListed = table.some((row) => {
          const [listedMethod, listedPath] = row.ask('x')
          return listedMethod === method && listedPath === path
        })
        const { status } = await ask(null, method, path)
        expect(`${method} ${path} ${status}`).toBe(`${method} ${path} ${isListed ? 401 : 405}`)
      }
    }
  })

  test('a foreign key’s id answers as an unknown and as a malformed one do, byte for byte', async () => {
    const host = adminHost()
    const { key } = await host.makeKey()
    for (const row of table.filter(({ ask }) => ask('x')[1].includes('/x'))) {
      const texts = await Promise.all(
        [key.id, 'key_01h000000000000000000000zz', 'nonsense'].map(async (id) => {
          const { status, body } = await host.ask('other', ...row.ask(id))
          return JSON.stringify([status, body])
        }),
      )
      expect(new Set(texts).size, texts.join('\n')).toBe(1)
      expect(texts[0]).toContain('[404,')
    }
  })
})
