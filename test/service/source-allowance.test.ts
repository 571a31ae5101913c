import { describe, expect, test, vi } from 'vitest'
import type { Fault } from '../../src/core/errors.js'
import type { Notice } from '../../src/service/notice.js'
import {
  createSourceAllowance,
  defaultSourceLimit,
  readSourceLimit,
  unlimitedSources,
} from '../../src/service/source-allowance.js'
import { manualClock } from '../../src/testing/manual-clock.js'

const threeAMinute = { name: 'failures', limit: 3, windowMs: 60_000 }

function allowance({ limit = threeAMinute as object, max = 1_000, known = [] as string[] } = {}) {
  const clock = manualClock()
  const notices: Notice[] = []
  const isKnown = vi.fn((secret: unknown) => known.includes(secret as string))
  const rule = readSourceLimit(limit, [])!
  const sources = createSourceAllowance({
    ...{ rule, clock, isKnown, max },
    notify: (notice) => void notices.push(notice),
  })
  /** Presents so many credentials that are not valid; answers how many were counted, and not refused. */
  const fail = (address: string | undefined, times: number): number => {
    let counted = 0
    for (let i = 0; i < times; i++) {
      if (sources.refuse('unknown', { address }) === null && sources.spend({ address }) === null) counted++
    }
    return counted
  }
  const isRefused = (address: string | undefined, secret = 'unknown'): boolean =>
    sources.refuse(secret, { address }) !== null
  return { clock, fail, isKnown, isRefused, notices, sources }
}

describe('the allowance of a source', () => {
  test('is exactly its limit under flood, and its report says for how long it is used up', async () => {
    const { clock, fail, sources } = allowance()
    expect(fail('192.0.2.1', 1_000)).toBe(3)
    const report = sources.refuse('unknown', { address: '192.0.2.1' })!
    const [meter] = report.meters
    expect(meter).toMatchObject({ fits: false, remaining: 0, rule: { name: 'failures', limit: 3 } })
    const wait = meter!.retryAt! - report.now
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(61_000)
    await clock.advance(wait - 1)
    expect(fail('192.0.2.1', 10)).toBe(0)
    await clock.advance(1)
    expect(fail('192.0.2.1', 10)).toBe(3)
  })

  test('is never exceeded in any window of its length', async () => {
    const { clock, fail } = allowance()
    const times: number[] = []
    for (let i = 0; i < 400; i++) {
      if (fail('192.0.2.1', 1) === 1) times.push(clock.now())
      await clock.advance(700)
    }
    expect(times.length).toBeGreaterThan(9)
    for (const [i, at] of times.entries()) {
      expect(times.slice(i).filter((later) => later < at + 60_000).length).toBeLessThanOrEqual(3)
    }
  })

  test('refuses once it is used up even where nobody looked before the store was asked', () => {
    const { sources } = allowance()
    const origin = { address: '192.0.2.1' }
    const reports = Array.from({ length: 5 }, () => sources.spend(origin))
    expect(reports.map((report) => report !== null)).toEqual([false, false, false, true, true])
  })

  test('lets a secret that is known good pass, and looks at none while no source is over', () => {
    const { fail, isKnown, isRefused } = allowance({ known: ['good'] })
    fail('192.0.2.1', 3)
    expect(isKnown).not.toHaveBeenCalled()
    expect(isRefused('192.0.2.1', 'good')).toBe(false)
    expect(isRefused('192.0.2.1', 'unknown')).toBe(true)
    expect(isRefused('192.0.2.2', 'unknown')).toBe(false)
    expect(isKnown).toHaveBeenCalledTimes(2)
  })

  test('is not looked at while no source is over, nor is the address', async () => {
    const { clock, fail, sources } = allowance()
    const address = vi.fn(() => '192.0.2.1')
    const origin = Object.defineProperty({}, 'address', { get: address })
    fail('192.0.2.1', 2)
    expect(sources.refuse('unknown', origin)).toBeNull()
    expect(address).not.toHaveBeenCalled()
    fail('192.0.2.1', 1)
    expect(sources.refuse('unknown', origin)).not.toBeNull()
    await clock.advance(61_000)
    address.mockClear()
    expect(sources.refuse('unknown', origin)).toBeNull()
    expect(address).not.toHaveBeenCalled()
  })

  test.each([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['an IPv4 address, mapped or not', '::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.2'],
    ['a /64 network', '2001:db8:0:1::1', '2001:DB8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:2::1'],
    ['all that is no address', 'junk', '192.0.2.1, 192.0.2.2', '192.0.2.1'],
    ['all without an address', undefined, '', '0.0.0.0'],
  ])('is that of %s', (_what, one, same, other) => {
    const { fail, isRefused } = allowance()
    fail(one, 3)
    expect(isRefused(same)).toBe(true)
    expect(isRefused(other)).toBe(false)
  })

  test('shared by all whose address is not known, is told to the operator once', () => {
    const { fail, notices } = allowance()
    fail('192.0.2.1', 1)
    expect(notices).toEqual([])
    fail(undefined, 2)
    fail('junk', 2)
    expect(notices.map(({ code }) => code)).toEqual(['source_unknown'])
  })

  test('stays within its memory under a flood from everywhere', () => {
    const { fail, isRefused } = allowance({ max: 10 })
    for (let i = 0; i < 5_000; i++) fail(`10.0.${i >> 8}.${i & 255}`, 1)
    fail('192.0.2.1', 3)
    expect(isRefused('192.0.2.1')).toBe(true)
    // The oldest were forgotten, and may fail anew.
    expect(fail('10.0.0.0', 4)).toBe(3)
  })

  test.each([-86_400_000, 86_400_000])('is not moved by setting the wall clock by %i ms', async (step) => {
    const { clock, fail } = allowance()
    fail('192.0.2.1', 3)
    clock.step(step)
    expect(fail('192.0.2.1', 3)).toBe(0)
    await clock.advance(61_000)
    expect(fail('192.0.2.1', 4)).toBe(3)
  })

  test('can be a quota of a day', async () => {
    const { clock, fail } = allowance({ limit: { name: 'daily', limit: 2, calendar: 'day' } })
    expect(fail('192.0.2.1', 5)).toBe(2)
    await clock.advance(86_400_000 - 1)
    expect(fail('192.0.2.1', 5)).toBe(0)
    await clock.advance(1)
    expect(fail('192.0.2.1', 5)).toBe(2)
  })

  test('shows an operator whether any is used up, and what was refused for it', async () => {
    const { clock, fail, sources } = allowance()
    expect(sources.state()).toMatchObject({ rule: { limit: 3 }, refusing: false, refused: 0 })
    fail('192.0.2.1', 10)
    expect(sources.state()).toMatchObject({ refusing: true, refused: 7 })
    await clock.advance(61_000)
    expect(sources.state()).toMatchObject({ refusing: false, refused: 7 })
  })
})

describe('the option', () => {
  test('is 60 failures a minute unless it is said otherwise, and none for false', () => {
    expect(readSourceLimit(undefined, [])).toMatchObject(defaultSourceLimit)
    expect(defaultSourceLimit).toEqual({ name: 'failed-authentication', limit: 60, windowMs: 60_000 })
    expect(readSourceLimit(false, [])).toBeNull()
    expect(unlimitedSources.spend({})).toBeNull()
    expect(unlimitedSources.refuse('x', {})).toBeNull()
    expect(unlimitedSources.state()).toBeNull()
  })

  test.each<[string, unknown, string]>([
    ['true', true, 'limits.sources'],
    ['a number', 60, 'limits.sources'],
    ['null', null, 'limits.sources'],
    ['a limit that would refuse everyone for good', { ...threeAMinute, limit: 0 }, 'limits.sources.limit'],
    ['a limit without a window', { name: 'failures', limit: 3 }, 'limits.sources'],
    ['another name', { ...threeAMinute, name: 'No Name' }, 'limits.sources.name'],
    ['something else beside it', { ...threeAMinute, windowSeconds: 3 }, 'limits.sources.windowSeconds'],
  ])('is refused as %s', (_what, value, path) => {
    const faults: Fault[] = []
    readSourceLimit(value, faults)
    expect(faults.map((fault) => fault.path)).toContain(path)
  })
})
