import { describe, expect, test } from 'vitest'
import { adminHost } from './host.js'

describe('creating', () => {
  test('shows the secret once, and the key in snake_case with RFC 3339 times', async () => {
    const { ask } = adminHost()
    const { status, body, headers } = await ask('admin', 'POST', '/keys', {
      ...{ name: ' Claude ', scopes: ['people:write', 'contacts:read'], environment: 'test' },
      ...{ expires_at: '2030-01-31T13:00:00+01:00', not_before: null, address_rules: ['192.0.2.0/24'] },
      metadata: { camelCase: { stays_so: true } },
    })
    expect(status).toBe(201)
    expect(headers.get('etag')).toBe('"v1"')
    expect(body.secret).toMatch(/^tp_test_[0-9A-Za-z]{36}$/)
    expect(body.key).toMatchObject({
      ...{
        name: 'Claude',
        environment: 'test',
        mode: 'custom',
        scopes: ['contacts:write'],
        unknown_scopes: [],
      },
      ...{ workspace_id: 'ws_1', created_by: 'user:ann', status: 'active', version: 1, last_used_at: null },
      ...{ expires_at: '2030-01-31T12:00:00.000Z', not_before: null, address_rules: ['192.0.2.0/24'] },
      metadata: { camelCase: { stays_so: true } },
      secrets: [{ last_four: body.secret.slice(-4), ends_at: null }],
    })
    const read = await ask('admin', 'GET', `/keys/${body.key.id}`)
    expect(read.body.key).toEqual(body.key)
    expect(JSON.stringify(read.body)).not.toContain(body.secret.slice(8, 38))
  })

  test('names every fault, by the names on the wire', async () => {
    const { ask } = adminHost()
    const faultsOf = async (body: unknown) =>
      ((await ask('admin', 'POST', '/keys', body)).body.faults ?? [])
        .map(({ path }: { path: string }) => path)
        .sort()
    const fields = await faultsOf({
      ...{
        name: '',
        scopes: ['contacts:raed'],
        workspace_id: 'ws_2',
        created_by: 'x',
        version: 9,
        digest: 'x',
      },
      ...{ expires_at: 1893456000, not_before: '2030-02-30T00:00:00Z', expiresAt: 1, createdBy: 'y' },
    })
    expect(fields).toEqual(
      [
        'name',
        'scopes.0',
        'created_by',
        'createdBy',
        'digest',
        'expires_at',
        'expiresAt',
        'not_before',
        'version',
        'workspace_id',
      ].sort(),
    )
    expect(
      await faultsOf({
        name: '',
        scopes: ['contacts:raed'],
        owner_id: 7,
        address_rules: ['127.1'],
        metadata: [],
      }),
    ).toEqual(['address_rules.0', 'metadata', 'name', 'owner_id', 'scopes.0'])
    expect(await faultsOf({ name: 'x', mode: 'full', expires_at: '2001-09-09T02:00:00Z' })).toEqual([
      'expires_at',
    ])
    const late = await ask('admin', 'POST', '/keys', {
      ...{ name: 'x', mode: 'full', not_before: '2031-01-01T00:00:00Z', expires_at: '2030-01-01T00:00:00Z' },
    })
    expect(late.body.faults).toEqual([{ path: 'not_before', message: 'must be before expires_at' }])
  })

  test('CVE-2025-61928: no field of a body makes anyone somebody else', async () => {
    const { ask, keyrung } = adminHost()
    for (const field of ['workspace_id', 'workspaceId', 'user_id', 'userId', 'actor', 'created_by', 'role']) {
      expect((await ask(null, 'POST', '/keys', { name: 'x', mode: 'full', [field]: 'ws_1' })).status).toBe(
        401,
      )
      expect((await ask('other', 'POST', '/keys', { name: 'x', mode: 'full', [field]: 'ws_1' })).status).toBe(
        422,
      )
    }
    const actor = { type: 'system', name: 'test', workspaceId: 'ws_1' } as const
    expect((await keyrung.keys.list(actor)).keys).toEqual([])
  })

  test('under an Idempotency-Key makes one key, and a repetition does not show the secret', async () => {
    const { ask } = adminHost()
    const input = { name: 'CI', scopes: ['contacts:read'] }
    const once = { 'idempotency-key': 'a1' }
    const first = await ask('admin', 'POST', '/keys', input, once)
    const second = await ask('admin', 'POST', '/keys', input, once)
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.body).toEqual({ key: first.body.key, secret: null, webhook_secret: null })
    const other = await ask('admin', 'POST', '/keys', { ...input, name: 'CD' }, once)
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch'])
    expect((await ask('admin', 'GET', '/keys')).body.keys).toHaveLength(1)
    const bad = await ask('admin', 'POST', '/keys', input, { 'idempotency-key': 'x'.repeat(300) })
    expect(bad.body.faults[0].path).toBe('Idempotency-Key')
    const two = await ask('admin', 'POST', '/keys', input, { 'idempotency-key': 'a, b' })
    expect([two.status, two.body.faults[0].path]).toEqual([422, 'Idempotency-Key'])
  })
})

describe('editing', () => {
  test('needs the version it was read at, and the loser of two is told', async () => {
    const { ask, makeKey } = adminHost()
    const { key } = await makeKey()
    const path = `/keys/${key.id}`
    const edit = (body: object, match?: string) =>
      ask('admin', 'PATCH', path, body, match === undefined ? {} : { 'if-match': match })
    expect((await edit({ name: 'A' })).status).toBe(428)
    expect((await edit({ name: 'A' }, '*')).status).toBe(428)
    expect((await edit({ name: 'A' }, 'v1')).status).toBe(422)
    const etag = (await ask('admin', 'GET', path)).headers.get('etag')!
    const [first, second] = await Promise.all([edit({ name: 'A' }, etag), edit({ name: 'B' }, etag)])
    expect([first.status, second.status].sort()).toEqual([200, 412])
    const { body, headers } = await ask('admin', 'GET', path)
    expect(body.key).toMatchObject({ name: first.status === 200 ? 'A' : 'B', version: 2 })
    expect(headers.get('etag')).toBe('"v2"')
    // A compressing proxy makes the tag weak.
    expect((await edit({ name: 'C' }, 'W/"v1"')).status).toBe(412)
    expect((await edit({ name: 'C' }, 'W/"v2"')).status).toBe(200)
    expect((await edit({ name: 'C' }, 'w/"v3"')).status).toBe(422)
  })

  test.each(['T24:00:00Z', 'T23:60:00Z', 'T23:59:60Z', 'T12:00:00+24:00', 'T12:00:00+01:60'])(
    'refuses 2030-01-31%s for a time',
    async (time) => {
      const { ask, makeKey } = adminHost()
      const { key } = await makeKey()
      const body = { expires_at: `2030-01-31${time}` }
      const reply = await ask('admin', 'PATCH', `/keys/${key.id}`, body, { 'if-match': '"v1"' })
      expect([reply.status, reply.body.faults[0].path]).toEqual([422, 'expires_at'])
    },
  )

  test('is told how a version is said here', async () => {
    const { ask, makeKey } = adminHost()
    const { key } = await makeKey()
    const reply = await ask('admin', 'PATCH', `/keys/${key.id}`, { name: 'A' })
    expect([reply.status, reply.body.code]).toEqual([428, 'version_required'])
    expect(reply.body.detail).toBe('Say which version you are changing: send its ETag as If-Match.')
  })

  test('is not asked for a version where keys cannot be edited, or there is no such key', async () => {
    const immutable = adminHost({ keys: { prefix: 'tp', lifecycle: 'immutable' } })
    const { key } = await immutable.makeKey()
    for (const match of [undefined, '*', 'v1', '"v1"', '"v9"']) {
      const headers = match === undefined ? {} : { 'if-match': match }
      const refused = await immutable.ask('admin', 'PATCH', `/keys/${key.id}`, { name: 'A' }, headers)
      expect([refused.status, refused.body.code]).toEqual([403, 'operation_disabled'])
      const unknown = await adminHost().ask('admin', 'PATCH', `/keys/${key.id}`, { name: 'A' }, headers)
      expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found'])
    }
  })

  test('clears with null, keeps what is left out, refuses what cannot be set', async () => {
    const { ask, makeKey } = adminHost()
    const { key } = await makeKey(['contacts:read'], { expires_at: '2030-01-01T00:00:00Z' })
    const edit = (body: object, version: number) =>
      ask('admin', 'PATCH', `/keys/${key.id}`, body, { 'if-match': `"v${version}"` })
    const cleared = await edit({ expires_at: null }, 1)
    expect(cleared.body.key).toMatchObject({ expires_at: null, scopes: ['contacts:read'], version: 2 })
    const refused = await edit({ environment: 'test', status: 'active' }, 2)
    expect(refused.body.faults.map(({ path }: { path: string }) => path)).toEqual(['environment', 'status'])
    expect((await edit({ scopes: ['email:send'] }, 2)).body.key.scopes).toEqual(['email:send'])
  })
})

test('rotating takes seconds and shows the new secret; both work during the grace period', async () => {
  const { ask, clock, makeKey } = adminHost()
  const { key, secret } = await makeKey()
  const { status, body } = await ask('admin', 'POST', `/keys/${key.id}/rotate`, { grace_seconds: 60 })
  expect(status).toBe(200)
  expect(body.key.secrets).toHaveLength(2)
  await clock.advance(59_999)
  for (const one of [secret, body.secret]) expect((await ask(one, 'GET', '/me')).status).toBe(200)
  await clock.advance(1)
  expect((await ask(secret, 'GET', '/me')).body.code).toBe('secret_rotated')
  expect((await ask(body.secret, 'GET', '/me')).status).toBe(200)
  for (const grace of [-1, 1.5, '60', 1e12]) {
    const bad = await ask('admin', 'POST', `/keys/${key.id}/rotate`, { grace_seconds: grace })
    expect(bad.body.faults[0].path).toBe('grace_seconds')
  }
})

test('revoke, activate and delete, and the trail of it all', async () => {
  const { ask, makeKey } = adminHost()
  const { key, secret } = await makeKey()
  const path = `/keys/${key.id}`
  const revoked = await ask(
    'admin',
    'POST',
    `${path}/revoke`,
    { reason: 'leaked' },
    { 'x-request-id': 'r-1', 'user-agent': 'curl/8' },
  )
  expect(revoked.body.key).toMatchObject({
    status: 'revoked',
    revoked_by: 'user:ann',
    revoked_reason: 'leaked',
  })
  expect((await ask(secret, 'GET', '/me')).body.code).toBe('key_revoked')
  expect((await ask('admin', 'POST', `${path}/activate`)).body.key.status).toBe('active')
  expect((await ask(secret, 'GET', '/me')).status).toBe(200)
  const deleted = await ask('admin', 'DELETE', path)
  expect([deleted.status, deleted.body]).toEqual([204, undefined])
  expect((await ask(secret, 'GET', '/me')).body.code).toBe('credential_invalid')
  expect((await ask('admin', 'GET', path)).status).toBe(404)

  const { body } = await ask('admin', 'GET', `/audit?target_id=${key.id}`)
  expect(body.events.map(({ action }: { action: string }) => action)).toEqual(
    expect.arrayContaining(['key.created', 'key.revoked', 'key.activated', 'key.deleted']),
  )
  const [event] = (await ask('admin', 'GET', '/audit?action=key.revoked')).body.events
  expect(event).toMatchObject({
    ...{ actor: 'user:ann', reason: 'leaked', request_id: 'r-1', workspace_id: 'ws_1' },
    ...{ address: '127.0.0.1', user_agent: 'curl/8' },
    target: { type: 'key', id: key.id, name: 'Agent' },
    before: { status: 'active' },
    after: { status: 'revoked' },
  })
  expect(event.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

test('lists by pages, status and text', async () => {
  const { ask, clock, makeKey } = adminHost()
  for (const name of ['One', 'Two', 'Three']) {
    await makeKey(['contacts:read'], { name })
    await clock.advance(1)
  }
  const first = await ask('admin', 'GET', '/keys?limit=2')
  const names = (body: { keys: { name: string }[] }) => body.keys.map(({ name }) => name)
  expect(names(first.body)).toEqual(['Three', 'Two'])
  const second = await ask('admin', 'GET', `/keys?limit=2&cursor=${first.body.next}`)
  expect([names(second.body), second.body.next]).toEqual([['One'], null])
  expect(names((await ask('admin', 'GET', '/keys?text=tw')).body)).toEqual(['Two'])
  expect(names((await ask('admin', 'GET', '/keys?status=revoked')).body)).toEqual([])
  for (const query of ['limit=0', 'limit=x', 'status=gone', 'cursor=x', 'sort=name', 'limit=1&limit=2']) {
    expect((await ask('admin', 'GET', `/keys?${query}`)).status, query).toBe(422)
  }
  for (const query of ['from=1767225600000', 'from=yesterday', 'action=key.stolen', 'who=x']) {
    expect((await ask('admin', 'GET', `/audit?${query}`)).status, query).toBe(422)
  }
})

test('every key of a user who leaves is revoked by one call, which is no key of that name', async () => {
  const { ask } = adminHost()
  const none = await ask('admin', 'POST', '/keys/revoke-all', { owner_id: 'nobody', reason: 'has left' })
  expect([none.status, none.body]).toEqual([200, { revoked: 0 }])
  const bad = await ask('admin', 'POST', '/keys/revoke-all', {})
  expect(bad.body.faults[0].path).toBe('owner_id')
  expect((await ask('admin', 'GET', '/keys/revoke-all')).status).toBe(405)
})
