import { describe, expect, test, vi } from 'vitest'
import { KeyrungError } from '../../src/core/errors.js'
import { createGate } from '../../src/http/gate.js'
import type { GateResult } from '../../src/http/gate.js'
import type { GateRequest } from '../../src/http/gate-request.js'
import { answerRefusal } from '../../src/http/outcome.js'
import type { Answer } from '../../src/http/outcome.js'
import type { AnyCatalog } from '../../src/core/catalog.js'
import type { Keyrung } from '../../src/service/keyrung.js'
import { createHost } from './host.js'
import type { catalog, HostSetup } from './host.js'
import { limitVectors, reportOf } from './limit-vectors.js'

function requestWith(secret: string | null, more: Partial<GateRequest> = {}): GateRequest {
  return {
    headers: (name) => (name === 'authorization' && secret !== null ? [`Bearer ${secret}`] : []),
    peer: '192.0.2.1',
    method: 'GET',
    target: '/contacts',
    ...more,
  }
}

function refusalIn(result: GateResult | Promise<GateResult>): { status: number; code: string } {
  if (result instanceof Promise || result.ok) throw new Error('it was not refused at once')
  return { status: result.answer.status, code: JSON.parse(result.answer.body).code }
}

describe('a gate', () => {
  test('answers at once, without a promise, where keyrung does', async () => {
    const host = createHost({}, 'memory')
    const { id, secret } = await host.makeKey(['contacts:read'])
    const result = createGate(host.keyrung, 'contacts:read')(requestWith(secret))
    expect(result).toMatchObject({
      ok: true,
      principal: { type: 'key', keyId: id, workspaceId: 'ws_1', address: '192.0.2.1' },
      decision: { effect: 'allow', permissions: ['contacts:read'] },
      vary: null,
      headers: null,
    })
    expect(refusalIn(createGate(host.keyrung, 'contacts:write')(requestWith(secret)))).toEqual({
      status: 403,
      code: 'insufficient',
    })
  })

  test('answers by a promise where keyrung does', async () => {
    const host = createHost({}, 'promises')
    const { secret } = await host.makeKey(['contacts:read'])
    const result = createGate(host.keyrung, 'contacts:read')(requestWith(secret))
    expect(result).toBeInstanceOf(Promise)
    expect(await result).toMatchObject({ ok: true })
  })

  test('takes permissions by an old name of their resource', async () => {
    const host = createHost({}, 'memory')
    const { secret } = await host.makeKey(['contacts:read'])
    const gate = createGate(host.keyrung as Keyrung<AnyCatalog>, 'people:read')
    expect(gate(requestWith(secret))).toMatchObject({
      ok: true,
      decision: { permissions: ['contacts:read'] },
    })
  })

  test('looks at the credential again where it is not told which request it is', async () => {
    const host = createHost({}, 'memory')
    const { secret } = await host.makeKey(['contacts:read'])
    const identity = {}
    const gate = createGate(host.keyrung, 'contacts:read')
    expect(gate(requestWith(secret, { identity }))).toMatchObject({ ok: true })
    expect(gate(requestWith(null, { identity }))).toMatchObject({ ok: true })
    expect(refusalIn(gate(requestWith(null)))).toEqual({ status: 401, code: 'credential_missing' })
    expect(refusalIn(gate(requestWith(null, { identity: {} })))).toMatchObject({ status: 401 })
  })

  test('of one keyrung does not believe another keyrung’s', async () => {
    const [one, other] = [createHost({}, 'memory'), createHost({}, 'memory')]
    const { secret } = await one.makeKey(['contacts:read'])
    const identity = {}
    expect(createGate(one.keyrung)(requestWith(secret, { identity }))).toMatchObject({ ok: true })
    expect(refusalIn(createGate(other.keyrung)(requestWith(secret, { identity })))).toEqual({
      status: 401,
      code: 'credential_invalid',
    })
  })

  test('remembers nobody whom it has refused', async () => {
    const host = createHost({}, 'memory')
    const { secret } = await host.makeKey(['contacts:read'])
    const identity = {}
    const request = requestWith(secret, { identity })
    expect(refusalIn(createGate(host.keyrung, 'contacts:write')(request))).toMatchObject({ status: 403 })
    expect(refusalIn(createGate(host.keyrung)(requestWith(null, { identity })))).toMatchObject({
      status: 401,
    })
  })

  test.each([
    ['no address', undefined],
    ['junk', 'not an address'],
  ])('denies a key with an address list a caller with %s', async (_what, peer) => {
    const host = createHost({}, 'memory')
    const { secret } = await host.makeKey(['contacts:read'], { addressRules: ['0.0.0.0/0', '::/0'] })
    const gate = createGate(host.keyrung, 'contacts:read')
    expect(refusalIn(gate(requestWith(secret, { peer })))).toEqual({ status: 403, code: 'address_denied' })
  })

  test('gives its notice about proxies once for a keyrung, and only where it has a cause', async () => {
    const host = createHost({}, 'memory')
    const forwarded = requestWith(null, {
      headers: (name) => (name === 'forwarded' ? ['for=192.0.2.9'] : []),
    })
    void createGate(host.keyrung)(requestWith(null))
    expect(host.notices).toEqual([])
    void createGate(host.keyrung)(forwarded)
    void createGate(host.keyrung, 'contacts:read')(forwarded)
    expect(host.notices.map(({ code }) => code)).toEqual(['proxy_unconfigured'])
  })
})

describe('a gate tells how limits stand', () => {
  const vector = limitVectors[0]!
  const limits = reportOf(vector)
  const fields = [
    ['ratelimit-policy', vector.policy],
    ['ratelimit', vector.rateLimit],
  ]

  /** A host whose every admission says how limits stand, and how often it was asked for one. */
  async function limitedHost(setup: HostSetup = {}) {
    const host = createHost(setup, 'memory')
    const { secret } = await host.makeKey(['contacts:read'])
    const admit = vi.fn((...args: Parameters<typeof host.keyrung.admit>) => {
      const admission = host.keyrung.admit(...args)
      return { ...admission, limits } as never
    })
    return { keyrung: { ...host.keyrung, admit }, admit, secret }
  }

  test('with what it lets in, once for a request that passes several', async () => {
    const { keyrung, admit, secret } = await limitedHost()
    const request = requestWith(secret, { identity: {} })
    const gate = createGate(keyrung, 'contacts:read')
    expect(gate(request)).toMatchObject({ ok: true, headers: fields })
    expect(gate(request)).toMatchObject({ ok: true, headers: null })
    expect(admit).toHaveBeenCalledTimes(1)
  })

  test('with what a further one refuses, the same again', async () => {
    const { keyrung, secret } = await limitedHost()
    const request = requestWith(secret, { identity: {} })
    void createGate(keyrung, 'contacts:read')(request)
    expect(createGate(keyrung, 'contacts:write')(request)).toMatchObject({
      answer: { status: 403, headers: Object.fromEntries(fields) },
    })
  })

  test('with what it refuses to a known caller', async () => {
    const { keyrung, secret } = await limitedHost()
    const result = createGate(keyrung, 'contacts:write')(requestWith(secret))
    expect(result).toMatchObject({
      answer: { status: 403, headers: { 'ratelimit-policy': vector.policy, ratelimit: vector.rateLimit } },
    })
  })

  test('with nothing where the host has turned that off', async () => {
    const { keyrung, secret } = await limitedHost({ http: { limitHeaders: false } })
    expect(createGate(keyrung, 'contacts:read')(requestWith(secret))).toMatchObject({ headers: null })
    const refused = createGate(keyrung, 'contacts:write')(requestWith(secret)) as { answer: Answer }
    expect(refused.answer.headers).not.toHaveProperty('ratelimit')
  })

  test('429 names the limit of a key, and not that of a source as a key’s', async () => {
    const { keyrung, secret } = await limitedHost()
    const refusing = reportOf(limitVectors.find(({ retryAfter }) => retryAfter === 7)!)
    const answerTo = (principal: object | null) => {
      const refused = { ok: false, code: 'limited', principal, decision: null, limits: refusing }
      const gate = createGate({ ...keyrung, admit: () => refused as never }, 'contacts:read')
      return (gate(requestWith(secret)) as { answer: Answer }).answer
    }
    const [ofKey, ofSource] = [answerTo({}), answerTo(null)]
    for (const answer of [ofKey, ofSource]) {
      expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '7' } })
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'limited', limit: { name: 'minute' } })
    }
    expect(ofKey.body).toMatch(/API key/)
    expect(ofSource.body).not.toMatch(/API key/)
  })
})

describe('a gate never throws and never lets through by mistake', () => {
  const allowed = (keyrung: Keyrung<typeof catalog>) => ({
    ok: true as const,
    principal: {} as never,
    decision: keyrung.demand('contacts:read').allow,
  })
  const faulty = (admit: (keyrung: Keyrung<typeof catalog>) => unknown, notify?: () => never) => {
    const { keyrung, notices } = createHost({}, 'memory')
    const changed = { ...keyrung, admit: () => admit(keyrung), ...(notify && { notify }) }
    return {
      gate: createGate(changed as never as typeof keyrung, 'contacts:read'),
      notices,
      http: keyrung.http,
    }
  }
  const hostile = new Proxy(
    {},
    {
      getPrototypeOf: () => {
        throw new Error('canary')
      },
    },
  )

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('canary')
      },
    ],
    [
      'throws what throws when it is looked at',
      () => {
        throw hostile
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('canary'))],
    ['rejects with what throws when it is looked at', () => Promise.reject(hostile)],
    [
      'is a thenable that throws',
      () => ({
        then: () => {
          throw new Error('canary')
        },
      }),
    ],
    ['answers nothing', () => undefined],
    ['answers a promise of nothing', () => Promise.resolve(undefined)],
    ['answers no known code', () => ({ ok: false, code: 'constructor', principal: null, decision: null })],
    ['answers true', () => true],
    ['answers something truthy for ok', () => ({ ok: 1, code: 'canary', principal: {}, decision: {} })],
  ])('when admission %s: 503, a notice, and nothing of it is shown', async (_what, admit) => {
    const { gate, notices, http } = faulty(admit)
    const result = await gate(requestWith('x', { identity: {} }))
    expect(result).toEqual({ ok: false, answer: answerRefusal('store_unavailable', http) })
    expect(notices.map(({ code }) => code)).toEqual(['unexpected_error'])
    expect(JSON.stringify(notices)).not.toContain('canary')
  })

  test.each(['closed', 'hook_failed', 'transaction_open'] as const)(
    '%s, thrown or rejected, is told as such',
    async (code) => {
      const error = new KeyrungError(code)
      for (const admit of [
        () => {
          throw error
        },
        () => Promise.reject(error),
      ]) {
        const { gate, notices, http } = faulty(admit)
        expect(await gate(requestWith('x'))).toEqual({ ok: false, answer: answerRefusal(code, http) })
        expect(notices).toMatchObject([{ code: 'request_failed', error: { code } }])
      }
    },
  )

  test('when the request throws while it is read', () => {
    const { gate } = faulty(allowed)
    const headers = () => {
      throw new Error('canary')
    }
    expect(refusalIn(gate(requestWith(null, { headers })))).toEqual({
      status: 503,
      code: 'store_unavailable',
    })
  })

  test('when notices cannot be given', () => {
    const { gate } = faulty(
      () => undefined,
      () => {
        throw new Error('canary')
      },
    )
    expect(refusalIn(gate(requestWith('x')))).toMatchObject({ status: 503 })
  })

  test('when the further decision throws or is none', async () => {
    const host = createHost({}, 'memory')
    const { secret } = await host.makeKey(['contacts:read'])
    for (const authorize of [
      () => {
        throw new Error('canary')
      },
      () => Promise.reject(new Error('canary')),
      () => ({}),
      () => undefined,
    ]) {
      const keyrung = { ...host.keyrung, authorize: authorize as never }
      const request = requestWith(secret, { identity: {} })
      const gate = createGate(keyrung, 'contacts:read')
      expect(await gate(request)).toMatchObject({ ok: true })
      expect(await gate(request)).toMatchObject({ ok: false, answer: { status: 503 } })
    }
  })
})

describe('a mistake stops the start:', () => {
  const { keyrung } = createHost({}, 'memory')
  const make = (...args: unknown[]): unknown => (createGate as (...given: unknown[]) => unknown)(...args)
  const thrownBy = (...args: unknown[]): KeyrungError => {
    try {
      make(...args)
    } catch (error) {
      if (error instanceof KeyrungError) return error
      throw error
    }
    throw new Error('nothing was thrown')
  }

  test.each<[string, unknown[], RegExp]>([
    ['no keyrung', [], /keyrung: must be what createKeyrung made/],
    ['null for a keyrung', [null, 'contacts:read'], /keyrung: must be/],
    ['a promise of a keyrung', [Promise.resolve(keyrung)], /keyrung: must be/],
    ['the permission first', ['contacts:read', keyrung], /keyrung: must be/],
    ['a keyrung without a catalogue', [{ ...keyrung, catalog: undefined }], /keyrung\.catalog: is missing/],
    ['a keyrung without settings', [{ ...keyrung, http: null }], /keyrung\.http: is missing/],
    [
      'undefined, which must not come to mean anyone',
      [keyrung, undefined],
      /leave it out to admit any valid/,
    ],
    ['null', [keyrung, null], /leave it out to admit any valid/],
    ['an empty array', [keyrung, []], /permissions: is empty/],
    ['a number', [keyrung, 7], /permissions: must be a permission or an array/],
    [
      'an object',
      [keyrung, { 0: 'contacts:read', length: 1 }],
      /permissions: must be a permission or an array/,
    ],
    ['one permission twice', [keyrung, ['contacts:read', 'contacts:read']], /names a permission twice/],
    ['one by its old name too', [keyrung, ['contacts:read', 'people:read']], /names a permission twice/],
    ['too many permissions', [keyrung, Array.from({ length: 65 }, () => 'contacts:read')], /at most 64/],
    ['permissions one by one', [keyrung, 'contacts:read', 'email:send'], /options: must be an object/],
    ['a fourth argument', [keyrung, 'contacts:read', {}, {}], /as one array/],
    [
      'an unknown option',
      [keyrung, 'contacts:read', { approve: 'always' }],
      /options\.approve: is not an option; did you mean approval\?/,
    ],
    [
      'another value of approval',
      [keyrung, 'contacts:read', { approval: true }],
      /approval: must be "always"/,
    ],
  ])('%s', (_what, args, message) => {
    const error = thrownBy(...args)
    expect(error.code).toBe('config_invalid')
    expect(error.message).toMatch(message)
  })

  test.each<[string, unknown, RegExp]>([
    ['a misspelt permission', 'contacts:raed', /"contacts:raed".*Did you mean "contacts:read"\?/],
    ['one of several', ['contacts:read', 'email:sned'], /"email:sned"/],
    ['a rung that is no action', 'contacts:write-approval', /"contacts:write-approval"/],
    ['what every object has', 'constructor:tostring', /"constructor:tostring"/],
    ['an empty text', '', /is written "resource:action"/],
    ['something else in an array', [['contacts:read']], /is written "resource:action"/],
  ])('%s', (_what, permissions, message) => {
    const error = thrownBy(keyrung, permissions)
    expect(error.code).toBe('unknown_permission')
    expect(error.message).toMatch(message)
  })
})
