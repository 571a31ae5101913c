import { describe, expect, test } from 'vitest'
import { createGate } from '../../src/http/gate.js'
import type { GateRequest } from '../../src/http/gate-request.js'
import { parseWait } from '../../src/http/prefer.js'
import { KeyrungError } from '../../src/core/errors.js'
import { createReplayHost } from './replay-host.js'

describe('how long a caller would wait', () => {
  test.each<[readonly string[], number | null]>([
    [[], null],
    [['wait=10'], 10],
    [['respond-async, wait=10'], 10],
    [['respond-async', 'WAIT = "5"; x'], 5],
    [['wait=0'], 0],
    [['wait=61'], 60],
    [['wait=999999999'], 60],
    [['wait=1, wait=2'], 1],
    [['wait=-1'], null],
    [['wait=1.5'], null],
    [['wait=abc'], null],
    [['await=3'], null],
    [['wait=9999999999'], null],
  ])('%j: %s seconds', (values, seconds) => {
    expect(parseWait(values)).toBe(seconds)
  })
})

describe('what is queued is answered', () => {
  async function answered(
    headers: Readonly<Record<string, string>> = {},
    setup: Parameters<typeof createReplayHost>[0] = {},
    status: 'pending' | 'succeeded' = 'pending',
    refuse?: () => never,
  ) {
    const host = createReplayHost(setup)
    host.tracked.status = status
    host.refuse = refuse
    const app = {}
    host.keyrung.attach({ name: 'main', app, dispatch: () => Promise.reject(new Error('not here')) })
    const { secret } = await host.makeKey(['contacts:write-approval'])
    const given: Record<string, string> = { authorization: `Bearer ${secret}`, ...headers }
    const request: GateRequest = {
      ...{ method: 'POST', target: '/contacts', peer: undefined, app },
      headers: (name) => (given[name] === undefined ? [] : [given[name]]),
      readBody: async () => ({ bytes: new Uint8Array(), isRewritten: false }),
    }
    const result = await createGate(host.keyrung, 'contacts:write')(request)
    if (result.ok) throw new Error('it was let through')
    return { host, answer: result.answer, body: JSON.parse(result.answer.body) as Record<string, unknown> }
  }

  test('with what the caller needs to follow it, and how its limits stand', async () => {
    const { answer, body } = await answered(
      {},
      {
        http: { approvalsUrl: '/manage/approvals/' },
        keyLimits: [{ name: 'minute', limit: 9, windowMs: 60_000 }],
      },
    )
    expect(answer).toMatchObject({
      status: 202,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        location: '/manage/approvals/apr_1',
        'retry-after': '5',
        ratelimit: expect.stringContaining('"minute";r=8'),
      },
    })
    expect(body).toEqual({
      approval_id: 'apr_1',
      status: 'pending',
      expires_at: '2030-01-31T12:00:00.000Z',
      digest: 'ab'.repeat(32),
      permissions: ['contacts:write'],
    })
  })

  test('without a place where the host names none', async () => {
    const { answer } = await answered()
    expect(answer.headers).not.toHaveProperty('location')
    expect(answer.headers).not.toHaveProperty('preference-applied')
  })

  test('after as long as the caller would wait, with what became of it', async () => {
    const { host, answer, body } = await answered({ prefer: 'wait=120' }, {}, 'succeeded')
    expect(host.tracked.waits).toEqual([60_000])
    expect(answer).toMatchObject({ status: 202, headers: { 'preference-applied': 'wait=60' } })
    expect(answer.headers).not.toHaveProperty('retry-after')
    expect(body['status']).toBe('succeeded')
  })

  test('at once, where it would wait no second', async () => {
    const { host, answer } = await answered({ prefer: 'wait=0' })
    expect([host.tracked.waits, answer.headers['preference-applied']]).toEqual([[], 'wait=0'])
  })

  test.each([
    ['too_many_pending', 429],
    ['idempotency_mismatch', 422],
    ['not_replayable', 422],
    ['body_too_large', 413],
    ['store_unavailable', 503],
  ] as const)('by %s where it cannot be, with %i', async (code, status) => {
    const { answer, body } = await answered({}, {}, 'pending', () => {
      throw new KeyrungError(code)
    })
    expect([answer.status, body['code']]).toEqual([status, code])
    expect(answer.headers['connection']).toBe(status === 413 ? 'close' : undefined)
  })
})

test.each(['unsafe', 'idempotent'] as const)('a route says that it is %s', async (effect) => {
  const host = createReplayHost()
  expect(() => createGate(host.keyrung, 'contacts:write', { effect })).not.toThrow()
})

test('a route cannot be transactional, as no app shares the store’s transaction', () => {
  const { keyrung } = createReplayHost()
  expect(() => createGate(keyrung, 'contacts:write', { effect: 'transactional' as never })).toThrow(
    /options\.effect/,
  )
})
