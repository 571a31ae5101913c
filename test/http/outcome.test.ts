import { describe, expect, test } from 'vitest'
import type { Denied, Queued } from '../../src/core/decision.js'
import { errorTexts, invalid, KeyrungError } from '../../src/core/errors.js'
import { answerError, answerRefusal, buildResponse, notFoundAnswer } from '../../src/http/outcome.js'
import { readHttpSettings } from '../../src/service/http-settings.js'
import type { HttpOptions } from '../../src/service/http-settings.js'

const settings = (options: HttpOptions = {}) => readHttpSettings(options, [])
const http = settings()
const bodyOf = (answer: { body: string }): unknown => JSON.parse(answer.body)

const permissions = ['contacts:write', 'email:send', 'users:read']
const denied = (code: Denied['code'], scopes: readonly string[] = []): Denied => ({
  effect: 'deny',
  code,
  permissions,
  permission: 'contacts:write',
  scopes,
  reasons: [
    { permission: 'contacts:write', effect: 'deny', code: code as 'insufficient', layer: 'key' },
    { permission: 'email:send', effect: 'deny', code: code as 'insufficient', layer: 'key' },
    { permission: 'users:read', effect: 'allow' },
  ],
})

describe('the answer to a refusal', () => {
  test('403 insufficient says what is missing and which scopes would do', () => {
    const answer = answerRefusal(
      'insufficient',
      http,
      denied('insufficient', ['contacts:write', 'email:send', 'users:read']),
    )
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.headers['www-authenticate']).toContain('scope="contacts:write email:send users:read"')
    expect(bodyOf(answer)).toEqual({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: errorTexts.insufficient,
      code: 'insufficient',
      missing: {
        permissions: ['contacts:write', 'email:send'],
        scopes: ['contacts:write', 'email:send', 'users:read'],
      },
    })
  })

  test('403 hidden names neither permissions nor scopes', () => {
    const answer = answerRefusal('hidden', http, denied('hidden'))
    expect(JSON.stringify(answer)).not.toMatch(/contacts|email|users/)
  })

  test('404 hidden is to the byte what an unknown id is answered with, where the host hides', () => {
    const hiding = settings({ hidden: 'not_found', realm: 'x', upgradeUrl: 'https://example.com/plans' })
    const answer = answerRefusal('hidden', hiding, denied('hidden'))
    expect(answer).toStrictEqual(notFoundAnswer({ http: hiding }))
    expect(answerError(new KeyrungError('not_found'), { http: hiding })).toStrictEqual(answer)
    expect(answer.status).toBe(404)
    expect(answer.headers['www-authenticate']).toBeUndefined()
  })

  test('403 not_entitled carries the link to a plan that includes it', () => {
    const selling = settings({ upgradeUrl: 'https://example.com/plans' })
    expect(bodyOf(answerRefusal('not_entitled', selling, denied('not_entitled')))).toMatchObject({
      code: 'not_entitled',
      upgrade_url: 'https://example.com/plans',
      missing: { permissions: ['contacts:write', 'email:send'], scopes: [] },
    })
    expect(bodyOf(answerRefusal('not_entitled', http, denied('not_entitled')))).not.toHaveProperty(
      'upgrade_url',
    )
    expect(bodyOf(answerError(new KeyrungError('key_limit_reached'), { http: selling }))).toHaveProperty(
      'upgrade_url',
    )
    expect(bodyOf(answerRefusal('insufficient', selling, denied('insufficient')))).not.toHaveProperty(
      'upgrade_url',
    )
  })

  test('403 not_entitled of a whole workspace names nothing as missing', () => {
    const whole: Denied = { ...denied('not_entitled'), permission: null, reasons: [] }
    expect(bodyOf(answerRefusal('not_entitled', http, whole))).not.toHaveProperty('missing')
  })

  test('403 approval_required says what would have to be approved', () => {
    const queued: Queued = { effect: 'approval', permissions, queued: ['email:send'], reasons: [] }
    expect(bodyOf(answerRefusal('approval_required', http, queued))).toMatchObject({
      status: 403,
      code: 'approval_required',
      approval: { permissions: ['email:send'] },
    })
  })

  test('has a documented type and a title of its own where the host documents problems', () => {
    const documented = settings({ problemBaseUrl: 'https://example.com/problems#' })
    expect(bodyOf(answerRefusal('key_expired', documented))).toMatchObject({
      type: 'https://example.com/problems#key_expired',
      title: 'Key expired',
    })
  })
})

describe('the answer to an error', () => {
  test('422 names every fault', () => {
    const faults = [
      { path: 'name', message: 'is required' },
      { path: 'scopes.0', message: 'is unknown' },
    ]
    expect(bodyOf(answerError(invalid('input_invalid', faults), { http }))).toMatchObject({
      status: 422,
      faults,
    })
  })

  test.each(['config_invalid', 'catalog_invalid', 'store_unavailable', 'hook_failed'] as const)(
    '%s shows nothing of what went wrong inside',
    (code) => {
      const error = new KeyrungError(code, {
        message: 'canary',
        internal: 'canary',
        faults: [{ path: 'canary', message: 'canary' }],
      })
      const answer = answerError(error, { http })
      expect(JSON.stringify(answer)).not.toContain('canary')
      expect(answer.status).toBeGreaterThanOrEqual(500)
    },
  )

  test.each([
    ['an error', new Error('canary')],
    ['a string', 'canary'],
    ['nothing', undefined],
    [
      'an object that looks like an error of keyrung',
      { name: 'KeyrungError', code: 'not_found', message: 'canary' },
    ],
    [
      'an object with a prototype that throws',
      new Proxy(
        {},
        {
          getPrototypeOf: () => {
            throw new Error('canary')
          },
        },
      ),
    ],
    ['an error with an unknown code', new KeyrungError('toString' as 'not_found', { message: 'canary' })],
  ])('503 for %s, without a word of it', (_what, thrown) => {
    expect(answerError(thrown, { http })).toStrictEqual(answerRefusal('store_unavailable', http))
  })

  test('hides where the host hides', () => {
    const hiding = settings({ hidden: 'not_found' })
    expect(answerError(new KeyrungError('hidden'), { http: hiding })).toStrictEqual(
      notFoundAnswer({ http: hiding }),
    )
  })
})

test('an answer is the same as a web response', async () => {
  const answer = answerRefusal('credential_missing', http)
  const response = buildResponse(answer)
  expect(response.status).toBe(401)
  expect(Object.fromEntries(response.headers)).toEqual(answer.headers)
  expect(await response.text()).toBe(answer.body)
})
