import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isKeyrungError } from '../../src/core/errors.js'
import { limitOf, maxUnits, mergeLimits, parseLimits } from '../../src/core/limit.js'
import { bucketAt, bucketStart } from '../../src/core/limit-window.js'

const minute = { name: 'minute', limit: 60, windowMs: 60_000 }
const day = { name: 'day', limit: 10_000, calendar: 'day' }
const month = { name: 'month', limit: 100_000, calendar: 'month' }

function faultsOf(value: unknown): readonly string[] {
  try {
    parseLimits(value)
  } catch (error) {
    if (isKeyrungError(error) && error.code === 'input_invalid') {
      return error.faults.map(({ path, message }) => `${path}: ${message}`)
    }
    throw error
  }
  return []
}

describe('parseLimits', () => {
  it('reads both kinds, sorted by name, with the buckets they are counted in', () => {
    expect(parseLimits([minute, month, day])).toEqual([
      { name: 'day', limit: 10_000, kind: 'day', windowMs: 86_400_000, bucketMs: 0, buckets: 1 },
      { name: 'minute', limit: 60, kind: 'rolling', windowMs: 60_000, bucketMs: 1_000, buckets: 61 },
      { name: 'month', limit: 100_000, kind: 'month', windowMs: 2_678_400_000, bucketMs: 0, buckets: 1 },
    ])
    expect(parseLimits([])).toEqual([])
  })

  it('answers what nobody can change', () => {
    const rules = parseLimits([minute])
    expect(Object.isFrozen(rules) && Object.isFrozen(rules[0])).toBe(true)
  })

  it('takes the least and the most of everything', () => {
    for (const limit of [0, 1, maxUnits]) expect(faultsOf([{ ...minute, limit }])).toEqual([])
    for (const windowMs of [1_000, 31 * 86_400_000]) expect(faultsOf([{ ...minute, windowMs }])).toEqual([])
    expect(faultsOf(Array.from({ length: 8 }, (_, i) => ({ ...minute, name: `n${i}` })))).toEqual([])
  })

  it.each([
    ['no list', { minute }, 'limits: must be a list of at most 8 limits'],
    ['a text', '60/minute', 'limits: must be a list of at most 8 limits'],
    ['nine', Array.from({ length: 9 }, () => minute), 'limits: must be a list of at most 8 limits'],
    ['a number for a limit', [60], 'limits.0: '],
    ['an unknown property', [{ ...minute, burst: 3 }], 'limits.0.burst: '],
    ['no name', [{ limit: 1, windowMs: 60_000 }], 'limits.0.name: '],
    ['a name that is none', [{ ...minute, name: 'Per Minute' }], 'limits.0.name: '],
    ['a reserved name', [{ ...minute, name: 'constructor' }], 'limits.0.name: '],
    [
      'one name twice',
      [minute, { ...day, name: 'minute' }],
      'limits.1.name: is the name of another limit too',
    ],
    ['no limit', [{ name: 'a', windowMs: 60_000 }], 'limits.0.limit: '],
    ['a limit below 0', [{ ...minute, limit: -1 }], 'limits.0.limit: '],
    ['a part of a unit', [{ ...minute, limit: 1.5 }], 'limits.0.limit: '],
    ['too many units', [{ ...minute, limit: maxUnits + 1 }], 'limits.0.limit: '],
    ['NaN', [{ ...minute, limit: Number.NaN }], 'limits.0.limit: '],
    ['Infinity', [{ ...minute, limit: Infinity }], 'limits.0.limit: '],
    ['a limit as text', [{ ...minute, limit: '60' }], 'limits.0.limit: '],
    ['a window below a second', [{ ...minute, windowMs: 999 }], 'limits.0.windowMs: '],
    ['a window above 31 days', [{ ...minute, windowMs: 31 * 86_400_000 + 1 }], 'limits.0.windowMs: '],
    ['a window as text', [{ ...minute, windowMs: '60000' }], 'limits.0.windowMs: '],
    ['no window', [{ name: 'a', limit: 1 }], 'limits.0: must have either'],
    ['both windows', [{ ...minute, calendar: 'day' }], 'limits.0: must have either'],
    ['an unknown period', [{ ...day, calendar: 'week' }], 'limits.0.calendar: '],
  ])('refuses %s, and says where', (_, value, fault) => {
    const faults = faultsOf(value)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(fault)
  })

  it('tells every fault at once', () => {
    expect(
      faultsOf([
        { name: 1, limit: 'x' },
        { ...minute, limit: -1 },
      ]),
    ).toHaveLength(4)
  })

  it('takes no property that is not the value’s own', () => {
    expect(faultsOf([Object.create(minute)])).not.toEqual([])
  })

  it('never throws anything but a list of faults, whatever it is given', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), (value) => void faultsOf([value])))
  })

  it('reads back what limitOf writes', () => {
    const rules = parseLimits([minute, day, month])
    expect(parseLimits(rules.map(limitOf))).toEqual(rules)
  })
})

describe('mergeLimits', () => {
  it('takes each name as the last list that has it says, sorted by name', () => {
    const merged = mergeLimits([
      parseLimits([minute, day]),
      parseLimits([{ ...minute, limit: 5 }, month]),
      parseLimits([{ name: 'minute', limit: 7, calendar: 'day' }]),
    ])
    expect(merged.map(limitOf)).toEqual([day, { name: 'minute', limit: 7, calendar: 'day' }, month])
  })
})

describe('buckets', () => {
  const [dayRule, monthRule] = parseLimits([day, month]) as [never, never]
  const instant = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2400, 0, 1) })
  const edge = fc
    .record({ months: fc.integer({ min: 1, max: 5_000 }), off: fc.constantFrom(-1, 0, 1) })
    .map(({ months, off }) => Date.UTC(1970, months, 1) + off)

  it('of days and months are those of the Gregorian calendar in UTC', () => {
    fc.assert(
      fc.property(fc.oneof(instant, edge), (at) => {
        const date = new Date(at)
        const months = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
        expect(bucketAt(monthRule, at)).toBe(months)
        expect(bucketStart(monthRule, months)).toBe(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1))
        const midnight = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
        expect(bucketStart(dayRule, bucketAt(dayRule, at))).toBe(midnight)
      }),
      { numRuns: 2_000 },
    )
  })

  it('of months begin where each of four hundred years’ months begins', () => {
    for (let months = 0; months < 4_800; months++) {
      const start = Date.UTC(1970, months, 1)
      expect([
        bucketStart(monthRule, months),
        bucketAt(monthRule, start),
        bucketAt(monthRule, start - 1),
      ]).toEqual([start, months, months - 1])
    }
  })

  it('of a rolling window cover the window and not two buckets more, whatever its length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 31 * 86_400_000 }), instant, (windowMs, at) => {
        const [rule] = parseLimits([{ name: 'a', limit: 1, windowMs }])
        const bucket = bucketAt(rule!, at)
        expect(bucketStart(rule!, bucket)).toBeLessThanOrEqual(at)
        expect(bucketStart(rule!, bucket + 1)).toBeGreaterThan(at)
        const spared = (rule!.buckets - 1) * rule!.bucketMs - windowMs
        expect(spared).toBeGreaterThanOrEqual(0)
        expect(spared).toBeLessThan(rule!.bucketMs)
        expect(rule!.buckets).toBeLessThanOrEqual(61)
      }),
    )
  })
})
