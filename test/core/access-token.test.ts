import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { formatClaims, mostActors, readClaims } from '../../src/core/access-token.js'
import { idOf, randomClaims, sampleClaims } from './access-token-samples.js'
import { hostileValues } from './hostile-values.js'

const wire = formatClaims(sampleClaims)

describe('claims', () => {
  it('are written as RFC 9068 and RFC 8693 say', () => {
    expect(formatClaims({ ...sampleClaims, chain: ['researcher', 'planner'] })).toEqual({
      iss: 'https://api.example.com',
      sub: sampleClaims.keyId,
      aud: 'https://api.example.com',
      exp: 1_700_000_300,
      iat: 1_700_000_000,
      jti: sampleClaims.tokenId,
      client_id: sampleClaims.keyId,
      scope: 'contacts:read email:send-approval',
      workspace_id: 'workspace-1',
      environment: 'live',
      key_id: sampleClaims.keyId,
      secret_id: sampleClaims.secretId,
      act: { sub: 'researcher', act: { sub: 'planner' } },
    })
    const bare = formatClaims({ ...sampleClaims, audience: ['a', 'b'], scopes: '' })
    expect(bare.aud).toEqual(['a', 'b'])
    expect(Object.keys(bare)).not.toContain('scope')
    expect(Object.keys(bare)).not.toContain('act')
  })

  it('come back as they were written, through JSON too', () => {
    fc.assert(
      fc.property(randomClaims, (claims) => {
        expect(readClaims(JSON.parse(JSON.stringify(formatClaims(claims))))).toEqual(claims)
      }),
    )
  })

  it('may hold others beside them, as RFC 7519 asks', () => {
    expect(readClaims({ ...wire, auth_time: 1, groups: ['a'] })).toEqual(sampleClaims)
  })
})

describe('claims are refused', () => {
  const required = Object.keys(wire).filter((name) => name !== 'scope')

  test.each(required)('without %s', (name) => {
    expect(readClaims({ ...wire, [name]: undefined })).toBeUndefined()
    const rest: Record<string, unknown> = { ...wire }
    delete rest[name]
    expect(readClaims(rest)).toBeUndefined()
  })

  test.each(required)('where %s is inherited', (name) => {
    const rest: Record<string, unknown> = { ...wire }
    delete rest[name]
    expect(
      readClaims(Object.assign(Object.create({ [name]: Reflect.get(wire, name) }), rest)),
    ).toBeUndefined()
  })

  test.each([...required, 'scope', 'act'])('where %s is of a wrong kind, and nothing throws', (name) => {
    for (const [kind, value] of Object.entries(hostileValues())) {
      const isOneAudience = name === 'aud' && kind === 'array of one'
      if (!isOneAudience) expect(readClaims({ ...wire, [name]: value }), kind).toBeUndefined()
    }
  })

  it.each([
    ['an expiry as text', { exp: '1700000300' }],
    ['an expiry in milliseconds', { exp: 1_700_000_300_000 }],
    ['an expiry with a fraction', { exp: 1_700_000_300.5 }],
    ['an expiry before it was issued', { exp: 1_699_999_999 }],
    ['no life at all', { exp: 1_700_000_000 }],
    ['more than a day of life', { exp: 1_700_086_401 }],
    ['an instant that no date can hold', { iat: 8_640_000_000_000, exp: 8_640_000_000_001 }],
    ['a subject that is no key', { sub: idOf('sec', 1), client_id: idOf('sec', 1), key_id: idOf('sec', 1) }],
    ['a key that is not the subject', { key_id: idOf('key', 2) }],
    ['a client that is not the subject', { client_id: idOf('key', 2) }],
    ['a secret that is none', { secret_id: idOf('key', 1) }],
    ['an id that is no token’s', { jti: idOf('key', 1) }],
    ['no audience', { aud: [] }],
    ['an audience twice', { aud: ['a', 'a'] }],
    ['an audience that is empty', { aud: ['a', ''] }],
    ['nine audiences', { aud: [...'abcdefghi'] }],
    ['an issuer of two lines', { iss: 'https://a\nb' }],
    ['a workspace that is empty', { workspace_id: '' }],
    ['a workspace with half a character', { workspace_id: '\ud800' }],
    ['a workspace that no store keeps', { workspace_id: 'w'.repeat(256) }],
    ['scopes out of order', { scope: 'email:send contacts:read' }],
    ['a scope twice', { scope: 'contacts:read contacts:read' }],
    ['two spaces', { scope: 'contacts:read  email:send' }],
    [
      'more scopes than a key may hold',
      { scope: Array.from({ length: 1025 }, (_, i) => `a${1e4 + i}:b`).join(' ') },
    ],
    ['a proof of possession', { cnf: { jkt: 'x' } }],
    ['an actor without a name', { act: {} }],
    ['an actor with an empty name', { act: { sub: '' } }],
    ['an actor told by more than a name', { act: { sub: 'a', iss: 'https://elsewhere.example' } }],
    ['an actor that acts for a text', { act: { sub: 'a', act: 'b' } }],
    ['an actor that acts for nothing', { act: { sub: 'a', act: undefined } }],
  ])('with %s', (_, change) => {
    expect(readClaims({ ...wire, ...change })).toBeUndefined()
  })

  it('with a longer chain than any host allows', () => {
    const chain = Array.from({ length: mostActors }, (_, i) => `agent-${i}`)
    const longest = formatClaims({ ...sampleClaims, chain })
    expect(readClaims(longest)?.chain).toEqual(chain)
    expect(readClaims({ ...longest, act: { sub: 'one-more', act: longest.act } })).toBeUndefined()
  })

  it('that are no object, and nothing throws', () => {
    for (const value of Object.values(hostileValues())) expect(readClaims(value)).toBeUndefined()
  })
})
