import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { parseEntitlement } from '../../src/core/entitlement.js'
import { ladders } from '../../src/core/ladder.js'
import { faultsOf } from './faults.js'
import { hostileValues } from './hostile-values.js'

const catalog = defineCatalog({
  resources: { contacts: { ladder: ladders.crud }, email: { ladder: ladders.communication } },
})

const parse = (value: unknown) => parseEntitlement(catalog, value)
const faults = (value: unknown) => faultsOf('input_invalid', () => parse(value))

describe("a workspace's entitlement", () => {
  it('without ceilings sets none', () => {
    expect(parse({ access: true })).toEqual({
      ...{ access: true, ceiling: null, maxKeys: null, limits: [] },
      lifetime: {},
    })
    expect(parse({ access: true, ceilings: 'full', maxKeys: 3 })).toMatchObject({
      ceiling: { full: true },
      maxKeys: 3,
    })
  })

  it('includes what its ceilings name and nothing else', () => {
    const plan = parse({ access: true, ceilings: ['contacts:write', 'gone:read'], maxKeys: 0 })
    expect([...plan.ceiling!.levels]).toEqual([3, 0])
    expect(plan.maxKeys).toBe(0)
  })

  it('without access includes nothing, whatever its ceilings say', () => {
    for (const value of [null, { access: false }, { access: false, ceilings: 'full' }]) {
      const plan = parse(value)
      expect(plan.access).toBe(false)
      expect([...plan.ceiling!.levels]).toEqual([0, 0])
      expect(plan.ceiling!.full).toBe(false)
    }
  })

  it('is refused with every fault', () => {
    expect(faults({ access: 1, ceilings: ['x'], maxKeys: -1, ceiling: [] })).toEqual([
      'ceiling: there is no such property; there are access, ceilings, maxKeys, limits, requireExpiry, maxLifetimeMs, defaultLifetimeMs',
      'access: must be true or false',
      'maxKeys: must be a whole number, 0 or more',
      'ceilings[0]: is not written "resource:rung"',
    ])
    expect(faults({ access: true, ceilings: null })).toEqual([
      'ceilings: must be "full" or an array of scopes',
    ])
    expect(faults(7)).toEqual([': must be an object'])
    for (const maxKeys of [1.5, NaN, Infinity, '3', null, -1]) {
      expect(faults({ access: true, maxKeys })).toEqual(['maxKeys: must be a whole number, 0 or more'])
    }
  })

  it.each(Object.entries(hostileValues()).filter(([name]) => name !== 'null'))(
    'is refused when it is %s',
    (_name, value) => {
      expect(faults(value).length).toBeGreaterThan(0)
    },
  )

  it.each(['true', 1, Promise.resolve(true), {}, undefined, null])(
    'takes access from nothing but true itself: %s',
    (access) => {
      expect(faults({ access })).toEqual(['access: must be true or false'])
      expect(faults(Object.create({ access: true }))).toEqual(['access: must be true or false'])
    },
  )
})
