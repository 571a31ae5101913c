import { describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import { guardLimits } from '../../src/service/guarded-limits.js'
import type { Notice } from '../../src/service/notice.js'
import { watchStoreClock } from '../../src/service/store-clock.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import { textLimits } from '../testing/text-limits.js'

function watched() {
  const clock = manualClock()
  const notices: Notice[] = []
  const hear = watchStoreClock('redis', clock, (notice) => void notices.push(notice))
  const ask = async (wayMs = 0) => {
    const sentAt = clock.monotonic()
    await clock.advance(wayMs)
    hear(clock.now(), sentAt)
  }
  return { clock, notices, hear, ask }
}

describe("a step of the limit store's clock", () => {
  it.each([
    [60_000, /forward by 60000 ms/],
    [-3_600_000, /back by 3600000 ms/],
  ])('of %d ms is told of once', async (by, message) => {
    const { clock, notices, ask } = watched()
    await ask()
    await clock.advance(5_000)
    clock.step(by)
    for (let i = 0; i < 5; i++) await ask()
    expect(notices).toEqual([{ code: 'limits_clock_stepped', message: expect.stringMatching(message) }])
    await clock.advance(60_000)
    clock.step(by)
    await ask()
    expect(notices).toHaveLength(2)
  })

  it('is not told of again by an answer that was asked for before it', async () => {
    const { clock, notices, hear, ask } = watched()
    await ask()
    const [sentAt, now] = [clock.monotonic(), clock.now()]
    await clock.advance(10)
    clock.step(60_000)
    await ask()
    hear(now, sentAt)
    await clock.advance(70_000)
    await ask()
    expect(notices).toHaveLength(1)
  })

  it('is none where answers are slow, clocks run apart a little, or time just passes', async () => {
    const { clock, notices, ask } = watched()
    for (const wayMs of [0, 900, 5, 3_000, 0]) {
      await ask(wayMs)
      await clock.advance(40_000)
      clock.step(wayMs % 2 === 0 ? 30 : -30)
    }
    await clock.advance(8 * 3_600_000)
    clock.step(3_000)
    await ask()
    expect(notices).toEqual([])
  })

  it('is told of at most once a minute where servers disagree', async () => {
    const { clock, notices, ask } = watched()
    for (let i = 0; i < 100; i++) {
      await ask()
      await clock.advance(100)
      clock.step(i % 2 === 0 ? 5_000 : -5_000)
    }
    expect(notices).toHaveLength(1)
  })

  it.each([
    [true, 1],
    [false, 0],
  ])('is looked for where the store is shared: %s', async (shared, told) => {
    const clock = manualClock()
    const notices: Notice[] = []
    const store = { ...textLimits(() => clock.now()), shared }
    const limits = guardLimits(store, clock, 1_000, (notice) => void notices.push(notice))
    const rules = parseLimits([{ name: 'a', limit: 9, windowMs: 60_000 }])
    for (let i = 0; i < 3; i++) {
      await limits.spend({ workspaceId: 'ws_1', charges: [{ subject: 'key:one', rules, cost: 1 }] })
      if (i === 0) clock.step(60_000)
    }
    expect(notices).toHaveLength(told)
  })
})
