import { describe, expect, it } from 'vitest'
import { formatLimits, raisesLimits, readLimitsText, showLimits } from '../../src/core/key-limits.js'
import { parseLimits } from '../../src/core/limit.js'
import type { Limit } from '../../src/core/limit.js'

const minute = (limit: number, windowMs = 60_000): Limit => ({ name: 'minute', limit, windowMs })
const day: Limit = { name: 'day', limit: 100, calendar: 'day' }

describe('limits as a key keeps them', () => {
  it('come back as they went in, in one order', () => {
    const text = formatLimits(parseLimits([minute(5), day]))
    expect(text).toBe(formatLimits(parseLimits([day, minute(5)])))
    expect(readLimitsText(text)).toEqual(parseLimits([day, minute(5)]))
    expect(showLimits(text)).toEqual([day, minute(5)])
  })

  it('are null where there are none', () => {
    expect(formatLimits([])).toBeNull()
    expect(readLimitsText(null)).toEqual([])
    expect(showLimits(null)).toBeNull()
  })

  it.each([
    '',
    '{}',
    'null',
    '[1]',
    '[{"name":"minute"}]',
    '[{"name":"minute","limit":5,"windowMs":1}]',
    '[',
  ])('are not taken for none where the text is %j', (text) => {
    expect(readLimitsText(text)).toBeUndefined()
  })
})

describe('a list of limits lets more through', () => {
  it.each<[string, Limit[], Limit[], boolean]>([
    ['where one is higher', [minute(5)], [minute(6)], true],
    ['not where one is lower', [minute(5)], [minute(4)], false],
    ['not where nothing changed', [minute(5), day], [day, minute(5)], false],
    ['where one is gone', [minute(5), day], [day], true],
    ['not where one is added', [minute(5)], [minute(5), day], false],
    ['where its window is shorter', [minute(5)], [minute(5, 30_000)], true],
    ['not where its window is longer', [minute(5)], [minute(5, 120_000)], false],
    ['where its window is of another kind', [{ ...minute(5), name: 'day' }], [{ ...day, limit: 5 }], true],
    ['where one is higher and another lower', [minute(5), day], [minute(6), { ...day, limit: 1 }], true],
  ])('%s', (_, before, after, raised) => {
    expect(raisesLimits(parseLimits(before), parseLimits(after))).toBe(raised)
  })
})
