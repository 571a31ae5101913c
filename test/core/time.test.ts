import { describe, expect, it } from 'vitest'
import { earliestInstant, isDuration, isInstant, latestInstant } from '../../src/core/time.js'
import { hostileValues } from './hostile-values.js'

describe('an instant', () => {
  it('is whole milliseconds since 1970, from 2001 to the end of dates', () => {
    expect(earliestInstant).toBe(Date.UTC(2001, 8, 9, 1, 46, 40))
    expect(new Date(latestInstant).getTime()).toBe(latestInstant)
    expect(new Date(latestInstant + 1).getTime()).toBeNaN()
    for (const at of [earliestInstant, 1_760_000_000_000, latestInstant]) expect(isInstant(at)).toBe(true)
  })

  it('is never a time in seconds', () => {
    const farAhead = Date.UTC(9999, 11, 31) / 1000
    for (const at of [1_760_000_000, farAhead, earliestInstant - 1]) expect(isInstant(at)).toBe(false)
  })

  it.each([
    NaN,
    Infinity,
    -Infinity,
    0,
    -1,
    1.5,
    1_760_000_000_000.5,
    latestInstant + 1,
    '1760000000000',
    1_760_000_000_000n,
    new Date(),
  ])('is not %s', (value) => expect(isInstant(value)).toBe(false))

  it.each(Object.entries(hostileValues()))('is not %s', (_name, value) =>
    expect(isInstant(value)).toBe(false),
  )
})

describe('a duration', () => {
  it('is whole milliseconds from 0 to its maximum', () => {
    expect([0, 1, 60_000, Number.MAX_SAFE_INTEGER].every((ms) => isDuration(ms))).toBe(true)
    expect(isDuration(1_000, 1_000)).toBe(true)
    expect(isDuration(1_001, 1_000)).toBe(false)
  })

  it.each([-1, 1.5, NaN, Infinity, Number.MAX_SAFE_INTEGER + 1, '1', null, undefined, 1n])(
    'is not %s',
    (value) => {
      expect(isDuration(value)).toBe(false)
    },
  )
})
