import { describe, expect, test } from 'vitest'
import { adminHost } from './host.js'

/** A key that has read contacts three times, once under their old name, and was refused a deletion. */
async function usedHost(options: Parameters<typeof adminHost>[0] = {}) {
  const host = adminHost(options)
  const { key, secret } = await host.makeKey(['contacts:write', 'email:send'])
  const call = (permission: 'contacts:read' | 'contacts:delete') =>
    host.keyrung.admit({ authorization: [`Bearer ${secret}`] }, host.keyrung.demand(permission))
  for (let i = 0; i < 3; i++) await call('contacts:read')
  await call('contacts:delete')
  await host.keyrung.tick()
  const today = new Date(host.clock.now()).toISOString().slice(0, 10)
  return { ...host, key, today }
}

describe('usage over the management API', () => {
  test('is told for a key and for the workspace, with days as YYYY-MM-DD', async () => {
    const { ask, key, today } = await usedHost()
    const whole = {
      totals: { allow: 3, approval: 0, deny: 1, limited: 0 },
      days: [{ day: today, allow: 3, approval: 0, deny: 1, limited: 0 }],
      rows: [
        { day: today, permission: 'contacts:delete', outcome: 'deny', calls: 1 },
        { day: today, permission: 'contacts:read', outcome: 'allow', calls: 3 },
      ],
    }
    const ofKey = await ask('admin', 'GET', `/keys/${key.id}/usage`)
    expect([ofKey.status, ofKey.body]).toEqual([200, { from: expect.any(String), to: today, ...whole }])
    const ofDay = await ask('admin', 'GET', `/usage?from=${today}&to=${today}`)
    expect(ofDay.body).toEqual({ from: today, to: today, ...whole })
    const head = await ask('admin', 'HEAD', `/keys/${key.id}/usage`)
    expect([head.status, head.body]).toEqual([200, undefined])
  })

  test('of another workspace shows nothing of this one', async () => {
    const { ask } = await usedHost()
    expect((await ask('other', 'GET', '/usage')).body).toMatchObject({ days: [], rows: [] })
  })

  test.each([
    ['from', '?from=2026-02-30'],
    ['to', '?to=tomorrow'],
    ['to', '?from=2026-02-02&to=2026-02-01'],
    ['from', '?from=2020-01-01&to=2026-01-01'],
    ['from', '?from=2026-02-01&from=2026-02-02'],
    ['day', '?day=2026-02-01'],
  ])('is refused for a wrong %s', async (path, query) => {
    const { ask, key } = await usedHost()
    for (const at of [`/keys/${key.id}/usage`, '/usage']) {
      const reply = await ask('admin', 'GET', at + query)
      expect([reply.status, reply.body.code]).toEqual([422, 'input_invalid'])
      expect(reply.body.faults).toMatchObject([{ path }])
    }
  })

  test('is 403 where the host does not count it', async () => {
    const { ask, key } = await usedHost({ usage: false })
    for (const path of [`/keys/${key.id}/usage`, `/keys/${key.id}/advice`, '/usage']) {
      const reply = await ask('admin', 'GET', path)
      expect([reply.status, reply.body.code]).toEqual([403, 'operation_disabled'])
    }
  })
})

describe('advice over the management API', () => {
  test('is told in snake_case, and what it advises can be sent back as it is', async () => {
    const { ask, key, today } = await usedHost()
    const { status, body } = await ask('admin', 'GET', `/keys/${key.id}/advice?days=7`)
    expect(status).toBe(200)
    expect(body).toEqual({
      from: today,
      to: today,
      version: 1,
      scopes: ['contacts:read'],
      unused: ['email:send'],
      unknown_scopes: [],
      unknown_permissions: [],
      diff: { allowed: [], queued: [], denied: ['contacts:write', 'email:read', 'email:send'] },
    })
    const edited = await ask(
      'admin',
      'PATCH',
      `/keys/${key.id}`,
      { scopes: body.scopes },
      { 'if-match': `"v${body.version}"` },
    )
    expect([edited.status, edited.body.key.scopes]).toEqual([200, ['contacts:read']])
  })

  test.each(['0', '-1', '1.5', 'ten', '367', ''])('is refused for days=%s', async (days) => {
    const { ask, key } = await usedHost()
    const reply = await ask('admin', 'GET', `/keys/${key.id}/advice?days=${days}`)
    expect([reply.status, reply.body.code]).toEqual([422, 'input_invalid'])
  })
})
