import { describe, expect, test } from 'vitest'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import { anyAddress, judgeCredential } from '../../src/service/credential-status.js'
import { now, row } from '../core/sample-row.js'

const format = createKeyFormat({ prefix: 'tp', environments: ['live', 'test'] })

describe('a credential', () => {
  test.each<[string, object, object, string | undefined]>([
    ['without any limit is accepted', {}, {}, undefined],
    ['expires at that very millisecond', { expiresAt: now }, {}, 'key_expired'],
    ['is accepted the millisecond before it expires', { expiresAt: now + 1 }, {}, undefined],
    ['begins at that very millisecond', { notBefore: now }, {}, undefined],
    ['is not accepted the millisecond before it begins', { notBefore: now + 1 }, {}, 'key_not_yet_valid'],
    ['ends with the grace period of its secret', {}, { endsAt: now }, 'secret_rotated'],
    ['is accepted the millisecond before the grace period ends', {}, { endsAt: now + 1 }, undefined],
    [
      'is revoked, whatever else',
      { status: 'revoked', expiresAt: now, notBefore: now + 1 },
      { endsAt: now },
      'key_revoked',
    ],
    ['is expired before its secret is rotated', { expiresAt: now }, { endsAt: now }, 'key_expired'],
    ['is expired before it is early', { expiresAt: now, notBefore: now + 1 }, {}, 'key_expired'],
    ['with an expiry that is NaN is expired', { expiresAt: NaN }, {}, 'key_expired'],
    ['with a beginning that is NaN never begins', { notBefore: NaN }, {}, 'key_not_yet_valid'],
    ['with an end that is NaN has ended', {}, { endsAt: NaN }, 'secret_rotated'],
    [
      'of a foreign environment is none',
      { environment: 'staging', status: 'revoked' },
      {},
      'credential_invalid',
    ],
    ['with an allow-list of nonsense is denied', { addressRules: 'nonsense' }, {}, 'address_denied'],
  ])('%s', (_, key, secret, expected) => {
    expect(judgeCredential(row(key, secret), now, '192.0.2.1', format)).toBe(expected)
  })

  test.each<[string | null | undefined | typeof anyAddress, string | undefined]>([
    ['192.0.2.1', undefined],
    ['::ffff:192.0.2.1', undefined],
    [anyAddress, undefined],
    ['192.0.3.1', 'address_denied'],
    ['any address', 'address_denied'],
    ['', 'address_denied'],
    [null, 'address_denied'],
    [undefined, 'address_denied'],
  ])('with an allow-list, from %s', (address, expected) => {
    const restricted = row({ addressRules: '192.0.2.0/24' })
    expect(judgeCredential(restricted, now, address, format)).toBe(expected)
  })
})
