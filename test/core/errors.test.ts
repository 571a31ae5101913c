import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { errorTexts, invalid, isKeyrungError, KeyrungError, type ErrorCode } from '../../src/core/errors.js'
import type { DenyCode } from '../../src/core/decision.js'

/** Frozen: a code that is gone or renamed breaks those who switch on it. Codes are only ever added. */
const codes = [
  'credential_missing',
  'credential_repeated',
  'credential_invalid',
  'key_revoked',
  'key_expired',
  'secret_rotated',
  'key_not_yet_valid',
  'token_expired',
  'address_denied',
  'unknown_permission',
  'hidden',
  'not_entitled',
  'owner_insufficient',
  'insufficient',
  'approval_required',
  'too_many_pending',
  'not_replayable',
  'limited',
  'not_ready',
  'closed',
  'store_unavailable',
  'transaction_open',
  'limits_unavailable',
  'hook_failed',
  'issuer_unavailable',
  'config_invalid',
  'catalog_invalid',
  'actor_missing',
  'forbidden',
  'beyond_own_rights',
  'not_found',
  'input_invalid',
  'conflict',
  'version_required',
  'operation_disabled',
  'key_not_active',
  'key_limit_reached',
  'not_pending',
  'not_unknown',
  'digest_mismatch',
  'own_request',
  'voted',
  'operation_refused',
  'idempotency_mismatch',
  'method_not_allowed',
  'media_type_unsupported',
  'body_too_large',
  'cross_site',
] as const

describe('the error table', () => {
  it('has exactly these codes, in this order', () => {
    expect(Object.keys(errorTexts)).toEqual(codes)
    const complete: readonly ErrorCode[] = codes
    expect(complete).toHaveLength(Object.keys(errorTexts).length)
  })

  it('is written in stable names and whole sentences', () => {
    for (const [code, text] of Object.entries(errorTexts)) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
      expect(text).toMatch(/^[A-Z].*\.$/)
      expect(text.length).toBeLessThan(120)
    }
  })

  it('has a text for every denial', () => {
    const denials: Record<DenyCode, true> = {
      credential_missing: true,
      credential_repeated: true,
      credential_invalid: true,
      key_revoked: true,
      key_expired: true,
      secret_rotated: true,
      key_not_yet_valid: true,
      token_expired: true,
      address_denied: true,
      unknown_permission: true,
      hidden: true,
      not_entitled: true,
      owner_insufficient: true,
      insufficient: true,
    }
    for (const code of Object.keys(denials)) expect(codes).toContain(code)
  })
})

describe('an error', () => {
  it('carries its code, the text of the table, and faults', () => {
    const error = new KeyrungError('not_found')
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'KeyrungError', code: 'not_found', message: errorTexts.not_found })
    expect(error.faults).toEqual([])
    expect(error.internal).toBeUndefined()
    const faults = [{ path: 'name', message: 'is missing' }]
    expect(new KeyrungError('input_invalid', { message: 'Other.', faults })).toMatchObject({
      message: 'Other.',
      faults,
    })
  })

  it('keeps what is for the operator out of JSON and of enumeration, and shows it when it is inspected', () => {
    const error = new KeyrungError('store_unavailable', { internal: 'ECONNREFUSED 10.0.0.7' })
    expect(error.internal).toBe('ECONNREFUSED 10.0.0.7')
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'store_unavailable',
      message: errorTexts.store_unavailable,
      faults: [],
    })
    expect(inspect(error)).toContain("[cause]: 'ECONNREFUSED 10.0.0.7'")
    expect(Object.keys(error)).toEqual(['name', 'code', 'faults'])
  })

  const digest = 'f'.repeat(31) + '0'
  const secret = 'acme_live_8Jx2kQpLr0sTv4Yz1mNb_c2Fs'
  it.each<[string, unknown, string, string]>([
    [
      'a refused connection',
      Object.assign(new Error('connect ECONNREFUSED ::1:5432'), { code: 'ECONNREFUSED' }),
      'connect ECONNREFUSED ::1:5432',
      '',
    ],
    ['a missing database', new Error('database "acme" does not exist'), 'database "acme" does not exist', ''],
    ['a key', new Error(`no user ${secret}!`), 'no user ***!', secret],
    ['a digest', new RangeError(`(digest)=(${digest})`), '(digest)=(***)', digest],
    [
      'a password in a URL',
      new Error('redis://user:hunter2@cache:6379 is away'),
      'redis://***@cache:6379 is away',
      'hunter2',
    ],
    ['a cause of a cause', new Error('outer', { cause: new Error(secret) }), 'outer', secret],
    ['a text', `thrown: ${digest}`, 'thrown: ***', digest],
    [
      'properties',
      Object.assign(new Error('failed'), { parameters: [secret], query: secret }),
      'failed',
      secret,
    ],
    ['a number', 7, 'number', '7'],
    [
      'a proxy',
      new Proxy(new Error('x'), {
        getPrototypeOf: () => {
          throw new Error(secret)
        },
      }),
      'an error that cannot be read',
      secret,
    ],
  ])('keeps a cause for the operator, with its secrets masked: %s', (_, cause, shown, hidden) => {
    const error = new KeyrungError('store_unavailable', { cause })
    const seen = inspect(error, { showHidden: true, depth: 9 })
    expect(seen).toContain(shown)
    if (hidden !== '') expect(seen.split('[cause]')[1]).not.toContain(hidden)
    expect(JSON.stringify(error)).not.toContain(shown)
    expect(Object.keys(error)).not.toContain('cause')
  })

  it('keeps where a cause was thrown, and an error of its own as it is', () => {
    const cause = new TypeError('x')
    expect(inspect(new KeyrungError('hook_failed', { cause }))).toContain('errors.test.ts')
    const own = new KeyrungError('conflict')
    expect(new KeyrungError('hook_failed', { cause: own }).cause).toBe(own)
  })

  it('is told from others by its class, not by its looks', () => {
    expect(isKeyrungError(new KeyrungError('conflict'))).toBe(true)
    for (const other of [
      new Error('conflict'),
      { name: 'KeyrungError', code: 'conflict' },
      null,
      undefined,
      'x',
    ]) {
      expect(isKeyrungError(other)).toBe(false)
    }
  })
})

describe('the error of an input with faults', () => {
  const fault = (path: string) => ({ path, message: 'is missing' })

  it('shows the first three in its message and holds them all', () => {
    const faults = ['a', '', 'c', 'd', 'e'].map(fault)
    const error = invalid('input_invalid', faults)
    expect(error.code).toBe('input_invalid')
    expect(error.message).toBe(
      'The input is not valid. a: is missing; is missing; c: is missing (and 2 more)',
    )
    expect(error.faults).toEqual(faults)
  })

  it('says nothing of more where there are no more', () => {
    expect(invalid('config_invalid', ['a', 'b', 'c'].map(fault)).message).toBe(
      'The configuration is not valid. a: is missing; b: is missing; c: is missing',
    )
  })
})
