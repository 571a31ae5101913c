import { describe, expect, test } from 'vitest'
import { createGate } from '../../src/http/gate.js'
import { buildResponse } from '../../src/http/outcome.js'
import { createHost } from './host.js'
import type { HostSetup } from './host.js'

const asked = { origin: ['https://app.example'], 'access-control-request-method': ['POST'] }

async function judge(
  method: string,
  headers: Readonly<Record<string, readonly string[]>>,
  setup: HostSetup = {},
): Promise<number> {
  const host = createHost(setup, 'memory')
  const { secret } = await host.makeKey(['contacts:read'])
  const result = await createGate(
    host.keyrung,
    'contacts:read',
  )({
    headers: (name) => (headers[name] ?? []).map((value) => value.replace('SECRET', secret)),
    ...{ peer: '192.0.2.1', method, target: '/contacts' },
  })
  return result.ok ? 200 : buildResponse(result.answer).status
}

describe('a guard that is reached by', () => {
  test.each<[string, string, Readonly<Record<string, readonly string[]>>, number]>([
    ['a preflight', 'OPTIONS', asked, 204],
    ['OPTIONS without an origin', 'OPTIONS', { 'access-control-request-method': ['POST'] }, 401],
    ['OPTIONS that asks about no method', 'OPTIONS', { origin: asked.origin }, 401],
    ['OPTIONS alone', 'OPTIONS', {}, 401],
    ['another method that looks like a preflight', 'POST', asked, 401],
    ['OPTIONS with a key', 'OPTIONS', { ...asked, authorization: ['Bearer SECRET'] }, 200],
    ['OPTIONS with a wrong key', 'OPTIONS', { ...asked, authorization: ['Bearer tp_live_no'] }, 401],
  ])('%s lets it through, or answers %s', async (_, method, headers, status) => {
    expect(await judge(method, headers)).toBe(status)
  })

  test('a key in a header of the host’s own judges it', async () => {
    const setup = { http: { credentialHeader: 'x-api-key' } }
    expect(await judge('OPTIONS', { ...asked, 'x-api-key': ['SECRET'] }, setup)).toBe(200)
    expect(await judge('OPTIONS', asked, setup)).toBe(204)
  })
})
