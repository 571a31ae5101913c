import { expect, test } from 'vitest'
import { steadyNow } from '../../src/ports/steady-clock.js'
import { manualClock } from '../../src/testing/manual-clock.js'

const hourMs = 3_600_000

test('follows the wall clock, and goes on by itself while that was set back', async () => {
  const clock = manualClock()
  const start = clock.now()
  const now = steadyNow(clock)
  await clock.advance(1_000)
  expect(now()).toBe(start + 1_000)
  clock.step(-hourMs)
  expect(now()).toBe(start + 1_000)
  await clock.advance(500)
  expect(now()).toBe(start + 1_500)
  clock.step(hourMs + 20)
  expect(now()).toBe(start + 1_520)
})

test('goes on with the wall clock where the monotonic one stood still, as in a machine that slept', () => {
  const clock = manualClock()
  const start = clock.now()
  const now = steadyNow(clock)
  clock.step(hourMs)
  expect(now()).toBe(start + hourMs)
})

test('loses no part of a millisecond, however often it is asked', () => {
  let passed = 0
  const now = steadyNow({ now: () => -1, monotonic: () => passed })
  for (let call = 0; call < 10_000; call++) {
    passed += 0.1
    now()
  }
  expect(now()).toBeGreaterThanOrEqual(998)
})
