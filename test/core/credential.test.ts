import { describe, expect, test } from 'vitest'
import { Credential } from '../../src/core/credential.js'
import { KeyrungError } from '../../src/core/errors.js'
import type { CredentialRow } from '../../src/core/key.js'
import { now, row } from './sample-row.js'

describe('what a store answers', () => {
  test.each<[string, CredentialRow]>([
    ['a plain row', row()],
    ['full access', row({ mode: 'full', scopes: '' })],
    ['a revoked key', row({ status: 'revoked' })],
    ['times and an owner', row({ expiresAt: now, notBefore: 0, ownerId: 'ann' }, { endsAt: now })],
  ])('can be decided on: %s', (_, answer) => {
    expect(Credential.from(answer)).toMatchObject(answer)
  })

  test.each<[string, unknown]>([
    ['nothing', null],
    ['a text', 'key_1'],
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
    ['limits that are a list', row({ limits: [] })],
    ['no limits at all', row({ limits: undefined })],
    ['an expiry that is text', row({ expiresAt: '2030' })],
    ['an expiry that is infinite', row({ expiresAt: Infinity })],
    ['a beginning that is missing', row({ notBefore: undefined })],
    ['an end that is NaN', row({}, { endsAt: NaN })],
  ])('cannot be decided on: %s', (_, answer) => {
    expect(Credential.from(answer as CredentialRow)).toBeUndefined()
  })
})

const scopesOf = ({ scopes }: { scopes: string }) => scopes.split(' ')

test.each(['', 'null', '[]', '"{}"', '{"a":', undefined, { a: 1 }])(
  'metadata that no store was given stands for nobody: %o',
  (metadata) => {
    const credential = Credential.from(row({ metadata }))!
    expect(() => credential.principal(null, scopesOf)).toThrow(KeyrungError)
  },
)

describe('a credential that was found sound', () => {
  test('is not looked at again, but every copy of it is', () => {
    const credential = Credential.from(row())!
    expect(Credential.from(credential)).toBe(credential)
    const copy = Object.assign(Object.create(Object.getPrototypeOf(credential) as object), credential)
    expect(Credential.from({ ...copy, key: { ...copy.key, status: 'paused' } })).toBeUndefined()
    expect(Credential.from(Object.assign(copy, { secret: undefined }))).toBeUndefined()
  })

  test.each<[string, object, object, boolean]>([
    ['a key without limits', {}, {}, true],
    ['one with an owner', { ownerId: 'ann' }, {}, true],
    ['a revoked one', { status: 'revoked' }, {}, false],
    ['one that expires', { expiresAt: now }, {}, false],
    ['one that begins', { notBefore: now }, {}, false],
    ['one for some addresses', { addressRules: '192.0.2.1' }, {}, false],
    ['a secret that ends', {}, { endsAt: now }, false],
  ])('%s is open, or has to be judged', (_, key, secret, isOpen) => {
    expect(Credential.from(row(key, secret))!.isOpen).toBe(isOpen)
  })

  test('stands for one frozen principal while it comes from one address, and never for that of another', () => {
    const credential = Credential.from(
      row({ name: 'Claude', ownerId: 'ann', metadata: '{"team":{"name":"a"}}' }),
    )!
    const known = { type: 'key', keyId: 'key_1', secretId: 'sec_1', keyName: 'Claude', workspaceId: 'ws_1' }
    for (const address of [null, '192.0.2.1', '192.0.2.2', null, '192.0.2.2']) {
      const principal = credential.principal(address, scopesOf)
      const shown = { scopes: ['contacts:read'], metadata: { team: { name: 'a' } } }
      expect(principal).toStrictEqual({ ...known, environment: 'live', ownerId: 'ann', address, ...shown })
      expect(credential.principal(address, scopesOf)).toBe(principal)
      for (const part of [principal, principal.metadata, principal.metadata['team']]) {
        expect(Object.isFrozen(part)).toBe(true)
      }
    }
  })
})
