import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { randomLatency } from '../../src/testing/random-latency.js'
import type { RandomLatencyOptions } from '../../src/testing/random-latency.js'
import { slowStore } from '../../src/testing/slow-store.js'

function draw(options: RandomLatencyOptions, count: number): readonly number[] {
  const latency = randomLatency(options)
  const drawn = Array.from({ length: count }, () => latency())
  expect(drawn.every(({ before, after }) => before >= 0 && after >= 0)).toBe(true)
  return drawn.map(({ before, after }) => before + after).sort((a, b) => a - b)
}

describe('randomLatency', () => {
  it('has the median and the tail it is told to have', () => {
    for (const seed of [1, 2, 3, -5]) {
      const drawn = draw({ medianMs: 4, p99Ms: 100, seed }, 20_000)
      expect(Math.abs(drawn[10_000]! / 4 - 1)).toBeLessThan(0.1)
      expect(drawn[19_800]! / 100).toBeGreaterThan(0.8)
      expect(drawn[19_800]! / 100).toBeLessThan(1.25)
      expect(drawn.at(-1)).toBeLessThanOrEqual(1_000)
    }
  })

  it('is the same with the same seed, never above its most, and even where both ends are one', () => {
    const options = { medianMs: 4, p99Ms: 100, mostMs: 120 }
    expect(draw(options, 500)).toEqual(draw(options, 500))
    expect(draw(options, 500)).not.toEqual(draw({ ...options, seed: 9 }, 500))
    expect(draw(options, 20_000).at(-1)).toBeCloseTo(120, 9)
    for (const whole of draw({ medianMs: 5, p99Ms: 5 }, 100)) expect(whole).toBeCloseTo(5, 9)
  })

  it('slows a store down', async () => {
    const clock = manualClock()
    const latency = randomLatency({ medianMs: 20, p99Ms: 40 })
    const slow = slowStore(memoryStore({ clock }), { clock, latency })
    const took: number[] = []
    const start = clock.monotonic()
    for (let i = 0; i < 30; i++) {
      void Promise.resolve(slow.countSecrets()).then(() => took.push(clock.monotonic() - start))
    }
    await clock.advance(10)
    const early = took.length
    await clock.advance(400)
    expect([early < 10, took.length]).toEqual([true, 30])
    expect(new Set(took).size).toBeGreaterThan(10)
  })

  it.each([
    [{ medianMs: 0, p99Ms: 1 }, 'medianMs'],
    [{ medianMs: 2, p99Ms: 1 }, 'p99Ms'],
    [{ medianMs: 1, p99Ms: 2, mostMs: 1 }, 'mostMs'],
    [{ medianMs: Number.NaN, p99Ms: Number.NaN }, 'medianMs'],
    [{ medianMs: 1, p99Ms: 2, seed: 0.5 }, 'seed'],
  ])('refuses %o', (options, path) => {
    expect(() => randomLatency(options)).toThrow(path)
  })
})
