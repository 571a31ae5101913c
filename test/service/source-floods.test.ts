import { describe, expect, test } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { ladders } from '../../src/core/ladder.js'
import { createKeyFormat } from '../../src/crypto/key-format.js'
import { systemEntropy } from '../../src/crypto/random.js'
import type { Store } from '../../src/ports/store.js'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import type { KeyrungOptions } from '../../src/service/options.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'

const catalog = defineCatalog({ resources: { contacts: { ladder: ladders.crud } } })
const operator = { type: 'system', name: 'test', workspaceId: 'ws_1' } as const
const five = { name: 'failures', limit: 5, windowMs: 60_000 } as const

/** How the store answers, and how fresh it is held: every way that credentials are looked up in. */
const ways = {
  exclusive: { freshness: 'exclusive', synchronous: true },
  'strict, at once': { freshness: 'strict', synchronous: true },
  'strict, by promises': { freshness: 'strict', synchronous: false },
  cached: { freshness: 'cached', synchronous: false },
} as const

async function hostOf(way: keyof typeof ways, options: Partial<KeyrungOptions<typeof catalog>> = {}) {
  const clock = manualClock()
  const inner = memoryStore({ clock })
  const asked: string[] = []
  const store: Store = {
    ...inner,
    ...ways[way],
    findCredential(digest) {
      asked.push(digest)
      return inner.findCredential(digest)
    },
    async findCredentials(digests) {
      asked.push(...digests)
      return inner.findCredentials(digests)
    },
  }
  const keyrung = createKeyrung({
    ...{ catalog, clock, store, notify: () => undefined, limits: { sources: five } },
    secret: 'a secret of the host, for tests only',
    keys: { prefix: 'tp', environments: ['live', 'test'] },
    ...options,
  })
  await keyrung.ready({ migrate: true })
  const demand = keyrung.demand('contacts:read')
  const present = (secret: string, address: string | undefined = '192.0.2.1') =>
    keyrung.admit({ authorization: [`Bearer ${secret}`], address }, demand)
  const codeOf = async (secret: string, address?: string) => {
    const admission = await present(secret, address)
    return admission.ok ? 'ok' : admission.code
  }
  const makeKey = async () => {
    const { key, secret } = await keyrung.keys.create(operator, { name: 'test', scopes: ['contacts:read'] })
    return { id: key.id, secret }
  }
  const unknown = () => keyrung.keyFormat.mint('live', systemEntropy)
  async function flood(times: number, address?: string) {
    for (let i = 0; i < times; i++) await present(unknown(), address)
  }
  return { asked, clock, codeOf, flood, keyrung, makeKey, present, unknown }
}

describe.each(Object.keys(ways) as (keyof typeof ways)[])('on a store that is %s', (way) => {
  test('a flood of unknown keys is told 401 as often as the limit says, then 429', async () => {
    const { codeOf, unknown } = await hostOf(way)
    const codes: string[] = []
    for (let i = 0; i < 20; i++) codes.push(await codeOf(unknown()))
    expect(codes).toEqual(Array.from({ length: 20 }, (_, i) => (i < 5 ? 'credential_invalid' : 'limited')))
  })

  test('a key that is known good passes while the allowance of its source is used up', async () => {
    const { codeOf, flood, makeKey } = await hostOf(way)
    const { secret } = await makeKey()
    expect(await codeOf(secret)).toBe('ok')
    await flood(50)
    expect(await codeOf(secret)).toBe('ok')
  })

  test('it still does when its lease is over', async () => {
    const { clock, codeOf, flood, makeKey } = await hostOf(way)
    const { secret } = await makeKey()
    expect(await codeOf(secret)).toBe('ok')
    await clock.advance(10_000)
    await flood(50)
    expect(await codeOf(secret)).toBe('ok')
  })

  test('a key of another source passes, known or not', async () => {
    const { codeOf, flood, makeKey } = await hostOf(way)
    const { secret } = await makeKey()
    await flood(50)
    expect(await codeOf(secret, '192.0.2.2')).toBe('ok')
  })

  test('a good key without an address passes in any flood, known or not; bad ones get 429', async () => {
    const { keyrung, makeKey, unknown } = await hostOf(way)
    const kinds = [unknown, () => 'junk', () => unknown().slice(0, -1)]
    for (const address of [undefined, '', 'unknown']) {
      const codeOf = async (secret: string) => {
        const request = { authorization: [`Bearer ${secret}`], address }
        const admission = await keyrung.admit(request, keyrung.demand('contacts:read'))
        return admission.ok ? 'ok' : admission.code
      }
      for (let i = 0; i < 60; i++) await codeOf(kinds[i % 3]!())
      const { secret } = await makeKey()
      expect(await codeOf(secret)).toBe('ok')
      for (const kind of kinds) expect(await codeOf(kind())).toBe('limited')
      const other = await makeKey()
      expect(await keyrung.authenticate(other.secret)).toMatchObject({ ok: true })
      expect(await keyrung.authenticate(unknown())).toMatchObject({ ok: false, code: 'limited' })
    }
  })

  test('everyone passes again when the allowance is back', async () => {
    const { clock, codeOf, flood, makeKey, unknown } = await hostOf(way)
    const { secret } = await makeKey()
    await flood(50)
    await clock.advance(61_000)
    expect(await codeOf(secret)).toBe('ok')
    expect(await codeOf(unknown())).toBe('credential_invalid')
  })

  test('a key that was revoked is told so; one that was deleted is refused like any other', async () => {
    const { clock, codeOf, flood, keyrung, makeKey } = await hostOf(way)
    const [revoked, deleted] = [await makeKey(), await makeKey()]
    for (const { secret } of [revoked, deleted]) expect(await codeOf(secret)).toBe('ok')
    const changes = [keyrung.keys.revoke(operator, revoked.id), keyrung.keys.delete(operator, deleted.id)]
    await clock.advance(3_000)
    await Promise.all(changes)
    await flood(50)
    expect(await codeOf(revoked.secret)).toBe('key_revoked')
    expect(await codeOf(deleted.secret)).toBe('limited')
  })

  test('unknown, malformed and wrong-environment keys cost the same and are answered alike', async () => {
    const foreign = createKeyFormat({ prefix: 'tp', environments: ['staging'] })
    const kinds = (mint: () => string) => [
      mint,
      () => 'junk',
      () => mint().slice(0, -1),
      () => foreign.mint('staging', systemEntropy),
    ]
    const answers: string[] = []
    for (const kind of kinds(() => '').keys()) {
      const { present, unknown } = await hostOf(way)
      const seen: unknown[] = []
      for (let i = 0; i < 8; i++) seen.push(await present(kinds(unknown)[kind]!()))
      answers.push(JSON.stringify(seen))
    }
    expect(new Set(answers).size, answers.join('\n')).toBe(1)
    expect(answers[0]).toContain('"code":"limited"')
  })

  test('with no limit nobody is refused for it', async () => {
    const { codeOf, flood, unknown } = await hostOf(way, { limits: { sources: false } })
    await flood(200)
    expect(await codeOf(unknown())).toBe('credential_invalid')
  })
})

describe.each(['strict, at once', 'strict, by promises', 'cached'] as const)('a store that is %s', (way) => {
  test('is not asked about unknown keys any more once the allowance is used up', async () => {
    const { asked, flood } = await hostOf(way)
    await flood(5)
    expect(asked).toHaveLength(5)
    await flood(500)
    expect(asked).toHaveLength(5)
  })

  test('is not asked about a key that it may have and that was not seen before', async () => {
    const { asked, codeOf, flood, makeKey } = await hostOf(way)
    const { secret } = await makeKey()
    await flood(5)
    asked.length = 0
    expect(await codeOf(secret)).toBe('limited')
    expect(asked).toEqual([])
  })

  test('is asked about a deleted key once at the most', async () => {
    const { asked, clock, codeOf, flood, keyrung, makeKey } = await hostOf(way)
    const { id, secret } = await makeKey()
    await codeOf(secret)
    const change = keyrung.keys.delete(operator, id)
    await clock.advance(3_000)
    await change
    await flood(5)
    asked.length = 0
    for (let i = 0; i < 10; i++) expect(await codeOf(secret)).toBe('limited')
    expect(asked.length).toBeLessThanOrEqual(1)
  })
})

test('while secrets rotate, a key under the older one is known good too', async () => {
  const [older, newer] = [
    'the older secret of the host, long enough',
    'the newer secret of the host, long enough',
  ]
  const { codeOf, flood, makeKey } = await hostOf('strict, by promises', { secret: [older, newer] })
  const { secret } = await makeKey()
  expect(await codeOf(secret)).toBe('ok')
  await flood(50)
  expect(await codeOf(secret)).toBe('ok')
})

describe('what is counted', () => {
  test('is a credential under another scheme too, and neither none nor two of them', async () => {
    const { keyrung } = await hostOf('exclusive')
    const demand = keyrung.demand('contacts:read')
    const codes = async (authorization: string[]) => {
      const seen = new Set<string>()
      for (let i = 0; i < 10; i++) {
        const admission = await keyrung.admit({ authorization, address: '192.0.2.9' }, demand)
        seen.add(admission.ok ? 'ok' : admission.code)
      }
      return [...seen]
    }
    expect(await codes([])).toEqual(['credential_missing'])
    expect(await codes(['Bearer a', 'Bearer b'])).toEqual(['credential_repeated'])
    expect(await codes(['Basic eDp5'])).toEqual(['credential_invalid', 'limited'])
  })

  test('is not a key that is refused for what it is: revoked, expired, or from another address', async () => {
    const { codeOf, keyrung, unknown } = await hostOf('exclusive')
    const { key, secret } = await keyrung.keys.create(operator, {
      ...{ name: 'test', scopes: ['contacts:read'], addressRules: ['10.0.0.0/8'] },
    })
    for (let i = 0; i < 20; i++) expect(await codeOf(secret)).toBe('address_denied')
    await keyrung.keys.revoke(operator, key.id)
    for (let i = 0; i < 20; i++) expect(await codeOf(secret)).toBe('key_revoked')
    expect(await codeOf(unknown())).toBe('credential_invalid')
  })

  test('is what authenticate is given too, of the same source', async () => {
    const { codeOf, keyrung, makeKey, unknown } = await hostOf('strict, by promises')
    const { secret } = await makeKey()
    const ip = '192.0.2.1'
    for (let i = 0; i < 5; i++) {
      expect(await keyrung.authenticate(unknown(), { ip })).toEqual({ ok: false, code: 'credential_invalid' })
    }
    expect(await keyrung.authenticate('junk', { ip })).toMatchObject({ ok: false, code: 'limited' })
    expect(await keyrung.authenticate(secret, { ip })).toMatchObject({ code: 'limited', limits: {} })
    expect(await keyrung.authenticate(secret, { ip: '192.0.2.2' })).toMatchObject({ ok: true })
    expect(await codeOf(unknown())).toBe('limited')
  })
})

test('a burst of unknown keys is asked about together, and answered 401 no more often than the limit says', async () => {
  const { present, unknown } = await hostOf('cached')
  const admissions = await Promise.all(Array.from({ length: 100 }, () => present(unknown())))
  const refusals = admissions.map((admission) => (admission.ok ? 'ok' : admission.code))
  expect(refusals.filter((code) => code === 'credential_invalid')).toHaveLength(5)
  expect(refusals.filter((code) => code === 'limited')).toHaveLength(95)
})
