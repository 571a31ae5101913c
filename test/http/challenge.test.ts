import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatChallenge } from '../../src/http/challenge.js'

describe('a challenge', () => {
  test('without any credential names the realm only (RFC 6750, 3.1)', () => {
    expect(formatChallenge('credential_missing', 'api', ['contacts:read'])).toBe('Bearer realm="api"')
  })

  test('names all scopes that would do where a scope is what is lacking', () => {
    expect(formatChallenge('insufficient', 'api', ['contacts:write', 'email:send'])).toBe(
      'Bearer realm="api", error="insufficient_scope", scope="contacts:write email:send"',
    )
  })

  test.each(['hidden', 'owner_insufficient'] as const)('names no scopes for %s', (code) => {
    expect(formatChallenge(code, 'api', ['contacts:write'])).toBe(
      'Bearer realm="api", error="insufficient_scope"',
    )
  })

  test('leaves scopes to the body where they would make the header too long', () => {
    const scopes = Array.from({ length: 100 }, (_, i) => `resource-number-${i}:write-approval`)
    expect(formatChallenge('insufficient', 'api', scopes)).toBe(
      'Bearer realm="api", error="insufficient_scope"',
    )
  })

  test('names the header of the host’s own that a key may come in, with every 401', () => {
    expect(formatChallenge('credential_missing', 'api', [], 'x-api-key')).toBe(
      'Bearer realm="api", credential_header="x-api-key"',
    )
    expect(formatChallenge('insufficient', 'api', ['email:send'], 'x-api-key')).toBe(
      'Bearer realm="api", error="insufficient_scope", scope="email:send", credential_header="x-api-key"',
    )
    expect(formatChallenge('limited', 'api', [], 'x-api-key')).toBeUndefined()
  })

  test('is well-formed whatever realm and scopes are', () => {
    const quoted = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*"'
    const form = new RegExp(`^Bearer realm=${quoted}, error="insufficient_scope"(?:, scope=${quoted})?$`)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' })), (realm, scopes) => {
        expect(formatChallenge('insufficient', realm, scopes)).toMatch(form)
      }),
    )
    expect(formatChallenge('credential_missing', 'a "b" \\c\r\nx: y')).toBe(
      'Bearer realm="a \\"b\\" \\\\cx: y"',
    )
  })
})
