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

function allowance({ limit = threeAMinute as object, max = 1_000 } = {}) {
  const clock = manualClock()
  const notices: Notice[] = []
  const rule = readSourceLimit(limit, [])!
  const sources = createSourceAllowance({
    ...{ rule, clock, max },
    notify: (notice) => void notices.push(notice),
  })
  /** Presents so many credentials that are not valid; answers how many were counted, and not refused. */
  const fail = (address: string | undefined, times: number): number => {
    let counted = 0
    for (let i = 0; i < times; i++) {
      if (!isRefused(address) && sources.spend({ address }) === null) counted++
    }
    return counted
  }
  const isRefused = (address: string | undefined): boolean => {
    const gate = sources.gate({ address })
    return gate !== null && !gate.admits()
  }
  return { clock, fail, isRefused, notices, sources }
}

describe('the allowance of a source', () => {
  test('is exactly its limit under flood, and its report says for how long it is used up', async () => {
    const { clock, fail, sources } = allowance()
    expect(fail('192.0.2.1', 1_000)).toBe(3)
    const gate = sources.gate({ address: '192.0.2.1' })!
    expect(gate.admits()).toBe(false)
    const report = gate.report!
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

  test('admits other sources while one is over, and has nothing to report of them', () => {
    const { fail, isRefused, sources } = allowance()
    fail('192.0.2.1', 3)
    expect(isRefused('192.0.2.1')).toBe(true)
    expect(isRefused('192.0.2.2')).toBe(false)
    const gate = sources.gate({ address: '192.0.2.2' })!
    gate.admits()
    expect(gate.report).toBeNull()
  })

  test('counts no refusal for what it was not asked about', () => {
    const { fail, sources } = allowance()
    fail('192.0.2.1', 3)
    expect(sources.gate({ address: '192.0.2.1' })?.report).toBeNull()
    expect(sources.state()).toMatchObject({ refusing: true, refused: 0 })
  })

  test('is not looked at while no source is over, nor is the address', async () => {
    const { clock, fail, sources } = allowance()
    const address = vi.fn(() => '192.0.2.1')
    const origin = Object.defineProperty({}, 'address', { get: address })
    fail('192.0.2.1', 2)
    expect(sources.gate(origin)).toBeNull()
    expect(address).not.toHaveBeenCalled()
    fail('192.0.2.1', 1)
    expect(sources.gate(origin)?.admits()).toBe(false)
    await clock.advance(61_000)
    address.mockClear()
    expect(sources.gate(origin)).toBeNull()
    expect(address).not.toHaveBeenCalled()
  })

  test.each([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['an IPv4 address, mapped or not', '::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.2'],
    ['a /64 network', '2001:db8:0:1::1', '2001:DB8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:2::1'],
  ])('is that of %s', (_what, one, same, other) => {
    const { fail, isRefused } = allowance()
    fail(one, 3)
    expect(isRefused(same)).toBe(true)
    expect(isRefused(other)).toBe(false)
  })

  test.each([
    ['no address', undefined],
    ['an empty one', ''],
    ['what is no address', 'junk'],
    ['a list of addresses', '192.0.2.1, 192.0.2.2'],
  ])(
    'never keeps the store from what comes from %s; bad credentials from there are counted together',
    (_what, one) => {
      const { fail, isRefused, sources } = allowance()
      expect(fail(one, 50)).toBe(3)
      expect(sources.gate({ address: one })!.admits()).toBe(true)
      expect(sources.gate({ address: one })!.report).toBeNull()
      for (const other of [undefined, '', 'junk']) {
        expect(isRefused(other)).toBe(false)
        expect(sources.spend({ address: other })).not.toBeNull()
      }
      expect(sources.spend({ address: '0.0.0.0' })).toBeNull()
      expect(sources.state()).toMatchObject({ refusing: true, refused: 50 })
    },
  )

  test('shared by all whose address is not known, is told to the operator once, and what it means', () => {
    const { fail, notices } = allowance()
    fail('192.0.2.1', 1)
    expect(notices).toEqual([])
    fail(undefined, 2)
    fail('junk', 2)
    expect(notices.map(({ code }) => code)).toEqual(['source_unknown'])
    expect(notices[0]!.message).toMatch(/good keys still pass.*Pass ip/)
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
    expect(unlimitedSources.gate({})).toBeNull()
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
