import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Denied } from '../../src/core/decision.js'
import { errorTexts, KeyrungError } from '../../src/core/errors.js'
import { parseLimits } from '../../src/core/limit.js'
import { planSpending, unspent } from '../../src/core/limit-window.js'
import { describeRefusal, limitHeaders } from '../../src/http/limit-headers.js'
import { answerError, answerRefusal, answerSource } from '../../src/http/outcome.js'
import { readHttpSettings } from '../../src/service/http-settings.js'
import { limitVectors, reportOf } from './limit-vectors.js'

const http = readHttpSettings({}, [])
const silent = readHttpSettings({ limitHeaders: false }, [])
const bodyOf = (answer: { body: string }) => JSON.parse(answer.body) as Record<string, unknown>

describe('how limits stand is told as', () => {
  test.each(limitVectors)('$name', (vector) => {
    const report = reportOf(vector)
    const { policy, rateLimit } = vector
    expect(limitHeaders(report)).toEqual(
      policy === null
        ? null
        : [
            ['ratelimit-policy', policy],
            ['ratelimit', rateLimit],
          ],
    )
  })

  test('there are vectors of admissions and of refusals', () => {
    expect(limitVectors.filter(({ retryAfter }) => retryAfter !== null).length).toBeGreaterThan(4)
    expect(limitVectors.filter(({ retryAfter }) => retryAfter === null).length).toBeGreaterThan(4)
  })

  test('both fields are lists of quoted names with whole numbers, each name once, whatever is reported', () => {
    const limit = fc.oneof(
      fc.record({
        name: fc.constantFrom('a', 'b.c', 'd-e', 'f_1'),
        limit: fc.nat(1_000_000_000),
        windowMs: fc.integer({ min: 1_000, max: 2_678_400_000 }),
      }),
      fc.record({
        name: fc.constantFrom('a', 'b.c', 'day'),
        limit: fc.nat(1_000_000_000),
        calendar: fc.constantFrom('day' as const, 'month' as const),
      }),
    )
    const item = (parameters: string) => `"[a-z][a-z0-9._-]*"${parameters}`
    const list = (parameters: string) => new RegExp(`^${item(parameters)}(?:, ${item(parameters)})*$`)
    fc.assert(
      fc.property(
        fc.array(limit, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1_000_000_000_000, max: 4_000_000_000_000 }),
        fc.integer({ min: 1, max: 2_000_000_000 }),
        (limits, now, cost) => {
          const rules = limits.flatMap((one) => parseLimits([one]))
          const { meters } = planSpending(
            rules,
            rules.map(() => unspent),
            now,
            cost,
          )
          const [[, policy], [, standing]] = limitHeaders({ now, meters }) as [
            [string, string],
            [string, string],
          ]
          expect(policy).toMatch(list(String.raw`;q=\d{1,15};w=\d{1,15}`))
          expect(standing).toMatch(list(String.raw`;r=\d{1,15}(?:;t=\d{1,15})?`))
          const names = (text: string) => text.match(/"[^"]+"/g)
          expect(names(policy)).toEqual([...new Set(limits.map(({ name }) => `"${name}"`))])
          expect(names(standing)).toEqual(names(policy))
        },
      ),
    )
  })
})

const refusals = limitVectors.filter(({ problem }) => problem !== null)

describe('a 429 says which limit, and for how long:', () => {
  test.each(refusals)('$name', (vector) => {
    const answer = answerRefusal('limited', http, null, reportOf(vector))
    expect(answer.status).toBe(429)
    expect(answer.headers).toEqual({
      'ratelimit-policy': vector.policy,
      ratelimit: vector.rateLimit,
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': String(vector.retryAfter),
    })
    expect(bodyOf(answer)).toEqual({
      ...{ type: 'about:blank', title: 'Too Many Requests', status: 429, code: 'limited' },
      detail: errorTexts.limited,
      limit: vector.problem,
    })
  })

  test('Retry-After stays where the two fields of the draft are turned off', () => {
    const report = reportOf(refusals[0]!)
    const answer = answerRefusal('limited', silent, null, report)
    expect(Object.keys(answer.headers)).toEqual(['content-type', 'cache-control', 'retry-after'])
    expect(bodyOf(answer)).toEqual(bodyOf(answerRefusal('limited', http, null, report)))
  })

  test('where nothing is known of the limit, it is one second', () => {
    for (const answer of [
      answerRefusal('limited', http),
      answerError(new KeyrungError('limited'), { http }),
      answerSource(http, null),
    ]) {
      expect(answer.headers).toMatchObject({ 'retry-after': '1' })
      expect(answer.headers).not.toHaveProperty('ratelimit')
      expect(bodyOf(answer)).not.toHaveProperty('limit')
    }
    expect(describeRefusal(null)).toEqual({ retryAfter: 1, limit: null })
  })

  test('of a source it speaks of the address, not of a key', () => {
    const answer = answerSource(http, reportOf(refusals[0]!))
    expect(answer.status).toBe(429)
    expect(bodyOf(answer)).toMatchObject({ code: 'limited', limit: refusals[0]!.problem })
    expect(bodyOf(answer)['detail']).toMatch(/network address/)
    expect(bodyOf(answer)['detail']).not.toMatch(/key/i)
  })
})

describe('other refusals of a caller that was counted', () => {
  const denied = (code: Denied['code']): Denied => ({
    ...{ effect: 'deny', code, permissions: ['contacts:read'], permission: 'contacts:read' },
    ...{ scopes: [], reasons: [] },
  })
  const report = reportOf(limitVectors[0]!)
  const fields = { 'ratelimit-policy': limitVectors[0]!.policy, ratelimit: limitVectors[0]!.rateLimit }

  test.each(['insufficient', 'hidden', 'not_entitled', 'owner_insufficient'] as const)(
    '%s: carry the two fields, and no Retry-After',
    (code) => {
      const answer = answerRefusal(code, http, denied(code), report)
      expect(answer.headers).toMatchObject(fields)
      expect(answer.headers).not.toHaveProperty('retry-after')
      expect(answerRefusal(code, silent, denied(code), report)).toEqual(
        answerRefusal(code, http, denied(code)),
      )
    },
  )

  test('hidden as not found has them before all else, as where a handler answers what a guard let in', () => {
    const hiding = readHttpSettings({ hidden: 'not_found' }, [])
    const { headers, body } = answerRefusal('hidden', hiding, denied('hidden'), report)
    const unknown = answerRefusal('not_found', hiding)
    expect(Object.entries(headers)).toEqual([...Object.entries(fields), ...Object.entries(unknown.headers)])
    expect(body).toBe(unknown.body)
  })
})
