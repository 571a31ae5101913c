import { describe, expect, test } from 'vitest'
import { adminHost } from './host.js'

const origin = 'https://console.example'
const host = () => adminHost({}, { origins: [origin] })
const preflight = (from: string) => ({
  origin: from,
  'access-control-request-method': 'PATCH',
  'access-control-request-headers': 'content-type,if-match,x-csrf',
})

describe('a preflight', () => {
  test.each([
    ['/keys/key_1', 'PATCH'],
    ['/keys', 'POST'],
    ['/approvals/apr_1/approve', 'POST'],
    ['/nothing', 'GET'],
  ])('of a listed origin for %s is answered with what its pages may do', async (path, method) => {
    const { status, headers, body } = await host().ask(null, 'OPTIONS', path, undefined, preflight(origin))
    expect([status, body]).toEqual([204, undefined])
    expect(headers.get('access-control-allow-origin')).toBe(origin)
    expect(headers.get('access-control-allow-credentials')).toBe('true')
    expect(headers.get('access-control-allow-methods')).toContain(method)
    expect(headers.get('access-control-allow-headers')).toBe('content-type,if-match,x-csrf')
    expect(headers.get('vary')).toMatch(/\borigin\b/)
  })

  test.each([
    'https://evil.example',
    'null',
    `${origin}.evil.example`,
    `${origin}:8443`,
    'http://console.example',
  ])('of %s is given no permission', async (from) => {
    const { status, headers } = await host().ask(null, 'OPTIONS', '/keys', undefined, preflight(from))
    expect(status).toBe(405)
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    expect(headers.get('vary')).toMatch(/\borigin\b/)
  })

  test('is none without the method it asks about', async () => {
    const { status } = await host().ask(null, 'OPTIONS', '/keys', undefined, { origin })
    expect(status).toBe(405)
  })
})

describe('an answer', () => {
  test.each<[string, string | null, string, number]>([
    ['that is good', 'admin', '/keys', 200],
    ['to nobody', null, '/keys', 401],
    ['to an unknown path', 'admin', '/nothing', 404],
    ['to an unknown key', 'admin', '/keys/key_1', 404],
  ])('%s may be read by pages of a listed origin', async (_, as, path, expected) => {
    const { status, headers } = await host().ask(as, 'GET', path, undefined, { origin })
    expect(status).toBe(expected)
    expect(headers.get('access-control-allow-origin')).toBe(origin)
    expect(headers.get('access-control-allow-credentials')).toBe('true')
    for (const name of ['ETag', 'Location', 'Retry-After']) {
      expect(headers.get('access-control-expose-headers')).toContain(name)
    }
    expect(headers.get('vary')).toMatch(/\borigin\b/)
  })

  test('has Vary for all, and permission for no other origin', async () => {
    for (const headers of [{}, { origin: 'https://evil.example' }]) {
      const reply = await host().ask('admin', 'GET', '/keys', undefined, headers)
      expect(reply.headers.get('vary')).toMatch(/\borigin\b/)
      expect(reply.headers.has('access-control-allow-origin')).toBe(false)
    }
  })

  test('of a host without origins has nothing of this', async () => {
    const { headers } = await adminHost().ask('admin', 'GET', '/keys', undefined, { origin })
    expect([headers.has('vary'), headers.has('access-control-allow-origin')]).toEqual([false, false])
  })
})
