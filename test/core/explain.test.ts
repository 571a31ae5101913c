import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { demandOf } from '../../src/core/demand.js'
import { evaluate } from '../../src/core/evaluate.js'
import { explain } from '../../src/core/explain.js'
import { fullGrant, grantOf } from '../../src/core/grant.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import { randomCatalog, randomHeld } from './arbitrary-catalog.js'

const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    forms: { ladder: [ladders.readWrite, ladder('send-approval', 'send')] },
  },
})

const levels = (...scopes: string[]) => grantOf(catalog, scopes).levels
const full = fullGrant(catalog).levels

describe('an explanation', { timeout: 60_000 }, () => {
  it('shows what every layer reaches, which one decided, and what would be enough', () => {
    const layers = {
      key: levels('contacts:read'),
      client: full,
      owner: levels('contacts:write-approval'),
      plan: full,
    }
    const demand = demandOf(catalog, ['contacts:write'], { approval: 'always' })
    expect(explain(demand, layers)).toEqual({
      decision: evaluate(demand, layers),
      layers: [
        { layer: 'key', permission: 'contacts:write', rung: 'read', effect: 'deny' },
        { layer: 'client', permission: 'contacts:write', rung: 'delete', effect: 'allow' },
        { layer: 'owner', permission: 'contacts:write', rung: 'write-approval', effect: 'approval' },
        { layer: 'plan', permission: 'contacts:write', rung: 'delete', effect: 'allow' },
        { layer: 'operation', permission: 'contacts:write', rung: null, effect: 'approval' },
      ],
      decidedBy: 'key',
      enough: ['contacts:write-approval'],
    })
  })

  it('leaves out layers that have no say', () => {
    expect(explain(demandOf(catalog, 'contacts:read'), { key: levels() }).layers).toEqual([
      { layer: 'key', permission: 'contacts:read', rung: null, effect: 'deny' },
    ])
  })

  const decided = (permissions: string[], layers: Parameters<typeof explain>[1], approval?: 'always') =>
    explain(demandOf(catalog, permissions, approval && { approval }), layers).decidedBy

  it('names the layer a decision fell on', () => {
    const read = ['contacts:read']
    expect(decided(read, { key: full })).toBe('key')
    expect(decided(read, { key: levels() })).toBe('key')
    expect(decided(read, { key: full, token: levels() })).toBe('token')
    expect(decided(read, { key: full, client: levels() })).toBe('client')
    expect(decided(read, { key: full, owner: levels() })).toBe('owner')
    expect(decided(read, { key: full, plan: levels() })).toBe('plan')
    expect(decided(read, { key: full, access: false })).toBe('plan')
    expect(decided([], { key: full, access: false })).toBe('plan')
    expect(decided(read, { key: full }, 'always')).toBe('operation')
    expect(decided([], { key: full }, 'always')).toBe('operation')
    expect(decided(['contacts:write'], { key: full, plan: levels('contacts:write-approval') })).toBe('plan')
    expect(decided(['contacts:read', 'contacts:write'], { key: levels('contacts:write-approval') })).toBe(
      'key',
    )
    expect(decided(['contacts:read', 'gone:read'], { key: full })).toBeNull()
    expect(decided(['contacts:read', 'forms:read'], { key: levels('contacts:read'), owner: levels() })).toBe(
      'key',
    )
  })

  it('says null where no scope would help', () => {
    const enough = (permissions: string[], layers: Parameters<typeof explain>[1]) =>
      explain(demandOf(catalog, permissions), layers).enough
    expect(enough(['contacts:read'], { key: full, owner: levels() })).toBeNull()
    expect(enough(['contacts:read'], { key: full, plan: levels() })).toBeNull()
    expect(enough(['contacts:read'], { key: levels(), plan: levels() })).toBeNull()
    expect(enough(['contacts:read'], { key: full, access: false })).toBeNull()
    expect(enough([], { key: full, access: false })).toBeNull()
    expect(enough(['contacts:read', 'gone:read'], { key: full })).toBeNull()
    expect(enough(['contacts:read', 'forms:send'], { key: levels() })).toEqual([
      'contacts:read',
      'forms:send',
    ])
    expect(enough(['contacts:write'], { key: levels(), owner: levels('contacts:write-approval') })).toEqual([
      'contacts:write',
    ])
    expect(enough(['contacts:read'], { key: full })).toEqual(['contacts:read'])
    expect(enough([], { key: full })).toEqual([])
  })

  it('of a plan without access shows the layer though it has no table', () => {
    expect(explain(demandOf(catalog, 'contacts:read'), { key: full, access: false }).layers[1]).toEqual({
      layer: 'plan',
      permission: 'contacts:read',
      rung: null,
      effect: 'deny',
    })
  })

  it('keeps its word: a key with enough is not denied, and where nothing is enough Full Access is', () => {
    const given = randomCatalog.chain((random) =>
      fc.record({
        made: fc.constant(random.catalog),
        permissions: fc.array(fc.constantFrom(...random.permissions, 'gone:read'), { maxLength: 3 }),
        held: fc.record(
          { key: randomHeld(random), owner: randomHeld(random), plan: randomHeld(random) },
          { requiredKeys: ['key'] },
        ),
        access: fc.boolean(),
      }),
    )
    fc.assert(
      fc.property(given, ({ made, permissions, held, access }) => {
        const layers = {
          key: grantOf(made, held.key).levels,
          owner: held.owner && grantOf(made, held.owner).levels,
          plan: held.plan && grantOf(made, held.plan).levels,
          access,
        }
        const demand = demandOf(made, permissions)
        const { enough, decision } = explain(demand, layers)
        expect(decision).toEqual(evaluate(demand, layers))
        const key = enough === null ? fullGrant(made) : grantOf(made, enough)
        expect(evaluate(demand, { ...layers, key: key.levels }).effect === 'deny').toBe(enough === null)
      }),
      { numRuns: 500 },
    )
  })
})
