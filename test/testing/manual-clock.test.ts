import { describe, expect, it } from 'vitest'
import { createKeyrung } from '../../src/service/create-keyrung.js'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { admin, catalog, hostSecret } from '../service/sample.js'

describe('manualClock', () => {
  it('stands still until it is moved, and moves both clocks together', async () => {
    const clock = manualClock(1_800_000_000_000)
    const [wall, passed] = [clock.now(), clock.monotonic()]
    expect(wall).toBe(1_800_000_000_000)
    await clock.advance(1_500)
    expect([clock.now() - wall, clock.monotonic() - passed]).toEqual([1_500, 1_500])
  })

  it('steps the wall clock alone, in both directions, and wakes nobody by it', async () => {
    const clock = manualClock()
    const [wall, passed] = [clock.now(), clock.monotonic()]
    let woken = false
    void clock.sleep(10).then(() => (woken = true))
    clock.step(3_600_000)
    clock.step(-7_200_000)
    await clock.advance(0)
    expect([clock.now() - wall, clock.monotonic() - passed, woken]).toEqual([-3_600_000, 0, false])
  })

  it('lets pass what some work waits for, and no more', async () => {
    const clock = manualClock()
    const start = clock.now()
    const work = async () => {
      await clock.sleep(1_000)
      await clock.sleep(500)
      return 'done'
    }
    void clock.sleep(10_000)
    expect(await clock.during(work())).toBe('done')
    expect([clock.now() - start, clock.sleepers]).toEqual([1_500, 1])
    const fault = new Error('it failed')
    await expect(clock.during(clock.sleep(5).then(() => Promise.reject(fault)))).rejects.toBe(fault)
  })

  it('brings changes on a cached store to their end', async () => {
    const clock = manualClock()
    const keyrung = createKeyrung({
      ...{ catalog, clock, store: { ...memoryStore({ clock }), freshness: 'cached' }, secret: hostSecret },
      ...{ keys: { prefix: 'tp' }, freshness: 'cached' },
    })
    await keyrung.ready()
    const { key, secret } = await clock.during(
      keyrung.keys.create(admin, { name: 'cached', scopes: ['contacts:read'] }),
    )
    await clock.during(keyrung.keys.revoke(admin, key.id))
    expect(await keyrung.authenticate(secret)).toEqual({ ok: false, code: 'key_revoked' })
  })

  it('wakes sleepers in the order of their instants, each at its own', async () => {
    const clock = manualClock()
    const start = clock.now()
    const log: string[] = []
    for (const ms of [30, 10, 20, 10]) {
      void clock.sleep(ms).then(() => log.push(`${ms} at ${clock.now() - start}`))
    }
    await clock.advance(25)
    expect(log).toEqual(['10 at 10', '10 at 10', '20 at 20'])
    expect(clock.sleepers).toBe(1)
    await clock.advance(5)
    expect(log.at(-1)).toBe('30 at 30')
    expect(clock.sleepers).toBe(0)
  })

  it('lets what a sleeper does next happen before the next one wakes, new sleeps included', async () => {
    const clock = manualClock()
    const start = clock.monotonic()
    const log: number[] = []
    async function tick(): Promise<void> {
      for (let i = 0; i < 5; i++) {
        await clock.sleep(10)
        await Promise.resolve()
        await new Promise((resolve) => setImmediate(resolve))
        log.push(clock.monotonic() - start)
      }
    }
    const done = tick()
    await clock.advance(45)
    expect(log).toEqual([10, 20, 30, 40])
    await clock.advance(5)
    await done
    expect(log).toEqual([10, 20, 30, 40, 50])
  })

  it('ends a sleep early when its signal is aborted, without moving time, and never rejects', async () => {
    const clock = manualClock()
    const start = clock.monotonic()
    const over = new AbortController()
    const sleep = clock.sleep(1_000, over.signal)
    expect(clock.sleepers).toBe(1)
    over.abort()
    await sleep
    expect([clock.monotonic() - start, clock.sleepers]).toEqual([0, 0])
    await clock.sleep(1_000, over.signal)
    await clock.sleep(0)
  })

  it('rings a timer once at its instant, in turn with those who sleep, and not if it was called off', async () => {
    const clock = manualClock()
    const log: string[] = []
    clock.after(20, () => log.push('timer'))
    void clock.sleep(10).then(() => log.push('sleeper'))
    const callOff = clock.after(15, () => log.push('called off'))
    expect(clock.sleepers).toBe(3)
    callOff()
    await clock.advance(30)
    expect(log).toEqual(['sleeper', 'timer'])
    callOff()
    expect(clock.sleepers).toBe(0)
  })

  it('refuses what is no time', async () => {
    const refused = expect.objectContaining({ code: 'input_invalid' }) as unknown
    for (const start of [Number.NaN, Infinity, 1.5, '2026', 1_800_000_000]) {
      expect(() => manualClock(start as number)).toThrow(refused as Error)
    }
    const clock = manualClock()
    for (const ms of [Number.NaN, Infinity, -1, 0.5, '10']) {
      await expect(clock.advance(ms as number)).rejects.toEqual(refused)
    }
    for (const ms of [Number.NaN, Infinity, 0.5, '10']) {
      expect(() => clock.step(ms as number)).toThrow(refused as Error)
    }
    for (const ms of [Number.NaN, -1]) {
      expect(() => clock.sleep(ms)).toThrow(refused as Error)
      expect(() => clock.after(ms, () => undefined)).toThrow(refused as Error)
    }
  })
})
