import { describe, expect, test } from 'vitest'
import { isAsTight, limitsOfKey } from '../../src/core/limit-ceiling.js'
import { limitOf, parseLimits } from '../../src/core/limit.js'
import type { Limit } from '../../src/core/limit.js'
import { admin } from './sample.js'
import { keyOf, metered, minute, day } from './meter-sample.js'

const rolling = (limit: number, windowMs: number) => ({ name: 'minute', limit, windowMs })
const month = (limit: number) => ({ name: 'minute', limit, calendar: 'month' as const })
const today = (limit: number) => ({ ...day(limit), name: 'minute' })
const only = (limit: Limit) => parseLimits([limit])[0]!
const dayMs = 86_400_000

const input = (limits: Limit[] | null) => ({ name: 'a', scopes: ['contacts:read'] as const, limits })
describe('a plan’s limit is a ceiling', () => {
  test.each<[string, Limit[], Limit[], Limit[] | null, Limit[]]>([
    ['a looser own one counts for nothing', [], [minute(3)], [minute(50)], [minute(3)]],
    ['a tighter own one holds', [], [minute(3)], [minute(2)], [minute(2)]],
    [
      'an own one of a longer window and no more is tighter',
      [],
      [minute(3)],
      [rolling(3, dayMs)],
      [rolling(3, dayMs)],
    ],
    [
      'a shorter window with half of it is tighter',
      [],
      [minute(6)],
      [rolling(3, 30_000)],
      [rolling(3, 30_000)],
    ],
    [
      'where neither is, both hold',
      [],
      [minute(3)],
      [today(9)],
      [{ ...today(9), name: 'key.minute' }, minute(3)],
    ],
    ['the plan’s is higher than the default', [minute(2)], [minute(5)], null, [minute(5)]],
    ['the plan’s is lower than the default', [minute(5)], [minute(2)], null, [minute(2)]],
    ['an own one between default and plan', [minute(2)], [minute(5)], [minute(4)], [minute(4)]],
    ['an own one without a plan’s', [minute(5)], [day(9)], [minute(2)], [day(9), minute(2)]],
  ])('%s', (_what, defaults, plan, own, holding) => {
    const rules = limitsOfKey(parseLimits(defaults), parseLimits(plan), parseLimits(own ?? []))
    expect(rules.map(limitOf)).toEqual(holding)
  })

  test('names stay names, and never meet another’s', () => {
    const long = 'a'.repeat(64)
    const own = [today(9), { ...day(7), name: 'key.minute' }, { ...day(8), name: long }]
    const rules = limitsOfKey([], parseLimits([minute(3), { ...minute(3), name: long }]), parseLimits(own))
    expect(rules.map(({ limit }) => limit).sort()).toEqual([3, 3, 7, 8, 9])
    expect(() => parseLimits(rules.map(limitOf))).not.toThrow()
  })

  test.each<[Limit, Limit, boolean]>([
    [minute(1), today(1_440), true],
    [minute(1), today(1_439), false],
    [today(3), month(93), true],
    [today(3), month(92), false],
    [month(5), today(5), true],
    [today(3), rolling(6, 60_000), true],
    [today(3), rolling(5, 60_000), false],
    [month(2), rolling(6, 31 * dayMs), true],
    [month(2), rolling(4, 31 * dayMs), false],
    [month(2), rolling(4, dayMs), true],
    [rolling(2, 1_000), minute(120), true],
    [rolling(2, 1_000), minute(119), false],
    [minute(0), today(0), true],
  ])('%j is as tight as %j: %s', (one, other, is) => {
    expect(isAsTight(only(one), only(other))).toBe(is)
  })

  test('three of fifty pass where the plan says three', async () => {
    const world = metered({ entitlements: { of: () => ({ access: true, limits: [minute(3)] }) } })
    const { id, request } = await keyOf(world, input([minute(50)]))
    const demand = world.keyrung.demand('contacts:read')
    let passed = 0
    for (let i = 0; i < 50; i++) if ((await world.keyrung.admit(request, demand)).ok) passed++
    expect(passed).toBe(3)
    expect((await world.keyrung.keys.limits(admin, id)).key).toMatchObject([minute(3)])
  })
})
