import { describe, expect, test } from 'vitest'
import { approved } from '../../src/http/client.js'
import type { ApprovedOptions } from '../../src/http/client.js'

type Step = readonly [status: number, body: unknown, headers?: Record<string, string>]

const at = 'https://crm.example/contacts'

/** A 202 as `fetch` would answer it. */
function waiting(location: string | null = '/manage/approvals/apr_1', url = at): Response {
  const headers = location === null ? undefined : { location }
  const response = new Response('{}', { status: 202, ...(headers && { headers }) })
  Object.defineProperty(response, 'url', { value: url })
  return response
}

/** An API that answers these, one after another. */
function api(...steps: readonly Step[]) {
  const asked: (readonly [url: string, init: RequestInit])[] = []
  const slept: number[] = []
  const options: ApprovedOptions = {
    fetch: async (url, init) => {
      const [status, body, headers = {}] = steps[asked.length]!
      asked.push([String(url), init ?? {}])
      return new Response(JSON.stringify(body), { status, headers })
    },
    sleep: async (ms) => void slept.push(ms),
  }
  return { asked, slept, options }
}

const pending: Step = [200, { id: 'apr_1', status: 'pending' }, { 'preference-applied': 'wait=30' }]

describe('an approval is followed', () => {
  test.each(['succeeded', 'failed', 'rejected', 'expired', 'cancelled', 'stale'])(
    'to its end, which is answered: %s',
    async (status) => {
      const { asked, slept, options } = api(pending, [200, { id: 'apr_1', status: 'executing' }], pending, [
        200,
        { id: 'apr_1', status, reason: 'because' },
      ])
      const headers = { authorization: 'Bearer x' }
      expect(await approved(waiting(), { ...options, headers })).toEqual({
        id: 'apr_1',
        status,
        reason: 'because',
      })
      expect(asked.map(([url]) => url)).toEqual(
        Array.from({ length: 4 }, () => 'https://crm.example/manage/approvals/apr_1'),
      )
      expect(asked[0]![1]).toMatchObject({
        headers: { authorization: 'Bearer x', prefer: 'wait=30', accept: 'application/json' },
        redirect: 'manual',
      })
      // Only the answer that had not waited itself is followed by a pause.
      expect(slept).toEqual([5_000])
    },
  )

  test('not at all, where nothing had to wait', async () => {
    expect(await approved(new Response('', { status: 201 }))).toBeNull()
  })

  test('after a while, where the API is busy', async () => {
    const { slept, options } = api(
      [429, { code: 'limited' }, { 'retry-after': '7' }],
      [503, { code: 'store_unavailable' }, { 'retry-after': '1' }],
      [429, {}, { 'retry-after': '99999' }],
      [200, { status: 'succeeded' }],
    )
    await approved(waiting(), options)
    expect(slept).toEqual([7_000, 1_000, 300_000])
  })

  test('through dropped, broken-off and transient answers, with pauses that double', async () => {
    const { options, slept } = api(...[408, 425, 500, 502, 503, 504].map((status): Step => [status, null]))
    const end = [
      () => Promise.reject(new TypeError('fetch failed')),
      async () => new Response('{"status":'),
      async () => Response.json({ status: 'succeeded' }),
    ]
    let asked = 0
    const flaky: typeof fetch = (url, init) => (asked++ < 6 ? options.fetch!(url, init) : end[asked - 7]!())
    expect(await approved(waiting(), { ...options, fetch: flaky })).toEqual({ status: 'succeeded' })
    expect(slept).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000))
  })

  test('no longer than its deadline, also while nothing answers', async () => {
    const hung: typeof fetch = (_url, init) =>
      new Promise((_, reject) => init!.signal!.addEventListener('abort', () => reject(new Error('aborted'))))
    const following = approved(waiting(), { fetch: hung, timeoutMs: 1 })
    await expect(following).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  test('where the caller says, if the answer does not', async () => {
    const { asked, options } = api([200, { status: 'succeeded' }])
    await approved(waiting(null), { ...options, url: 'https://other.example/approvals/apr_1' })
    expect(asked[0]![0]).toBe('https://other.example/approvals/apr_1')
  })
})

describe('it is thrown', () => {
  test.each<[string, Step, string]>([
    ['what the API refuses', [404, { code: 'not_found' }], 'not_found'],
    ['a code that nobody knows', [400, { code: 'new_code' }], 'store_unavailable'],
    ['an answer that is no approval', [200, { hello: 1 }], 'store_unavailable'],
    ['an answer that is no JSON at all', [401, undefined], 'store_unavailable'],
  ])('%s', async (_name, step, code) => {
    await expect(approved(waiting(), api(step).options)).rejects.toMatchObject({ code })
  })

  test.each([
    [null],
    ['https://evil.example/approvals/apr_1'],
    ['//evil.example/a'],
    ['http://crm.example/a'],
  ])('where the answer leads to %s, and nothing is sent there', async (location) => {
    const { asked, options } = api()
    await expect(approved(waiting(location), options)).rejects.toMatchObject({ code: 'input_invalid' })
    expect(asked).toEqual([])
  })

  test('when it is given up, also between two looks', async () => {
    const given = new AbortController()
    const { options } = api([200, { status: 'pending' }])
    const { sleep: _, ...rest } = options
    const following = approved(waiting(), { ...rest, signal: given.signal })
    following.catch(() => undefined)
    for (let i = 0; i < 20; i++) await Promise.resolve()
    given.abort(new Error('enough'))
    await expect(following).rejects.toThrow('enough')
  })
})
