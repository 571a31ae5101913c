import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/ports/system-clock.js'

describe("this machine's clock", () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000 }))
  afterEach(() => void vi.useRealTimers())

  it('rings once when the time has passed, and not before', () => {
    const ring = vi.fn()
    systemClock.after(9.5, ring)
    vi.advanceTimersByTime(9)
    expect(ring).not.toHaveBeenCalled()
    vi.advanceTimersByTime(100)
    expect(ring).toHaveBeenCalledOnce()
    expect(systemClock.now()).toBe(1_109)
  })

  it('does not ring when it was called off, and keeps no timer then', () => {
    const ring = vi.fn()
    systemClock.after(10, ring)()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(100)
    expect(ring).not.toHaveBeenCalled()
  })

  it('runs no timer that is longer than timers can be: such a one would ring at once', () => {
    const ring = vi.fn()
    systemClock.after(Number.MAX_SAFE_INTEGER, ring)
    vi.advanceTimersByTime(2_147_483_646)
    expect(ring).not.toHaveBeenCalled()
  })

  it('ends a sleep early when its signal is aborted, and keeps no timer then', async () => {
    const over = new AbortController()
    const sleep = systemClock.sleep(10, over.signal)
    over.abort()
    await sleep
    await systemClock.sleep(10, over.signal)
    expect(vi.getTimerCount()).toBe(0)
  })
})
