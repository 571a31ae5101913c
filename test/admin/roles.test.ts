import { describe, expect, test } from 'vitest'
import { approvalHost } from './approval-host.js'

const roles = ['admin', 'member', 'other workspace', 'key', 'nobody'] as const
type Role = (typeof roles)[number]

/** What ids stand for the table's things: a key, what it has asked for, what its webhook was told. */
interface Ids {
  readonly key: string
  readonly approval: string
  readonly digest: string
  readonly delivery: string
}

interface Row {
  readonly verb: string
  readonly ask: (
    ids: Ids,
  ) => readonly [method: string, path: string, body?: unknown, headers?: Record<string, string>]
  /** What must have been done to the key before. */
  readonly first?: 'revoke' | 'unknown'
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
  { verb: 'get', ask: ({ key }) => ['GET', `/keys/${key}`], statuses: [200, 403, 404, 403, 401] },
  {
    verb: 'edit',
    ask: ({ key }) => ['PATCH', `/keys/${key}`, { name: 'Other' }, version],
    statuses: [200, 403, 404, 403, 401],
  },
  { verb: 'rotate', ask: ({ key }) => ['POST', `/keys/${key}/rotate`], statuses: [200, 403, 404, 403, 401] },
  { verb: 'revoke', ask: ({ key }) => ['POST', `/keys/${key}/revoke`], statuses: [200, 403, 404, 403, 401] },
  {
    verb: 'activate',
    first: 'revoke',
    ask: ({ key }) => ['POST', `/keys/${key}/activate`],
    statuses: [200, 403, 404, 403, 401],
  },
  { verb: 'delete', ask: ({ key }) => ['DELETE', `/keys/${key}`], statuses: [204, 403, 404, 403, 401] },
  {
    verb: 'usage of a key',
    ask: ({ key }) => ['GET', `/keys/${key}/usage`],
    statuses: [200, 403, 404, 403, 401],
  },
  { verb: 'advice', ask: ({ key }) => ['GET', `/keys/${key}/advice`], statuses: [200, 403, 404, 403, 401] },
  { verb: 'usage', ask: () => ['GET', '/usage'], statuses: [200, 403, 200, 403, 401] },
  {
    verb: 'renew a webhook’s secret',
    ask: ({ key }) => ['POST', `/keys/${key}/rotate-webhook`],
    statuses: [200, 403, 404, 403, 401],
  },
  { verb: 'list approvals', ask: () => ['GET', '/approvals'], statuses: [200, 403, 200, 403, 401] },
  {
    // For a key it is whatever it asked for itself: this one did not.
    verb: 'get an approval',
    ask: ({ approval }) => ['GET', `/approvals/${approval}`],
    statuses: [200, 403, 404, 404, 401],
  },
  {
    verb: 'approve',
    ask: ({ approval, digest }) => ['POST', `/approvals/${approval}/approve`, { digest }],
    statuses: [200, 403, 404, 403, 401],
  },
  {
    verb: 'reject',
    ask: ({ approval }) => ['POST', `/approvals/${approval}/reject`, { reason: 'no' }],
    statuses: [200, 403, 404, 403, 401],
  },
  {
    verb: 'resolve',
    first: 'unknown',
    ask: ({ approval }) => ['POST', `/approvals/${approval}/resolve`, { as: 'failed' }],
    statuses: [200, 403, 404, 403, 401],
  },
  {
    verb: 'cancel',
    ask: ({ approval }) => ['POST', `/approvals/${approval}/cancel`],
    statuses: [403, 403, 403, 404, 401],
  },
  { verb: 'list deliveries', ask: () => ['GET', '/deliveries'], statuses: [200, 403, 200, 403, 401] },
  {
    verb: 'redeliver',
    ask: ({ delivery }) => ['POST', `/deliveries/${delivery}/redeliver`],
    statuses: [200, 403, 404, 403, 401],
  },
  { verb: 'audit', ask: () => ['GET', '/audit'], statuses: [200, 403, 200, 403, 401] },
  { verb: 'limits', ask: () => ['GET', '/limits'], statuses: [200, 403, 200, 403, 401] },
  { verb: 'catalog', ask: () => ['GET', '/catalog'], statuses: [200, 200, 200, 403, 401] },
  { verb: 'permissions', ask: () => ['GET', '/permissions'], statuses: [200, 200, 200, 403, 401] },
  { verb: 'exchange', ask: () => ['POST', '/tokens', {}], statuses: [403, 403, 403, 201, 401] },
  { verb: 'me', ask: () => ['GET', '/me'], statuses: [403, 403, 403, 200, 401] },
]

const rows = table.flatMap((row) => roles.map((role, i) => ({ ...row, role, status: row.statuses[i]! })))

/** A host with one of everything; the webhook is told of the approval as it is queued. */
async function roleHost() {
  const host = approvalHost({ tokens: { issuer: 'https://api.example.com', audience: 'api' } })
  const webhook = { url: 'https://hooks.example/keyrung', events: ['approval.queued'] }
  const { key, approval } = await host.makeAsked({ webhook })
  const { body } = await host.ask('admin', 'GET', '/deliveries')
  const { id: approvalId, digest } = approval
  const ids: Ids = { key: key.id, approval: approvalId, digest, delivery: body.deliveries[0].id }
  return { ...host, ids }
}

/** Everything that a refused verb must leave as it was. */
async function stateOf({ ask, ids }: Awaited<ReturnType<typeof roleHost>>) {
  const paths = [`/keys/${ids.key}`, `/approvals/${ids.approval}`, '/deliveries']
  return Promise.all(paths.map(async (path) => (await ask('admin', 'GET', path)).body))
}

const x: Ids = { key: 'x', approval: 'x', digest: '', delivery: 'x' }

describe('each verb by each role', () => {
  test.each(rows)('$verb by $role: $status', async ({ ask, first, role, status }) => {
    const host = await roleHost()
    const { ids, handler } = host
    // Full Access, so that a refusal is about who asks and not about what the key holds.
    const caller = await host.ask('admin', 'POST', '/keys', { name: 'Caller', mode: 'full' })
    if (first === 'revoke') await host.ask('admin', 'POST', `/keys/${ids.key}/revoke`)
    if (first === 'unknown') {
      handler.answer = () => Promise.reject(new Error('it broke'))
      await host.ask('admin', 'POST', `/approvals/${ids.approval}/approve`, { digest: ids.digest })
    }
    const before = await stateOf(host)
    const names: Record<Role, string | null> = {
      admin: 'admin',
      member: 'member',
      'other workspace': 'other',
      key: caller.body.secret,
      nobody: null,
    }
    const reply = await host.ask(names[role], ...ask(ids))
    expect(reply.status, JSON.stringify(reply.body)).toBe(status)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    if (status >= 400) {
      expect(reply.headers.get('content-type')).toBe('application/problem+json')
      expect(reply.body.code).toMatch(/^[a-z_]+$/)
      expect(await stateOf(host)).toEqual(before)
    }
  })

  test('no verb is left out', async () => {
    const { ask } = approvalHost()
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      for (const path of [
        '/keys',
        '/keys/x',
        '/keys/x/rotate',
        '/keys/x/rotate-webhook',
        '/keys/x/revoke',
        '/keys/x/activate',
        '/keys/x/usage',
        '/keys/x/advice',
        '/approvals',
        '/approvals/x',
        '/approvals/x/approve',
        '/approvals/x/reject',
        '/approvals/x/resolve',
        '/approvals/x/cancel',
        '/deliveries',
        '/deliveries/x/redeliver',
        '/usage',
        '/audit',
        '/limits',
        '/catalog',
        '/permissions',
        '/me',
        '/tokens',
      ]) {
        const isListed = table.some((row) => {
          const [listedMethod, listedPath] = row.ask(x)
          return listedMethod === method && listedPath === path
        })
        const { status } = await ask(null, method, path)
        expect(`${method} ${path} ${status}`).toBe(`${method} ${path} ${isListed ? 401 : 405}`)
      }
    }
  })

  test('a foreign thing’s id answers as an unknown and as a malformed one do, byte for byte', async () => {
    const host = await roleHost()
    const { ids } = host
    const unknown: Ids = {
      key: 'key_01h000000000000000000000zz',
      approval: 'apr_01h000000000000000000000zz',
      delivery: 'dlv_01h000000000000000000000zz',
      digest: ids.digest,
    }
    const malformed: Ids = { ...x, digest: ids.digest }
    // What is refused whatever the id is says nothing of it either.
    for (const row of table.filter(({ ask }) => ask(x)[1].includes('/x'))) {
      const texts = await Promise.all(
        [ids, unknown, malformed].map(async (given) => {
          const { status, body } = await host.ask('other', ...row.ask(given))
          return JSON.stringify([status, body])
        }),
      )
      expect(new Set(texts).size, texts.join('\n')).toBe(1)
      expect(texts[0]).toContain(`[${row.statuses[2]},`)
    }
  })
})
