import { describe, expect, test } from 'vitest'
import { createGate } from '../../src/http/gate.js'
import { adminHost } from '../admin/host.js'
import { createHost } from './host.js'

/** What a gate answers to these values of `Authorization`. */
async function askGate(values: (key: string) => readonly string[], credentialHeader?: string) {
  const host = createHost(credentialHeader ? { http: { credentialHeader } } : {}, 'memory')
  const { secret } = await host.makeKey(['contacts:read'])
  const gate = createGate(host.keyrung, 'contacts:read')
  const headers = (name: string) => (name === 'authorization' ? values(secret) : [])
  const result = await gate({ headers, peer: '192.0.2.1', method: 'GET', target: '/contacts' })
  if (result.ok) throw new Error('it was let in')
  const { code, detail } = JSON.parse(result.answer.body) as { code: string; detail: string }
  return { code, detail, challenge: result.answer.headers['www-authenticate'] }
}

describe('who sends a key in Authorization without a scheme is told what is missing', () => {
  test('by a guard', async () => {
    const { code, detail, challenge } = await askGate((key) => [key])
    expect([code, challenge]).toEqual(['credential_invalid', 'Bearer realm="api", error="invalid_token"'])
    expect(detail).toContain('"Authorization: Bearer <key>"')
  })

  test('by a guard, whether the key is good or not', async () => {
    const { detail } = await askGate((key) => [key])
    for (const value of ['tp_live_nonsense', 'x'.repeat(20), 'eyJhbGciOiJub25lIn0.e30.'])
      expect(await askGate(() => [value])).toMatchObject({ code: 'credential_invalid', detail })
  })

  test.each([
    ['another scheme', ['Basic YTpi'], 'credential_invalid'],
    ['a scheme and nothing', ['Bearer'], 'credential_invalid'],
    ['a bearer token that is none', ['Bearer nonsense-and-more'], 'credential_invalid'],
    ['two credentials', ['one-credential', 'another-credential'], 'credential_repeated'],
    ['none', [], 'credential_missing'],
  ])('but not who sends %s', async (_, values, expected) => {
    const { code, detail } = await askGate(() => values)
    expect(code).toBe(expected)
    expect(detail).not.toContain('has no scheme')
  })

  test('by the management API, where it looks like a key; anything else is the host’s', async () => {
    const { ask, makeKey } = adminHost()
    const { secret } = await makeKey(['contacts:read'])
    const { status, body } = await ask(null, 'GET', '/me', undefined, { authorization: secret })
    expect([status, body.code]).toEqual([401, 'credential_invalid'])
    expect(body.detail).toContain('"Authorization: Bearer <key>"')
    const foreign = await ask('admin', 'GET', '/keys', undefined, { authorization: 'some-session-token' })
    expect(foreign.status).toBe(200)
  })
})

test('a challenge names the header of the host’s own', async () => {
  const named = 'credential_header="x-api-key"'
  for (const values of [[], ['Bearer nonsense'], ['tp_live_nonsense']]) {
    expect((await askGate(() => values, 'x-api-key')).challenge).toContain(named)
    expect((await askGate(() => values)).challenge).not.toContain('credential_header')
  }
})
