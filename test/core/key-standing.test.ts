import { describe, expect, test } from 'vitest'
import type { CredentialRow, KeyRecord, KeySecretRecord } from '../../src/core/key.js'
import { isCredentialRow, judgeCredential } from '../../src/core/key-standing.js'

const now = 1_767_225_600_000

function row(key: object = {}, secret: object = {}): CredentialRow {
  return {
    key: {
      ...{ id: 'key_1', workspaceId: 'ws_1', status: 'active', mode: 'custom', scopes: 'contacts:read' },
      ...{ environment: 'live', addressRules: '', ownerId: null, expiresAt: null, notBefore: null },
      ...key,
    } as KeyRecord,
    secret: {
      ...{ id: 'sec_1', keyId: 'key_1', workspaceId: 'ws_1', endsAt: null },
      ...secret,
    } as KeySecretRecord,
  }
}

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

describe('what a store answers', () => {
  test.each<[string, CredentialRow]>([
    ['a plain row', row()],
    ['full access', row({ mode: 'full', scopes: '' })],
    ['a revoked key', row({ status: 'revoked' })],
    ['times and an owner', row({ expiresAt: now, notBefore: 0, ownerId: 'ann' }, { endsAt: now })],
  ])('can be decided on: %s', (_, answer) => {
    expect(isCredentialRow(answer)).toBe(true)
  })

  test.each<[string, unknown]>([
    ['no key', { ...row(), key: undefined }],
    ['a key that is null', { ...row(), key: null }],
    ['no secret', { ...row(), secret: undefined }],
    ['a secret that is null', { ...row(), secret: null }],
    ['a key that is text', { ...row(), key: 'key_1' }],
    ['a key without id', row({ id: undefined }, { keyId: undefined })],
    ['a secret of another key', row({}, { keyId: 'key_2' })],
    ['a workspace that is no text', row({ workspaceId: 7 }, { workspaceId: 7 })],
    ['no workspace', row({ workspaceId: '' }, { workspaceId: '' })],
    ['a secret of another workspace', row({}, { workspaceId: 'ws_2' })],
    ['a secret without id', row({}, { id: undefined })],
    ['another status', row({ status: 'paused' })],
    ['another mode', row({ mode: 'all' })],
    ['no scopes', row({ scopes: undefined })],
    ['no environment', row({ environment: undefined })],
    ['no address rules', row({ addressRules: undefined })],
    ['an owner that is no text', row({ ownerId: 7 })],
    ['no owner at all', row({ ownerId: undefined })],
    ['an expiry that is text', row({ expiresAt: '2030' })],
    ['an expiry that is infinite', row({ expiresAt: Infinity })],
    ['a beginning that is missing', row({ notBefore: undefined })],
    ['an end that is NaN', row({}, { endsAt: NaN })],
  ])('cannot be decided on: %s', (_, answer) => {
    expect(isCredentialRow(answer as CredentialRow)).toBe(false)
  })
})
