import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.js'
import { failingStore } from '../../src/testing/failing-store.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { add, expectCounter } from '../../src/testing/suite/probe.js'
import type { Trouble } from '../../src/testing/trouble.js'

/** Which of so many calls went wrong. */
async function fates(seed: number, chance: number, calls: number): Promise<readonly boolean[]> {
  const failing = failingStore(memoryStore(), { seed })
  failing.trouble('countMessages', { by: 'reject', chance })
  const fate: boolean[] = []
  for (let i = 0; i < calls; i++) {
    fate.push(await isFailing(() => failing.store.countMessages()))
  }
  return fate
}

async function isFailing(ask: () => unknown): Promise<boolean> {
  try {
    await ask()
    return false
  } catch {
    return true
  }
}

describe('faults by lot', () => {
  it('are the same with the same seed, and others with another', async () => {
    expect(await fates(7, 0.5, 64)).toEqual(await fates(7, 0.5, 64))
    expect(await fates(7, 0.5, 64)).not.toEqual(await fates(8, 0.5, 64))
  })

  it('come about as often as their chance says, with any seed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.constantFrom(0.05, 0.3, 0.8), async (seed, chance) => {
        const wrong = (await fates(seed, chance, 1_000)).filter(Boolean).length
        // Six standard deviations of a thousand draws.
        const apart = 6 * Math.sqrt(1_000 * chance * (1 - chance))
        expect(Math.abs(wrong - 1_000 * chance)).toBeLessThan(apart)
      }),
      { numRuns: 20, seed: 1 },
    )
  })

  it('never come with a chance of 0, and always with one of 1', async () => {
    expect(new Set(await fates(1, 0, 200))).toEqual(new Set([false]))
    expect(new Set(await fates(1, 1, 200))).toEqual(new Set([true]))
  })
})

describe('a commit whose answer is lost', () => {
  it('has had its effect exactly where the store counted it as done', async () => {
    const failing = failingStore(memoryStore(), { seed: 3 })
    failing.trouble('commit', { by: 'reject', late: 'by-lot' })
    for (let i = 0; i < 40; i++) {
      await expect(failing.store.commit([add('n', 1)])).rejects.toMatchObject({ code: 'store_unavailable' })
    }
    const { done, notDone } = failing.faults('commit')
    expect(done + notDone).toBe(40)
    expect(Math.min(done, notDone)).toBeGreaterThan(5)
    failing.heal()
    await expectCounter(failing.store, 'n', done)
  })

  it('can hang with its effect, and without', async () => {
    const failing = failingStore(memoryStore())
    for (const late of [true, false]) {
      failing.trouble('commit', { by: 'hang', late, times: 1 })
      const answer = failing.store.commit([add('n', 1)])
      await new Promise((resolve) => setImmediate(resolve))
      expect(await Promise.race([answer, 'nothing'])).toBe('nothing')
    }
    expect(failing.faults('commit')).toEqual({ done: 1, notDone: 1 })
    await expectCounter(failing.store, 'n', 1)
  })
})

describe('an outage', () => {
  it('lasts for its span of the clock, to the millisecond', async () => {
    const clock = manualClock()
    const failing = failingStore(memoryStore({ clock }), { clock })
    const isDown = () => isFailing(() => failing.store.findSettings(''))
    failing.trouble('every', { by: 'throw', afterMs: 100, forMs: 50 })
    const seen: [number, boolean][] = []
    for (const [at, step] of [
      [0, 99],
      [99, 1],
      [100, 49],
      [149, 1],
      [150, 1_000],
      [1_150, 0],
    ] as const) {
      seen.push([at, await isDown()])
      await clock.advance(step)
    }
    expect(seen).toEqual([
      [0, false],
      [99, false],
      [100, true],
      [149, true],
      [150, false],
      [1_150, false],
    ])
  })

  it('is measured on the clock that never goes back', async () => {
    const clock = manualClock()
    const failing = failingStore(memoryStore({ clock }), { clock })
    failing.trouble('every', { by: 'throw', forMs: 50 })
    clock.step(3_600_000)
    expect(await isFailing(() => failing.store.countSecrets())).toBe(true)
    await clock.advance(50)
    clock.step(-7_200_000)
    expect(await isFailing(() => failing.store.countSecrets())).toBe(false)
  })

  it('comes and goes in turns where the store flaps', async () => {
    const clock = manualClock()
    const failing = failingStore(memoryStore({ clock }), { clock })
    failing.trouble('every', { by: 'reject', flap: { downMs: 20, upMs: 30 } })
    const down: number[] = []
    for (let at = 0; at < 200; at += 10) {
      if (await isFailing(() => failing.store.countMessages())) down.push(at)
      await clock.advance(10)
    }
    expect(down).toEqual([0, 10, 50, 60, 100, 110, 150, 160])
  })

  it('strikes every call but those with a trouble of their own, until each is healed', () => {
    const failing = failingStore(memoryStore())
    failing.trouble('every', { by: 'throw', error: new Error('all') })
    failing.trouble('countSecrets', { by: 'throw', error: new Error('own') })
    expect(() => failing.store.countMessages()).toThrow('all')
    expect(() => failing.store.countSecrets()).toThrow('own')
    failing.heal('countSecrets')
    expect(() => failing.store.countSecrets()).toThrow('all')
    failing.heal('every')
    expect(failing.store.countSecrets()).toEqual(new Map())
    expect(failing.faults('countSecrets')).toEqual({ done: 0, notDone: 2 })
    expect(failing.faults('close')).toEqual({ done: 0, notDone: 0 })
  })
})

describe('a trouble that cannot be meant', () => {
  const clock = manualClock()

  it.each<[Trouble, string]>([
    [{ by: 'burn' as 'throw' }, 'by'],
    [{ by: 'throw', times: 0 }, 'times'],
    [{ by: 'throw', chance: 1.1 }, 'chance'],
    [{ by: 'throw', chance: Number.NaN }, 'chance'],
    [{ by: 'throw', afterMs: -1 }, 'afterMs'],
    [{ by: 'throw', forMs: 0.5 }, 'forMs'],
    [{ by: 'throw', flap: { downMs: Infinity, upMs: 1 } }, 'flap.downMs'],
    [{ by: 'throw', flap: { downMs: 0, upMs: 0 } }, 'flap'],
  ])('%o is refused by its path', (trouble, path) => {
    const failing = failingStore(memoryStore(), { clock })
    expect(() => failing.trouble('commit', trouble)).toThrow(
      expect.objectContaining({ code: 'input_invalid', faults: [expect.objectContaining({ path })] }),
    )
  })

  it('is a span without a clock, or a seed that is no number', () => {
    const failing = failingStore(memoryStore())
    for (const span of [{ afterMs: 1 }, { forMs: 1 }]) {
      expect(() => failing.trouble('every', { by: 'hang', ...span })).toThrow('needs the clock')
    }
    expect(() => failing.trouble('every', { by: 'hang', flap: { downMs: 1, upMs: 1 } })).toThrow('clock')
    expect(() => failingStore(memoryStore(), { seed: Number.NaN })).toThrow('seed')
  })
})
