import { describe, expect, it, test } from 'vitest'
import { toUtf8 } from '../../../src/crypto/encoding.js'
import type { Asked } from './fixture.js'
import { createKeyrung } from '../../../src/service/create-keyrung.js'
import { memoryStore } from '../../../src/stores/memory.js'
import { ann, catalog, dayMs, openDesk, outcome, refusal, requestOf, stores } from './fixture.js'

describe.each(stores)('queueing on %s', (_, store) => {
  it('keeps what was asked, and tells of it in the same commit', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const { approval, repeated } = await desk.ask(agent)
    expect(repeated).toBe(false)
    expect(approval).toMatchObject({
      ...{
        status: 'pending',
        kind: 'replay',
        operation: 'POST /contacts',
        app: 'main',
        resource: 'contacts',
      },
      ...{ permissions: ['contacts:write'], queued: ['contacts:write'], effect: 'unsafe' },
      ...{ keyId: agent.keyId, quorum: 1, votes: 0, outcome: null },
      expiresAt: desk.clock.now() + 7 * dayMs,
    })
    const event = (await desk.events()).at(-1)!
    expect(event).toMatchObject({
      ...{ action: 'approval.queued', actor: `key:${agent.keyId}`, before: null },
      target: { type: 'approval', id: approval.id, name: 'POST /contacts' },
      after: { status: 'pending', digest: approval.digest, keyId: agent.keyId },
    })
    const { request, result } = await desk.keyrung.approvals.get(ann, approval.id)
    expect(request).toMatchObject({ method: 'POST', target: '/contacts', scheme: 'https', preview: null })
    expect(request!.body).toMatchObject({ encoding: 'utf8', text: '{"name":"Ada"}', masked: [] })
    expect(result).toBeNull()
  })

  it('stores nothing of the request that could be read without the secret', async () => {
    const desk = await openDesk({ store })
    const canary = 'canary-7f3a'
    const headers = [
      ['content-type', 'application/json'],
      ['authorization', `Bearer ${canary}`],
      ['cookie', canary],
      ['x-note', canary],
    ] as const
    const asked = { body: { note: canary }, request: { headers, target: `/contacts?t=${canary}` } }
    const { approval } = await desk.ask(await desk.agent(), asked)
    const content = (await desk.store.findApprovalContent('ws', approval.id))!
    const record = (await desk.store.findApproval('ws', approval.id))!
    expect(JSON.stringify([content, record, await desk.events()])).not.toContain(canary)
    const { request } = await desk.keyrung.approvals.get(ann, approval.id)
    // No credential is kept at all.
    expect(request!.headers).toEqual([
      ['content-type', 'application/json'],
      ['x-note', canary],
    ])
  })

  it('takes equal requests of a key for one while it waits, and not afterwards', async () => {
    const desk = await openDesk({ store })
    const [agent, other] = [await desk.agent(), await desk.agent()]
    const first = await desk.ask(agent)
    const all = await Promise.all(Array.from({ length: 20 }, () => desk.ask(agent)))
    expect(new Set(all.map(({ approval }) => approval.id))).toEqual(new Set([first.approval.id]))
    expect(all.every(({ repeated }) => repeated)).toBe(true)
    expect((await desk.ask(agent, { body: { name: 'Bo' } })).repeated).toBe(false)
    expect((await desk.ask(other)).repeated).toBe(false)
    expect(await desk.pending(agent.keyId)).toBe(2)
    await desk.keyrung.approvals.reject(ann, first.approval.id, { reason: 'no' })
    const again = await desk.ask(agent)
    expect(again.repeated).toBe(false)
    expect(again.approval.id).not.toBe(first.approval.id)
  })

  it('takes equal requests at once for one', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const all = await Promise.all(Array.from({ length: 30 }, () => desk.ask(agent)))
    expect(new Set(all.map(({ approval }) => approval.id)).size).toBe(1)
    expect(all.filter(({ repeated }) => !repeated)).toHaveLength(1)
    expect(await desk.pending(agent.keyId)).toBe(1)
  })

  it('takes as many as a key may have waiting, and one more when one was decided', async () => {
    const desk = await openDesk({ store, approvals: { maxPending: 3 } })
    const [agent, other] = [await desk.agent(), await desk.agent()]
    const asked = await Promise.all(
      Array.from({ length: 20 }, (__, i) => outcome(desk.ask(agent, { body: { i } }))),
    )
    expect(asked.filter((one) => one === 'ok')).toHaveLength(3)
    expect(asked.filter((one) => one === 'too_many_pending')).toHaveLength(17)
    expect(await desk.pending(agent.keyId)).toBe(3)
    expect(await outcome(desk.ask(other))).toBe('ok')
    const [one] = (await desk.keyrung.approvals.list(ann, { keyId: agent.keyId })).approvals
    await desk.keyrung.approvals.cancel(agent, one!.id)
    expect(await outcome(desk.ask(agent, { body: 'a' }))).toBe('ok')
    expect(await outcome(desk.ask(agent, { body: 'b' }))).toBe('too_many_pending')
    // What is there already is no more than there was.
    expect(await outcome(desk.ask(agent, { body: 'a' }))).toBe('ok')
  })

  it('does not count what has expired, though no worker has come by, and lets no more in than before', async () => {
    const desk = await openDesk({ store, approvals: { maxPending: 3, expiresMs: 60_000 } })
    const agent = await desk.agent()
    const first = []
    for (const i of [1, 2, 3]) first.push((await desk.ask(agent, { body: i })).approval.id)
    await desk.clock.advance(59_999)
    expect(await outcome(desk.ask(agent, { body: 'early' }))).toBe('too_many_pending')
    await desk.clock.advance(1)
    expect(await outcome(desk.ask(agent, { body: 'late' }))).toBe('ok')
    await Promise.all(Array.from({ length: 10 }, (__, i) => outcome(desk.ask(agent, { body: `late ${i}` }))))
    expect(await desk.pending(agent.keyId)).toBe(3)
    for (const id of first) expect((await desk.store.findApproval('ws', id))?.status).toBe('expired')
    const expired = (await desk.events()).filter(({ action }) => action === 'approval.expired')
    expect(expired.map(({ actor, target }) => [actor, target.id]).toSorted()).toEqual(
      first.map((id) => ['system:keyrung', id]).toSorted(),
    )
  })

  it('leads a repeated Idempotency-Key to the same approval, whatever became of it', async () => {
    const desk = await openDesk({ store })
    const [agent, other] = [await desk.agent(), await desk.agent()]
    const asked: Asked = { idempotencyKey: 'one' }
    const { approval } = await desk.ask(agent, asked)
    await desk.keyrung.approvals.approve(ann, approval.id, { digest: approval.digest })
    await desk.clock.advance(2 * dayMs)
    const again = await desk.ask(agent, asked)
    expect(again).toMatchObject({ repeated: true, approval: { id: approval.id, status: 'succeeded' } })
    expect(desk.runs).toHaveLength(1)
    await refusal(desk.ask(agent, { ...asked, body: { name: 'Bo' } }), 'idempotency_mismatch')
    await refusal(desk.ask(agent, { ...asked, request: { target: '/contacts?a=1' } }), 'idempotency_mismatch')
    // Keys do not know each other's.
    expect((await desk.ask(other, { ...asked, body: { name: 'Bo' } })).repeated).toBe(false)
  })

  it('makes one approval of many requests at once under one Idempotency-Key', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    const all = await Promise.all(
      Array.from({ length: 30 }, (__, i) =>
        outcome(desk.ask(agent, { idempotencyKey: 'k', body: { i: i % 2 } })),
      ),
    )
    expect(all.filter((one) => one === 'ok')).toHaveLength(15)
    expect(all.filter((one) => one === 'idempotency_mismatch')).toHaveLength(15)
    expect(await desk.pending(agent.keyId)).toBe(1)
  })

  it('remembers the chain of keys that made the asking one', async () => {
    const desk = await openDesk({ store })
    const full = { mode: 'full', scopes: undefined }
    const root = await desk.agent(full)
    const child = await desk.agent(full, { type: 'principal', principal: root })
    const grandchild = await desk.agent({}, { type: 'principal', principal: child })
    const lineageOf = async (id: string) => (await desk.store.findApproval('ws', id))!.lineage
    const first = await desk.ask(grandchild)
    expect(await lineageOf(first.approval.id)).toBe([grandchild, child, root].map((p) => p.keyId).join(' '))
    await desk.keyrung.keys.delete(ann, root.keyId)
    const second = await desk.ask(grandchild, { body: 2 })
    expect(await lineageOf(second.approval.id)).toBe(`${grandchild.keyId} ${child.keyId} ?`)
  })

  it('takes nothing from a key that was revoked meanwhile', async () => {
    const desk = await openDesk({ store })
    const agent = await desk.agent()
    await desk.keyrung.keys.revoke(ann, agent.keyId)
    await refusal(
      desk.ask(agent).catch(async () => {
        const decision = {
          effect: 'approval',
          permissions: ['contacts:write'],
          queued: [],
          reasons: [],
        } as const
        const admission = { code: 'approval_required', principal: agent, decision } as const
        return desk.keyrung.queue(admission, requestOf(), { app: 'main', effect: 'unsafe' })
      }),
      'key_revoked',
    )
    expect(await desk.pending(agent.keyId)).toBe(0)
  })
})

it('what waits is looked through only where a key has as much waiting as it may, and then once', async () => {
  const desk = await openDesk({ approvals: { maxPending: 2 } })
  const agent = await desk.agent()
  const { listApprovals } = desk.store
  const requests: Parameters<typeof listApprovals>[0][] = []
  Object.assign(desk.store, {
    listApprovals(request: Parameters<typeof listApprovals>[0]) {
      requests.push(request)
      return listApprovals(request)
    },
  })
  for (const body of ['a', 'b', 'b']) await desk.ask(agent, { body })
  expect(requests).toEqual([])
  await refusal(desk.ask(agent, { body: 'c' }), 'too_many_pending')
  expect(requests).toMatchObject([{ keyId: agent.keyId, status: 'pending', limit: 10 }])
})

describe('what cannot wait', () => {
  const json = [['content-type', 'application/json']] as const
  type Row = [why: string, body: string | Uint8Array, headers?: readonly (readonly [string, string])[]]
  const bodies: Row[] = [
    ['has a name twice in one object', '{"a":1,"b":{"c":1,"c":2}}'],
    ['has a name twice in one object', '{"a":1,"\\u0061":2}'],
    ['begins with a byte order mark', '\ufeff{}'],
    ['is not valid UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['is no valid JSON', '{"a":1'],
    ['is no valid JSON', '{} {}'],
    ['is more than 64 levels deep', '['.repeat(100_000)],
    ['has more than 20000 members', `[${'1,'.repeat(20_000)}1]`],
    ['is compressed', '{}', [...json, ['content-encoding', 'gzip']]],
    ['another charset', '{}', [['content-type', 'application/json; charset=utf-16']]],
    ...[
      'application/json; charset="utf-7"x',
      'application/json; charset=utf- 7',
      'application/json; charset ="utf-7 "',
      'application/json; charset=utf-8; Charset=utf-8',
      'application/octet-stream; charset=utf-7',
      'model/x+json; charset=utf-7',
      'text/plain; charset="utf-16le"x',
      'application/x-www-form-urlencoded; charset=iso-8859-1',
    ].map((type): Row => [
      /[ ;]charset=(?:utf-7|iso-8859-1)$/.test(type) && !type.includes('"')
        ? 'another charset'
        : 'content type is malformed',
      '{}',
      [['content-type', type]],
    ]),
    ['another charset', '{}', [['content-type', 'application/json; x="; charset=utf-8"; charset=utf-7']]],
    [
      'another charset',
      '{}',
      [['content-type', 'application/json;a="b; charset=utf-8";c="d";charset=utf-7']],
    ],
    ['another charset', '{}', [['content-type', 'application/json; charset="utf-7 "']]],
    ...['model/gltf+json', 'text/plain', 'application/octet-stream'].flatMap((type): Row[] => [
      ['has a name twice in one object', '{"a":1,"a":2}', [['content-type', type]]],
      ['begins with a byte order mark', '\ufeff{}', [['content-type', type]]],
      ['is not valid UTF-8', Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d), [['content-type', type]]],
    ]),
    ['has a name twice in one object', '{"a":1,"a":2}', []],
    [
      'not in the charset that it names',
      '{"a":"ä"}',
      [['content-type', 'application/json; charset=us-ascii']],
    ],
    ...[
      ['part', 'Content-Type: text/plain; charset=utf-7', 'another charset'],
      ['a file', 'content-type : text/plain;\r\n\tCHARSET="utf-16le"', 'another charset'],
      ['letters', 'Content-Type: text/plain; charset=us-ascii', 'another charset'],
      ['part', 'Content-Type: text/plain; charset=utf-8; charset=utf-7', 'malformed'],
      ['part', 'Content-Type: multipart/mixed; boundary=y', 'has parts itself'],
      ['part', 'Content-Transfer-Encoding: base64', 'is encoded'],
      ['_charset_', 'X-A: b', 'names a charset'],
    ].map(([name = '', header = '', why = '']): Row => [
      why,
      `--x\r\nContent-Disposition: form-data; name="${name}"\r\n${header}\r\n\r\nä+AOk-\r\n--x--\r\n`,
      [['content-type', 'multipart/form-data; boundary=x']],
    ]),
    ['more than one content type', '{}', [...json, ['content-type', 'text/plain']]],
    ['begins with a byte order mark', '\ufeffa=b', [['content-type', 'application/x-www-form-urlencoded']]],
    ['is not valid UTF-8', Uint8Array.of(0xff), [['content-type', 'text/plain']]],
    ['headers is malformed', '{}', [...json, ['x-a', 'b\r\nc: d']]],
    ['too many headers', '{}', [...json, ...Array.from({ length: 101 }, (_, i) => [`x-${i}`, ''] as const)]],
  ]
  test.each(bodies)('%s', async (why, body, headers = json) => {
    const desk = await openDesk()
    const bytes = typeof body === 'string' ? toUtf8(body) : body
    const error = await refusal(
      desk.ask(await desk.agent(), { body: bytes, request: { headers } }),
      'not_replayable',
    )
    expect(error.message).toContain(why)
  })

  test.each([['no slash'], ['/a b'], ['/ä'], [`/${'a'.repeat(9_000)}`], ['http://evil/']])(
    'a target that is none (%#)',
    async (target) => {
      const desk = await openDesk()
      await refusal(desk.ask(await desk.agent(), { request: { target } }), 'not_replayable')
    },
  )

  it('a body longer than what is queued', async () => {
    const desk = await openDesk({ approvals: { maxBodyBytes: 100 } })
    const agent = await desk.agent()
    expect(await outcome(desk.ask(agent, { body: toUtf8(`"${'a'.repeat(98)}"`) }))).toBe('ok')
    await refusal(desk.ask(agent, { body: toUtf8(`"${'a'.repeat(99)}"`) }), 'body_too_large')
  })

  it('binary bodies, forms and texts do wait', async () => {
    const desk = await openDesk()
    const agent = await desk.agent()
    const of = (type: string) => ({ headers: [['content-type', type]] as const })
    const bytes = Uint8Array.of(0, 255, 128)
    const binary = await desk.ask(agent, { body: bytes, request: of('application/octet-stream') })
    const shown = (await desk.keyrung.approvals.get(ann, binary.approval.id)).request!.body
    expect(shown).toMatchObject({ encoding: 'base64', text: 'AP+A', bytes: 3 })
    expect(
      await outcome(
        desk.ask(agent, { body: toUtf8('a=1&a=2'), request: of('application/x-www-form-urlencoded') }),
      ),
    ).toBe('ok')
    expect(
      await outcome(desk.ask(agent, { body: toUtf8('hello'), request: of('text/plain; charset=utf-8') })),
    ).toBe('ok')
  })

  test.each<[string, object]>([
    ['its body is not there as bytes', { body: '{}' }],
    ['its method is not one', { method: 7 }],
    ['its method is not one', { method: 'POST /admin' }],
    ['the pattern of its route is not one short line', { pattern: 7 }],
    ['the pattern of its route is not one short line', { pattern: '/a\nb' }],
    ['the pattern of its route is not one short line', { pattern: `/${'a'.repeat(1_000)}` }],
    ['headers is malformed', { headers: [[7, 'x']] }],
    ['headers is malformed', { headers: [['x-a', 7]] }],
    ['headers is malformed', { headers: [['x a', 'b']] }],
  ])('what an adapter hands over wrongly: %s (%#)', async (why, request) => {
    const desk = await openDesk()
    const agent = await desk.agent()
    const error = await refusal(desk.ask(agent, { request }), 'not_replayable')
    expect(error.message).toContain(why)
    expect(await desk.pending(agent.keyId)).toBe(0)
  })

  it('with an effect that only named operations have', async () => {
    const desk = await openDesk()
    const agent = await desk.agent()
    for (const effect of ['transactional', 'safe', null]) {
      const { faults } = await refusal(desk.ask(agent, { effect: effect as never }), 'input_invalid')
      expect(faults.map(({ path }) => path)).toEqual(['effect'])
    }
    expect(await desk.pending(agent.keyId)).toBe(0)
  })

  it('nothing in an app that is attached under a second name', async () => {
    const { keyrung } = await openDesk()
    const app = {}
    const dispatch = () => Promise.reject(new Error('never asked'))
    keyrung.attach({ name: 'crm', app, dispatch })
    for (const name of ['crm', 'billing', 'No name']) {
      const attach = () => keyrung.attach({ name, app, dispatch })
      expect(attach).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error)
    }
    expect([keyrung.attached(app), keyrung.attached({})]).toEqual(['crm', null])
  })

  it('nothing at all where the app is not attached', async () => {
    const desk = await openDesk()
    await refusal(desk.ask(await desk.agent(), { app: 'other' }), 'approval_required')
  })

  it('nothing where the host has no secret: it is told to set one', async () => {
    const keyrung = createKeyrung({
      ...{ catalog, store: memoryStore(), pepper: 'none', keys: { prefix: 'tp' } },
    })
    const attach = () =>
      keyrung.attach({ name: 'main', app: {}, dispatch: () => Promise.reject(new Error()) })
    expect(attach).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error)
    expect(attach).toThrow(/secret: is missing/)
    const operation = { permission: 'contacts:write', input: {} as never, run: () => null } as const
    expect(() => keyrung.operation('contacts.merge', operation)).toThrow(/secret: is missing/)
  })
})

test('a route with a long pattern is listed by its beginning, and run by all of it', async () => {
  const desk = await openDesk()
  const pattern = `/${'a'.repeat(600)}`
  const { approval } = await desk.ask(await desk.agent(), { request: { pattern, target: pattern } })
  expect(approval.operation).toBe(`${`POST ${pattern}`.slice(0, 500)}…`)
  const { id, digest } = approval
  expect(await outcome(desk.keyrung.approvals.approve(ann, id, { digest }))).toBe('ok')
  expect(desk.runs).toMatchObject([{ target: pattern, pattern }])
})

test('what waits is shown and run by nobody where the host has lost its secret', async () => {
  const desk = await openDesk({ options: { pepper: 'none' } as never })
  const agent = await desk.agent()
  const { id, digest } = (await desk.ask(agent)).approval
  const without = createKeyrung({
    ...{ catalog, store: desk.store, clock: desk.clock, pepper: 'none', keys: { prefix: 'tp' } },
  })
  expect(await without.approvals.get(ann, id)).toMatchObject({ id, digest, request: null, result: null })
  await refusal(without.approvals.approve(ann, id, { digest }), 'digest_mismatch')
  expect((await desk.store.findApproval('ws', id))!.status).toBe('pending')
  // To say no takes no secret.
  expect((await without.approvals.reject(ann, id, { reason: 'no' })).status).toBe('rejected')
})
