import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CredentialRow } from '../../src/core/key.js'
import { isPromise } from '../../src/core/maybe-promise.js'
import type { Freshness, Store } from '../../src/ports/store.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { slowStore } from '../../src/testing/slow-store.js'
import { admin, sample } from './sample.js'

/** Instances of a host on one store that is far away. */
async function farm(freshness: Freshness, latency: (call: string) => { before?: number; after?: number }) {
  const clock = manualClock()
  const inner = memoryStore({ clock })
  let reads = 0
  // A row that travels is a copy: in this process it would show every later change by itself.
  const counted: Store = {
    ...inner,
    findCredentials: async (digests) => {
      reads++
      return (await inner.findCredentials(digests)).map((row) => ({ ...row }))
    },
    findCredentialById: async (id) => {
      const row = await inner.findCredentialById(id)
      return row && { ...row }
    },
  }
  async function instance(options: object = {}) {
    const store = slowStore(counted, { clock, latency, freshness })
    const { keyrung } = sample({ store, clock, ...options })
    await passing(keyrung.ready())
    return keyrung
  }
  /** Lets time pass until something is done. */
  async function passing<T>(work: Promise<T>): Promise<T> {
    const state = { done: false }
    const settled = work.finally(() => (state.done = true))
    settled.catch(() => undefined)
    while (!state.done) await clock.advance(1)
    return settled
  }
  return { clock, inner, instance, passing, reads: () => reads }
}

type Instance = Awaited<ReturnType<Awaited<ReturnType<typeof farm>>['instance']>>

async function codeOf(keyrung: Instance, secret: string): Promise<string> {
  const known = await keyrung.authenticate(secret)
  return known.ok ? 'ok' : known.code
}

const soon = () => ({ before: 5, after: 5 })

describe('promise 1: revoked means revoked, on every instance, whatever is cached', () => {
  const changes: [string, (keyrung: Instance, id: string) => Promise<unknown>, string][] = [
    ['revoke', (keyrung, id) => keyrung.keys.revoke(admin, id), 'key_revoked'],
    ['delete', (keyrung, id) => keyrung.keys.delete(admin, id), 'credential_invalid'],
    [
      'rotate without grace',
      (keyrung, id) => keyrung.keys.rotate(admin, id, { graceMs: 0 }),
      'secret_rotated',
    ],
    [
      'edit of the allow-list',
      (keyrung, id) => keyrung.keys.edit(admin, id, { addressRules: ['192.0.2.1'] }, { version: 1 }),
      'address_denied',
    ],
  ]
  test.each(changes)('%s', async (_, change, code) => {
    const { clock, instance, passing } = await farm('cached', soon)
    const [here, there] = [await instance(), await instance()]
    const { key, secret } = await passing(here.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }))
    for (const one of [here, there]) expect(await passing(codeOf(one, secret))).toBe('ok')
    const state = { returned: false }
    const changing = change(here, key.id).finally(() => (state.returned = true))
    const seen = new Set<string>()
    while (!state.returned) {
      // A busy key: its lease is renewed over and over while the change is waiting.
      seen.add(await passing(codeOf(there, secret)))
      await clock.advance(7)
    }
    await changing
    expect(seen).toContain('ok')
    for (const one of [here, there]) expect(await passing(codeOf(one, secret))).toBe(code)
  })

  test('activate: a refusal is cached no longer than an admission', async () => {
    const { instance, passing } = await farm('cached', soon)
    const [here, there] = [await instance(), await instance()]
    const { key, secret } = await passing(here.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }))
    await passing(here.keys.revoke(admin, key.id))
    expect(await passing(codeOf(there, secret))).toBe('key_revoked')
    await passing(here.keys.activate(admin, key.id))
    expect(await passing(codeOf(there, secret))).toBe('ok')
  })

  test('a read that takes longer than the lease decides for nobody who came later', async () => {
    let after = 0
    const { clock, instance, passing } = await farm('cached', (call) =>
      call === 'findCredentials' ? { after } : {},
    )
    const [here, there] = [await instance(), await instance({ storeTimeoutMs: 60_000 })]
    const { key, secret } = await passing(here.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }))
    after = 5_000
    const early = codeOf(there, secret)
    await clock.advance(1)
    await passing(here.keys.revoke(admin, key.id))
    after = 0
    expect(await passing(codeOf(there, secret))).toBe('key_revoked')
    expect(await passing(early)).toBe('ok')
    expect(await passing(codeOf(there, secret))).toBe('key_revoked')
  })

  test('an instance that was paused, or whose wall clock was stepped, finds its lease over', async () => {
    const { clock, instance, passing } = await farm('cached', () => ({}))
    const [here, there] = [await instance(), await instance()]
    const { key, secret } = await passing(here.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }))
    expect(await passing(codeOf(there, secret))).toBe('ok')
    const revoking = here.keys.revoke(admin, key.id)
    clock.step(-3_600_000)
    await passing(revoking)
    expect(await passing(codeOf(there, secret))).toBe('key_revoked')
  })

  test('under any schedule of reads, latencies and clock steps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            wait: fc.nat(400),
            latency: fc.nat(1_500),
            step: fc.integer({ min: -5_000, max: 5_000 }),
          }),
          {
            minLength: 3,
            maxLength: 12,
          },
        ),
        async (rounds) => {
          let latency = 0
          const { clock, instance, passing } = await farm('cached', (call) =>
            call === 'findCredentials'
              ? { before: latency >> 1, after: latency - (latency >> 1) }
              : { before: 3 },
          )
          const [here, there] = [await instance(), await instance({ storeTimeoutMs: 60_000 })]
          const { key, secret } = await passing(
            here.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }),
          )
          let revokedBefore = Infinity
          let calls = 0
          const answers: Promise<string | undefined>[] = []
          const revokeAt = rounds.length >> 1
          let revoking: Promise<void> | undefined
          const ask = () => {
            const began = calls++
            const isAfter = revokedBefore <= began
            answers.push(
              codeOf(there, secret).then((code) =>
                isAfter && code === 'ok' ? `call ${began} was let in` : undefined,
              ),
            )
          }
          for (const [i, round] of rounds.entries()) {
            latency = round.latency
            ask()
            if (i === revokeAt)
              revoking = here.keys.revoke(admin, key.id).then(() => void (revokedBefore = calls))
            await clock.advance(round.wait)
            clock.step(round.step)
            ask()
          }
          await passing(revoking!)
          ask()
          const wrong = (await passing(Promise.all(answers))).filter((answer) => answer !== undefined)
          expect(wrong).toEqual([])
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('promise 1 for plans and roles: changed', () => {
  test('a downgrade bites on the next request after changed has returned', async () => {
    let plan: { access: boolean; ceilings: string[] } = { access: true, ceilings: ['contacts:delete'] }
    const { instance, passing } = await farm('cached', soon)
    const entitlements = { of: async () => plan }
    const [here, there] = [await instance({ entitlements }), await instance({ entitlements })]
    const { secret } = await passing(here.keys.create(admin, { name: 'A', scopes: ['contacts:write'] }))
    const ask = (one: Instance) =>
      passing(
        (async () => one.admit({ authorization: [`Bearer ${secret}`] }, one.demand('contacts:write')))(),
      )
    for (const one of [here, there]) expect(await ask(one)).toMatchObject({ ok: true })
    plan = { access: true, ceilings: ['contacts:read'] }
    await passing(here.changed({ workspaceId: 'ws_1' }))
    for (const one of [here, there]) expect(await ask(one)).toMatchObject({ ok: false, code: 'not_entitled' })
  })
})

describe('the cache', () => {
  test('answers without a promise while a lease lasts, and asks once for all of one tick', async () => {
    const { instance, passing, reads } = await farm('cached', soon)
    const keyrung = await instance()
    const made = await Promise.all(
      ['A', 'B', 'C'].map((name) => passing(keyrung.keys.create(admin, { name, scopes: ['contacts:read'] }))),
    )
    const before = reads()
    const answers = made.flatMap(({ secret }) => [keyrung.authenticate(secret), keyrung.authenticate(secret)])
    expect(answers.every(isPromise)).toBe(true)
    expect(await passing(Promise.all(answers))).toMatchObject(Array.from({ length: 6 }, () => ({ ok: true })))
    expect(reads() - before).toBe(1)
    for (const { secret } of made) expect(isPromise(keyrung.authenticate(secret))).toBe(false)
  })

  test('holds digests and never a secret; unknown ones evict no known one', async () => {
    const { instance, passing, reads } = await farm('cached', () => ({}))
    const keyrung = await instance({ cache: { max: 2, maxUnknown: 2 } })
    const { keyrung: stranger } = sample()
    const { secret } = await passing(keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }))
    expect(await passing(codeOf(keyrung, secret))).toBe('ok')
    for (let i = 0; i < 20; i++) {
      const { secret: unknown } = await stranger.keys.create(admin, {
        name: `S${i}`,
        scopes: ['contacts:read'],
      })
      expect(await passing(codeOf(keyrung, unknown))).toBe('credential_invalid')
    }
    const before = reads()
    expect(isPromise(keyrung.authenticate(secret))).toBe(false)
    expect(reads()).toBe(before)
  })

  test('a principal that was kept goes through the same lease', async () => {
    const { instance, passing } = await farm('cached', soon)
    const [here, there] = [await instance(), await instance()]
    const { key, secret } = await passing(here.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }))
    const known = await passing((async () => there.authenticate(secret))())
    if (!known.ok) throw new Error(known.code)
    const ask = () => passing((async () => there.authorize(known.principal, 'contacts:read'))())
    expect(await ask()).toMatchObject({ effect: 'allow' })
    await passing(here.keys.revoke(admin, key.id))
    expect(await ask()).toMatchObject({ effect: 'deny', code: 'key_revoked' })
  })
})

test('strict: an asynchronous store is asked with every check, and a change waits for nothing', async () => {
  const { clock, instance, passing, reads } = await farm('strict', soon)
  const [here, there] = [await instance(), await instance()]
  const { key, secret } = await passing(here.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }))
  const before = reads()
  for (let i = 0; i < 3; i++) expect(await passing(codeOf(there, secret))).toBe('ok')
  expect(reads() - before).toBe(3)
  const start = clock.monotonic()
  await passing(here.keys.revoke(admin, key.id))
  expect(clock.monotonic() - start).toBeLessThan(200)
  expect(await passing(codeOf(there, secret))).toBe('key_revoked')
})

test('a strict instance still waits for the cached ones beside it', async () => {
  const { instance, passing } = await farm('strict', () => ({}))
  const [cached, strict] = [await instance({ freshness: 'cached' }), await instance()]
  const { key, secret } = await passing(strict.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }))
  expect(await passing(codeOf(cached, secret))).toBe('ok')
  await passing(strict.keys.revoke(admin, key.id))
  expect(await passing(codeOf(cached, secret))).toBe('key_revoked')
})

test.each<[string, (row: CredentialRow) => unknown]>([
  ['a row that nobody asked for', (row) => [{ ...row, secret: { ...row.secret, digest: 'x'.repeat(32) } }]],
  ['a row without its secret', ({ key }) => [{ key }]],
  ['nothing where a row should be', () => [undefined]],
  ['no list', (row) => row],
])('an asynchronous store that answers %s is an outage, not an unknown key', async (_, change) => {
  const { clock, inner, passing } = await farm('strict', soon)
  const { keyrung } = sample({
    clock,
    store: {
      ...{ ...inner, synchronous: false, freshness: 'strict' },
      findCredentials: async (digests) => {
        const [row] = await inner.findCredentials(digests)
        return change(row!) as CredentialRow[]
      },
    },
  })
  const { secret } = await passing(keyrung.keys.create(admin, { name: 'A', scopes: ['contacts:read'] }))
  await expect(passing(codeOf(keyrung, secret))).rejects.toMatchObject({ code: 'store_unavailable' })
})
