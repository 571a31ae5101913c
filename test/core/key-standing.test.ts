import { describe, expect, test } from 'vitest'
import { judgeCredential } from '../../src/core/key-standing.js'
import { now, row } from './sample-row.js'

describe('the standing of a credential', () => {
  test.each<[string, object, object, string | undefined]>([
    ['without any limit is accepted', {}, {}, undefined],
    ['expires at that very millisecond', { expiresAt: now }, {}, 'key_expired'],
    ['is accepted the millisecond before it expires', { expiresAt: now + 1 }, {}, undefined],
    ['begins at that very millisecond', { notBefore: now }, {}, undefined],
    ['is not accepted the millisecond before it begins', { notBefore: now + 1 }, {}, 'key_not_yet_valid'],
    ['ends with the grace period of its secret', {}, { endsAt: now }, 'key_expired'],
    ['is accepted the millisecond before the grace period ends', {}, { endsAt: now + 1 }, undefined],
    [
      'is revoked, whatever else',
      { status: 'revoked', expiresAt: now, notBefore: now + 1 },
      {},
      'key_revoked',
    ],
    ['is expired before it is early', { expiresAt: now, notBefore: now + 1 }, {}, 'key_expired'],
    ['with an expiry that is NaN is expired', { expiresAt: NaN }, {}, 'key_expired'],
    ['with a beginning that is NaN never begins', { notBefore: NaN }, {}, 'key_not_yet_valid'],
    ['with an end that is NaN has ended', {}, { endsAt: NaN }, 'key_expired'],
  ])('%s', (_, key, secret, expected) => {
    expect(judgeCredential(row(key, secret), now)).toBe(expected)
  })
})
