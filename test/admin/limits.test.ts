import { describe, expect, test } from 'vitest'
import type { Entitlement } from '../../src/core/entitlement.js'
import { systemEntropy } from '../../src/crypto/random.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { watchedLimits } from '../service/meter-sample.js'
import { adminHost } from './host.js'

const minute = { name: 'minute', limit: 60, window_seconds: 60 }
const daily = { name: 'daily', limit: 500, calendar: 'day' }

function limitedHost(options: Parameters<typeof adminHost>[0] = {}) {
  const { limits, ...more } = options
  return adminHost({ limits: { store: watchedLimits(manualClock()), ...limits }, ...more })
}

describe('limits of a key', () => {
  test('are made, shown, edited and taken away, with windows in seconds', async () => {
    const { ask, makeKey } = limitedHost()
    const { key } = await makeKey(['contacts:read'], { limits: [minute, daily] })
    expect(key).toMatchObject({ limits: [daily, minute] })
    const path = `/keys/${key.id}`
    expect((await ask('admin', 'GET', path)).body.key.limits).toEqual([daily, minute])
    const burst = { name: 'burst', limit: 3, window_seconds: 1.5 }
    const edited = await ask('admin', 'PATCH', path, { limits: [burst] }, { 'if-match': '"v1"' })
    expect(edited.body.key.limits).toEqual([burst])
    const named = await ask('admin', 'PATCH', path, { name: 'Other' }, { 'if-match': '"v2"' })
    expect(named.body.key.limits).toEqual([burst])
    for (const [i, none] of [null, []].entries()) {
      const cleared = await ask('admin', 'PATCH', path, { limits: none }, { 'if-match': `"v${3 + 2 * i}"` })
      expect(cleared.status).toBe(200)
      expect(cleared.body.key.limits).toBeNull()
      await ask('admin', 'PATCH', path, { limits: [burst] }, { 'if-match': `"v${4 + 2 * i}"` })
    }
  })

  test('are none where nothing is said of them', async () => {
    const { makeKey } = limitedHost()
    expect((await makeKey()).key).toMatchObject({ limits: null })
  })

  test('stand in the audit trail as they stand on the wire', async () => {
    const { ask, makeKey } = limitedHost()
    const { key } = await makeKey(['contacts:read'], { limits: [minute] })
    await ask('admin', 'PATCH', `/keys/${key.id}`, { limits: [daily] }, { 'if-match': '"v1"' })
    const { body } = await ask('admin', 'GET', '/audit')
    const [edited, created] = body.events
    expect(created.after.limits).toEqual([minute])
    expect([edited.before.limits, edited.after.limits]).toEqual([[minute], [daily]])
    expect(JSON.stringify(body)).not.toContain('windowMs')
  })

  test.each<[string, unknown, string]>([
    ['no list', 7, 'limits'],
    ['an object', { minute: 60 }, 'limits'],
    ['nothing in the list', [null], 'limits.0'],
    ['too many', Array.from({ length: 9 }, (_, i) => ({ ...minute, name: `l${i}` })), 'limits'],
    ['a window of text', [{ ...minute, window_seconds: '60' }], 'limits.0.window_seconds'],
    ['a window below a second', [{ ...minute, window_seconds: 0.5 }], 'limits.0.window_seconds'],
    ['a window of more than 31 days', [{ ...minute, window_seconds: 2_678_401 }], 'limits.0.window_seconds'],
    ['parts of a millisecond', [{ ...minute, window_seconds: 1.0001 }], 'limits.0.window_seconds'],
    ['the name inside', [{ name: 'a', limit: 1, windowMs: 60_000 }], 'limits.0.windowMs'],
    ['both kinds', [minute, { ...minute, name: 'b', calendar: 'day' }], 'limits.1'],
    ['neither', [{ name: 'a', limit: 1 }], 'limits.0'],
    ['a week', [{ name: 'a', limit: 1, calendar: 'week' }], 'limits.0.calendar'],
    ['a fraction', [{ ...minute, limit: 1.5 }], 'limits.0.limit'],
    ['less than nothing', [{ ...minute, limit: -1 }], 'limits.0.limit'],
    ['one name twice', [minute, minute], 'limits.1.name'],
    ['a name that is none', [{ ...minute, name: 'Per Minute' }], 'limits.0.name'],
    ['something else beside', [{ ...minute, cost: 2 }], 'limits.0.cost'],
    ['a prototype', JSON.parse('[{"__proto__":{"name":"a"},"limit":1,"calendar":"day"}]'), 'limits.0.name'],
  ])('422 for %s, by the names on the wire', async (_what, limits, path) => {
    const { ask, makeKey } = limitedHost()
    const { key } = await makeKey()
    const body = { name: 'x', scopes: ['contacts:read'], limits }
    for (const reply of [
      await ask('admin', 'POST', '/keys', body),
      await ask('admin', 'PATCH', `/keys/${key.id}`, { limits }, { 'if-match': '"v1"' }),
    ]) {
      expect([reply.status, reply.body.code]).toEqual([422, 'input_invalid'])
      const faults = reply.body.faults as { path: string; message: string }[]
      expect(faults.map((fault) => fault.path)).toContain(path)
      expect(faults.map(({ message }) => message).join()).not.toContain('windowMs')
    }
  })

  test('422 tells of other fields along with a window', async () => {
    const { ask } = limitedHost()
    const limits = [{ ...minute, window_seconds: 0 }]
    const { body } = await ask('admin', 'POST', '/keys', { name: '', scopes: ['contacts:raed'], limits })
    const paths = (body.faults as { path: string }[]).map(({ path }) => path)
    expect(paths.toSorted()).toEqual(['limits.0.window_seconds', 'name', 'scopes.0'])
  })

  test('422 where nothing counts them', async () => {
    const store = { ...(await import('../../src/stores/memory.js')).memoryStore() }
    delete (store as { limits?: unknown }).limits
    const { ask } = adminHost({ store })
    const { status, body } = await ask('admin', 'POST', '/keys', {
      name: 'x',
      mode: 'full',
      limits: [minute],
    })
    expect([status, body.faults[0].path]).toEqual([422, 'limits'])
  })
})

describe('GET /limits', () => {
  test('shows what holds for the workspace: defaults, the plan’s in their place, and how counting goes', async () => {
    const plan: Entitlement<never> = {
      ...{ access: true, ceilings: 'full' as const },
      limits: [{ name: 'minute', limit: 600, windowMs: 60_000 }],
    }
    const { ask } = limitedHost({
      keys: {
        ...{ prefix: 'tp', environments: ['live', 'test'] },
        limits: [
          { name: 'minute', limit: 60, windowMs: 60_000 },
          { name: 'daily', limit: 500, calendar: 'day' },
        ],
      },
      limits: { workspace: [{ name: 'everyone', limit: 9, windowMs: 1_500 }] },
      entitlements: { of: (id) => (id === 'ws_1' ? plan : { access: true }) },
    })
    const { status, body } = await ask('admin', 'GET', '/limits')
    expect(status).toBe(200)
    expect(body).toEqual({
      keys: [daily, { ...minute, limit: 600 }],
      workspace: [{ name: 'everyone', limit: 9, window_seconds: 1.5, used: 0, remaining: 9, reset_after: 0 }],
      owner: [],
      counting: { store: 'watched', mode: 'ok', since: null, owing: 0 },
      sources: {
        limit: { name: 'failed-authentication', limit: 60, window_seconds: 60 },
        ...{ refusing: false, refused: 0 },
      },
    })
    expect((await ask('other', 'GET', '/limits')).body.keys).toEqual([daily, minute])
  })

  test('shows that a source is being refused, and where there is no such limit nothing', async () => {
    const limits = { sources: { name: 'failures', limit: 2, windowMs: 60_000 } }
    const { ask, keyrung } = limitedHost({ limits })
    const unknown = () => keyrung.keyFormat.mint('live', systemEntropy)
    for (let i = 0; i < 5; i++) await ask(unknown(), 'GET', '/me')
    expect((await ask('admin', 'GET', '/limits')).body.sources).toMatchObject({ refusing: true, refused: 3 })
    const { ask: askOther } = limitedHost({ limits: { sources: false } })
    expect((await askOther('admin', 'GET', '/limits')).body.sources).toBeNull()
  })
})

describe('how limits stand', () => {
  const workspace = [{ name: 'everyone', limit: 90, windowMs: 60_000 }]
  const owner = [{ name: 'owners', limit: 70, calendar: 'day' as const }]

  /** A key that has spent three units, two of them on exports. */
  async function spentHost() {
    const store = watchedLimits(manualClock())
    const host = limitedHost({
      limits: { store, workspace, owner },
      directory: { rightsOf: (id) => ({ role: id === 'bob' ? 'member' : 'admin', scopes: 'full' }) },
    })
    const { key, secret } = await host.makeKey(['contacts:read'], {
      limits: [minute, daily],
      owner_id: 'ann',
    })
    const exporting = { cost: 2, limit: { name: 'exports', limit: 5, windowMs: 3_600_000 } }
    const { admit, demand } = host.keyrung
    await admit({ authorization: [`Bearer ${secret}`] }, demand('contacts:read'))
    await admit({ authorization: [`Bearer ${secret}`] }, demand('contacts:read', exporting))
    return { ...host, store, key }
  }

  test('is told of a key: its own, its owner’s, its workspace’s and its operations’', async () => {
    const { ask, key, store } = await spentHost()
    const before = store.requests.length
    const { status, body, headers } = await ask('admin', 'GET', `/keys/${key.id}/limits`)
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(body).toEqual({
      key: [
        { ...daily, used: 3, remaining: 497, reset_after: expect.any(Number) },
        { ...minute, used: 3, remaining: 57, reset_after: 61 },
      ],
      owner: [
        {
          name: 'owners',
          limit: 70,
          calendar: 'day',
          used: 3,
          remaining: 67,
          reset_after: expect.any(Number),
        },
      ],
      workspace: [
        { name: 'everyone', limit: 90, window_seconds: 60, used: 3, remaining: 87, reset_after: 61 },
      ],
      operations: [
        { name: 'exports', limit: 5, window_seconds: 3600, used: 2, remaining: 3, reset_after: 3660 },
      ],
    })
    const asked = store.requests.slice(before).flatMap(({ charges }) => charges)
    expect(asked.map(({ cost }) => cost)).toEqual([0, 0, 0, 0])
  })

  test('is told of a workspace, and of another one nothing that this one has spent', async () => {
    const { ask } = await spentHost()
    expect((await ask('admin', 'GET', '/limits')).body.workspace).toMatchObject([{ used: 3, remaining: 87 }])
  })

  test('is not told while the limit store is away; what is configured is', async () => {
    const { ask, key, store } = await spentHost()
    store.trouble = new Error('away')
    const unknown = { used: null, remaining: null, reset_after: null }
    const { body } = await ask('admin', 'GET', `/keys/${key.id}/limits`)
    expect(body.key).toEqual([
      { ...daily, ...unknown },
      { ...minute, ...unknown },
    ])
    const { body: all } = await ask('admin', 'GET', '/limits')
    expect(all.workspace).toEqual([{ name: 'everyone', limit: 90, window_seconds: 60, ...unknown }])
  })

  test('is for whoever may look at the key; another workspace’s key is none', async () => {
    const { ask, key } = await spentHost()
    const path = `/keys/${key.id}/limits`
    const codes = []
    for (const as of ['member', 'other', null]) codes.push((await ask(as, 'GET', path)).status)
    expect(codes).toEqual([403, 404, 401])
    expect((await ask('other', 'GET', path)).body.code).toBe('not_found')
    expect((await ask('admin', 'GET', '/keys/key_unknown/limits')).status).toBe(404)
    expect((await ask('admin', 'POST', path)).status).toBe(405)
  })

  test('is nothing where nothing limits a key', async () => {
    const { ask, makeKey } = limitedHost()
    const { key } = await makeKey()
    const { body } = await ask('admin', 'GET', `/keys/${key.id}/limits`)
    expect(body).toEqual({ key: [], owner: [], workspace: [], operations: [] })
  })
})

test('429 for a flood of keys that are not valid, with how long to wait; who is signed in passes', async () => {
  const { ask, keyrung, makeKey } = limitedHost({
    limits: { sources: { name: 'failures', limit: 2, windowMs: 60_000 } },
  })
  const { secret } = await makeKey()
  const unknown = () => keyrung.keyFormat.mint('live', systemEntropy)
  const statuses: number[] = []
  for (let i = 0; i < 4; i++) statuses.push((await ask(unknown(), 'GET', '/me')).status)
  expect(statuses).toEqual([401, 401, 429, 429])
  const { body, headers } = await ask(unknown(), 'GET', '/me')
  expect(body).toMatchObject({ code: 'limited', limit: { name: 'failures' } })
  expect(headers.get('retry-after')).toBe(String(body.limit.retry_after))
  expect((await ask(secret, 'GET', '/me')).status).toBe(200)
  expect((await ask('admin', 'GET', '/keys')).status).toBe(200)
})
