import { describe, expect, test } from 'vitest'
import type { Freshness, Store } from '../../src/ports/store.js'
import type { ManualClock } from '../../src/testing/manual-clock.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { randomLatency } from '../../src/testing/random-latency.js'
import { seededLot } from '../../src/testing/lot.js'
import { slowStore } from '../../src/testing/slow-store.js'
import { stores } from './keys/stores.js'
import { admin, sample } from './sample.js'

const older = 'the older secret of the host, long enough'
const newer = 'the newer secret of the host, long enough'

/** A store that notes which secrets were moved to which host secret, and how often that was tried. */
function watchMoves(inner: Store) {
  const moved: string[] = []
  const count = { tried: 0 }
  const store: Store = {
    ...inner,
    async commit(changes) {
      const move = changes.find((change) => change.do === 'update' && change.type === 'secret')
      if (move !== undefined) count.tried++
      const result = await inner.commit(changes)
      if (move?.do === 'update' && result.ok) moved.push(move.id)
      return result
    },
    // What travels is a copy, which no later change shows in.
    findCredentials: async (digests) => (await inner.findCredentials(digests)).map((row) => ({ ...row })),
  }
  return { store, moved, count }
}

/** Lets time pass until something is done. */
async function passing<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  const state = { done: false }
  const settled = work.finally(() => (state.done = true))
  settled.catch(() => undefined)
  while (!state.done) await clock.advance(1)
  return settled
}

const ways = stores.flatMap(([name, make]) =>
  (['strict', 'cached'] as const).map((freshness) => [name, freshness, make] as const),
)

describe.each(ways)('on the %s store, %s', (_, freshness: Freshness, make) => {
  async function farm(seed: number) {
    const clock = manualClock()
    const { store, moved, count } = watchMoves(await make(clock))
    const latency = randomLatency({ medianMs: 2, p99Ms: 40, seed })
    async function instance(secret: string | readonly string[]) {
      const slow = slowStore(store, { clock, latency, freshness })
      const { keyrung } = sample({ clock, store: slow, secret, leaseMs: 100 })
      await passing(clock, keyrung.ready())
      return keyrung
    }
    return { clock, instance, moved, count }
  }

  test.each([1, 2, 3])(
    'instances that write with either secret refuse no key, and move each once at the most (seed %i)',
    async (seed) => {
      const { clock, instance, moved, count } = await farm(seed)
      const lot = seededLot(seed)
      const before = await instance(older)
      const secrets: string[] = []
      for (let i = 0; i < 12; i++) {
        const made = before.keys.create(admin, { name: `Key ${i}`, scopes: ['contacts:read'] })
        secrets.push((await passing(clock, made)).secret)
      }
      const instances = [
        await instance([older, newer]),
        await instance([newer, older]),
        await instance([older, newer]),
      ]
      const codes: Promise<string>[] = []
      for (let i = 0; i < 2_000; i++) {
        const one = instances[Math.floor(lot() * instances.length)]!
        if (i % 200 === 0) {
          const made = one.keys.create(admin, { name: `Late ${i}`, scopes: ['contacts:read'] })
          secrets.push((await passing(clock, made)).secret)
        }
        const secret = secrets[Math.floor(lot() * secrets.length)]!
        const check = Promise.resolve(one.authenticate(secret))
        codes.push(check.then((known) => (known.ok ? 'ok' : known.code)))
        if (lot() < 0.4) await clock.advance(Math.ceil(lot() * 12))
      }
      expect(new Set(await passing(clock, Promise.all(codes)))).toEqual(new Set(['ok']))
      await clock.advance(1_000)
      expect(moved.length).toBeGreaterThanOrEqual(12)
      expect(new Set(moved).size).toBe(moved.length)
      expect(count.tried).toBeLessThanOrEqual(2 * secrets.length)

      // The older one can go, once all are moved.
      for (const secret of secrets) await passing(clock, Promise.resolve(instances[1]!.authenticate(secret)))
      await clock.advance(1_000)
      const last = await instance(newer)
      for (const secret of secrets) {
        expect(await passing(clock, Promise.resolve(last.authenticate(secret)))).toMatchObject({ ok: true })
      }
    },
  )
})
