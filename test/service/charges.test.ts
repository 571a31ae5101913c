import { describe, expect, test } from 'vitest'
import { formatLimits } from '../../src/core/key-limits.js'
import { parseLimits } from '../../src/core/limit.js'
import { createCharges } from '../../src/service/charges.js'
import { makeKey as makeRecord } from '../../src/testing/suite/records.js'
import { minute } from './meter-sample.js'

const once = { cost: 1, limit: null } as const
const none = { keys: [], workspace: [], owner: [] } as const
const [export3] = parseLimits([{ name: 'exports', limit: 3, windowMs: 60_000 }])

/** Whom a request is charged to, and how much. */
function told(request: ReturnType<ReturnType<typeof createCharges>['of']>) {
  return request && request.charges.map(({ subject, cost }) => `${subject} ${cost}`)
}

describe('what a request costs', () => {
  const owned = makeRecord(1, { ownerId: 'kim', limits: null })
  const free = makeRecord(2, { ownerId: null, limits: null })

  test('is nothing where nobody has a limit, or where it is free', () => {
    const charges = createCharges(none)
    expect(charges.of(owned, [], once)).toBeNull()
    expect(charges.of(owned, [], { cost: 7, limit: null })).toBeNull()
    const limited = createCharges({ ...none, keys: parseLimits([minute(60)]) })
    expect(limited.of(owned, [], { cost: 0, limit: export3! })).toBeNull()
  })

  test('is charged to an owner that has a limit, and to nobody for a key without one', () => {
    const charges = createCharges({ ...none, owner: parseLimits([minute(60)]) })
    expect(told(charges.of(owned, [], once))).toEqual(['owner:kim 1'])
    expect(charges.of(free, [], once)).toBeNull()
    expect(charges.of(free, [], { cost: 2, limit: null })).toBeNull()
    expect(told(charges.of(free, [], { cost: 2, limit: export3! }))).toEqual([
      `operation:exports:${free.id} 2`,
    ])
  })

  test('is charged in full to the operation’s own limit, and to all else only beyond what was paid', () => {
    const charges = createCharges({
      ...none,
      keys: parseLimits([minute(60)]),
      workspace: parseLimits([minute(9)]),
    })
    const demand = { cost: 3, limit: export3! }
    const operation = `operation:exports:${free.id} 3`
    expect(told(charges.of(free, [], demand))).toEqual([`key:${free.id} 3`, 'workspace 3', operation])
    expect(told(charges.of(free, [], { ...demand, paid: 1 }))).toEqual([
      `key:${free.id} 2`,
      'workspace 2',
      operation,
    ])
    expect(told(charges.of(free, [], { ...demand, paid: 3 }))).toEqual([operation])
    expect(charges.of(free, [], { cost: 3, limit: null, paid: 3 })).toBeNull()
  })

  test('is by the limits of today: of the plan, the key and its owner', () => {
    const charges = createCharges({
      ...none,
      keys: parseLimits([minute(60)]),
      owner: parseLimits([minute(90)]),
    })
    const limitsOf = (key: typeof owned, plan = parseLimits([])) =>
      charges.of(key, plan, once)!.charges.map(({ rules }) => rules.map(({ limit }) => limit))
    expect(limitsOf(owned)).toEqual([[60], [90]])
    expect(limitsOf(owned, parseLimits([minute(5)]))).toEqual([[5], [90]])
    expect(limitsOf({ ...owned, limits: formatLimits(parseLimits([minute(7)])) })).toEqual([[7], [90]])
    expect(limitsOf({ ...owned, ownerId: null })).toEqual([[60]])
    expect(told(charges.of({ ...owned, ownerId: 'lee' }, [], once))).toEqual([
      `key:${owned.id} 1`,
      'owner:lee 1',
    ])
    expect(charges.of({ ...owned, workspaceId: 'other' }, [], once)!.workspaceId).toBe('other')
  })

  test.each(['', '{}', '[{"name":"minute"}]', 'nonsense'])(
    'cannot be told of a key whose own limits cannot be read: %j',
    (limits) => {
      const charges = createCharges({ ...none, keys: parseLimits([minute(60)]) })
      for (let i = 0; i < 2; i++) {
        expect(() => charges.of({ ...free, limits }, [], once)).toThrow(
          expect.objectContaining({ code: 'store_unavailable' }) as Error,
        )
      }
    },
  )
})
