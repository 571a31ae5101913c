import { afterEach, expect, test, vi } from 'vitest'
import { systemEntropy } from '../../src/crypto/random.js'

afterEach(() => vi.restoreAllMocks())

test('gives exactly as many bytes as asked for, small and large', () => {
  for (const count of [0, 1, 10, 40, 256, 257, 2048, 65_536, 65_537, 200_000]) {
    expect(systemEntropy(count)).toHaveLength(count)
  }
})

test('large requests are random to their last byte', () => {
  const bytes = systemEntropy(200_000)
  for (const start of [0, 65_536, 131_072, 199_936]) {
    expect(new Set(bytes.subarray(start, start + 64)).size).toBeGreaterThan(20)
  }
})

test('never gives the same bytes twice, and what a caller does to its bytes changes no others', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 2000; i++) {
    const bytes = systemEntropy(16)
    seen.add(bytes.join())
    bytes.fill(0)
  }
  expect(seen.size).toBe(2000)
})

test('nothing that was handed out stays behind in memory shared with later callers', () => {
  const first = systemEntropy(16)
  expect(first.buffer.byteLength).toBe(16)
})

test('small requests share calls to the runtime', () => {
  const calls = vi.spyOn(globalThis.crypto, 'getRandomValues')
  for (let i = 0; i < 100; i++) systemEntropy(20)
  expect(calls.mock.calls.length).toBeLessThanOrEqual(2)
})

test('every byte value comes up about equally often', () => {
  const counts = new Array<number>(256).fill(0)
  for (let i = 0; i < 1024; i++) for (const byte of systemEntropy(250)) counts[byte]!++
  // 1,000 expected each; ten standard deviations.
  expect(Math.min(...counts)).toBeGreaterThan(680)
  expect(Math.max(...counts)).toBeLessThan(1320)
})

test.each([-1, 1.5, NaN, Infinity, 1_048_577, '16' as unknown as number])(
  'refuses to count %s bytes',
  (count) => {
    expect(() => systemEntropy(count)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  },
)
