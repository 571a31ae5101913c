import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.js'
import { failingStore } from '../../src/testing/failing-store.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { slowStore } from '../../src/testing/slow-store.js'
import { storeSuite } from '../../src/testing/store-suite.js'
import { storeCalls } from '../../src/testing/store-wrapper.js'
import { add, commitAll } from '../../src/testing/suite/probe.js'
import { digestOf, insertKey } from '../../src/testing/suite/records.js'

describe('slowStore', () => {
  it('answers what the store answers, by a promise and after its time', async () => {
    const clock = manualClock()
    const inner = memoryStore({ clock })
    const slow = slowStore(inner, { clock, latency: (call) => (call === 'commit' ? 0 : 20) })
    await commitAll(slow, ...insertKey(1))
    let answer: unknown = 'none yet'
    void Promise.resolve(slow.findCredential(digestOf(1))).then((row) => (answer = row))
    await clock.advance(19)
    expect(answer).toBe('none yet')
    await clock.advance(1)
    expect(answer).toBe(inner.findCredential(digestOf(1)))
  })

  it('can be slow on the way there, on the way back, or both', async () => {
    const clock = manualClock()
    const inner = failingStore(memoryStore({ clock }))
    const slow = slowStore(inner.store, { clock, latency: () => ({ before: 10, after: 5 }) })
    let done = false
    void Promise.resolve(slow.commit([])).then(() => (done = true))
    await clock.advance(9)
    expect(inner.calls('commit')).toBe(0)
    await clock.advance(1)
    expect([inner.calls('commit'), done]).toEqual([1, false])
    await clock.advance(5)
    expect(done).toBe(true)
  })

  it('says that it is not synchronous, and what freshness it is told to say', () => {
    const clock = manualClock()
    const latency = () => 0
    expect(slowStore(memoryStore(), { clock, latency })).toMatchObject({
      freshness: 'exclusive',
      synchronous: false,
      name: 'memory',
    })
    expect(slowStore(memoryStore(), { clock, latency, freshness: 'cached' }).freshness).toBe('cached')
  })

  it('hands errors on after their time', async () => {
    const clock = manualClock()
    const inner = failingStore(memoryStore({ clock }))
    inner.trouble('findKey', { by: 'throw' })
    const slow = slowStore(inner.store, { clock, latency: () => 3 })
    const failed = Promise.resolve(slow.findKey('ws_1', 'x')).catch((error: unknown) => error)
    await clock.advance(3)
    expect(await failed).toMatchObject({ code: 'store_unavailable' })
  })
})

describe('failingStore', () => {
  it('goes wrong in every way it is told to, for one call alone, until it is healed', async () => {
    const failing = failingStore(memoryStore())
    const { store } = failing
    await commitAll(store, ...insertKey(1))
    const find = () => store.findCredential(digestOf(1))

    failing.trouble('findCredential', { by: 'throw', error: new Error('driver text') })
    expect(find).toThrow('driver text')
    failing.trouble('findCredential', { by: 'reject' })
    await expect(find()).rejects.toMatchObject({ code: 'store_unavailable' })
    failing.trouble('findCredential', { by: 'answer', answer: { secret: null } })
    expect(find()).toEqual({ secret: null })
    failing.trouble('findCredential', { by: 'hang' })
    expect(await Promise.race([find(), 'nothing'])).toBe('nothing')
    expect(await store.findCredentials([digestOf(1)])).toHaveLength(1)
    failing.heal('findCredential')
    expect(find()).toMatchObject({ key: { name: 'Key 1' } })
    expect(failing.calls('findCredential')).toBe(5)
  })

  it('goes well again after so many times', () => {
    const failing = failingStore(memoryStore())
    failing.trouble('countSecrets', { by: 'throw', times: 2 })
    expect(() => failing.store.countSecrets()).toThrow()
    expect(() => failing.store.countSecrets()).toThrow()
    expect(failing.store.countSecrets()).toEqual(new Map())
  })

  it('can lose the answer of what was done all the same', async () => {
    const failing = failingStore(memoryStore())
    for (const by of ['reject', 'hang', 'answer'] as const) {
      failing.trouble('commit', { by, late: true, times: 1, answer: undefined })
      await Promise.race([Promise.resolve(failing.store.commit([add('n', 1)])).catch(() => null), null])
    }
    await Promise.resolve()
    expect(failing.store.commit([add('n', 1, 3)])).toEqual({ ok: false, failed: 0, why: 'limit' })
    failing.trouble('purge', { by: 'throw' })
    failing.heal()
    expect(failing.store.purge({ now: 0, limit: 1 })).toBe(0)
  })

  it('knows every call that a store has', () => {
    const calls = Object.entries(memoryStore()).filter(([, value]) => typeof value === 'function')
    const names = [...calls.map(([name]) => name), 'commitWith']
    expect(names.sort()).toEqual([...storeCalls].sort())
  })
})

describe('the suite', () => {
  it('passes on a store at a distance as well', async () => {
    const instant = { ...manualClock(), sleep: () => Promise.resolve() }
    for (const { needs, run } of storeSuite()) {
      if (needs && needs !== 'clock') continue
      await run(() => {
        const clock = manualClock()
        return { store: slowStore(memoryStore({ clock }), { clock: instant, latency: () => 1 }), clock }
      })
    }
  })

  it('says what it lacks where a case is run without what it needs', async () => {
    const needing = storeSuite().filter(({ needs }) => needs)
    expect(needing.length).toBeGreaterThanOrEqual(4)
    for (const { needs, run } of needing) {
      await expect(run(() => ({ store: memoryStore() }))).rejects.toThrow(`needs the capability "${needs}"`)
    }
  })
})
