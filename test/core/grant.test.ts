import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import {
  compileGrant,
  covers,
  createGrantCache,
  emptyGrant,
  fullGrant,
  grantOf,
} from '../../src/core/grant.js'
import { check } from '../../src/core/evaluate.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import { randomCatalog, randomHeld } from './arbitrary-catalog.js'
import { faultsOf } from './faults.js'
import { hostileValues } from './hostile-values.js'

const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    forms: { ladder: [ladders.readWrite, ladder('send-approval', 'send')] },
    agents: { ladder: ladder('trigger-approval') },
  },
  renamed: { people: 'contacts' },
})

const grant = (...scopes: string[]) => grantOf(catalog, scopes)

describe('a compiled grant', () => {
  it('is a level for each slot', () => {
    const compiled = compileGrant(catalog, 'forms:send people:write-approval')
    expect([...compiled.levels]).toEqual([2, 0, 2, 0])
    expect(compiled).toMatchObject({ full: false, unknown: [] })
    expect(compiled.scopes).toEqual(['contacts:write-approval', 'forms:send'])
    expect(compiled.scopes).toBe(compiled.scopes)
  })

  it('keeps unknown scopes apart, granting nothing', () => {
    const compiled = compileGrant(catalog, 'contacts:fly gone:write')
    expect([...compiled.levels]).toEqual([0, 0, 0, 0])
    expect(compiled.scopes).toEqual([])
    expect(compiled.unknown).toEqual(['contacts:fly', 'gone:write'])
  })

  it('of a malformed text is nothing, not the part that could be read', () => {
    for (const text of ['contacts:delete  ', 'contacts:delete x', ...Object.values(hostileValues())]) {
      const compiled = compileGrant(catalog, text as string)
      expect([...compiled.levels]).toEqual([0, 0, 0, 0])
      expect(compiled).toMatchObject({ full: false, unknown: [] })
    }
  })

  it('with Full Access has the top of every ladder, which may still be an approval', () => {
    const full = fullGrant(catalog)
    expect([...full.levels]).toEqual([5, 2, 2, 1])
    expect(full).toMatchObject({ full: true, unknown: [] })
    expect(full.scopes).toEqual(['agents:trigger-approval', 'contacts:delete', 'forms:send', 'forms:write'])
    expect(check(catalog, full, 'contacts:delete')).toBe('allow')
    expect(check(catalog, full, 'agents:trigger')).toBe('approval')
    expect(check(catalog, full, 'gone:read')).toBe('deny')
  })

  it('can be nothing at all', () => {
    const empty = emptyGrant(catalog)
    expect([...empty.levels]).toEqual([0, 0, 0, 0])
    expect(empty).toMatchObject({ full: false, unknown: [], scopes: [] })
  })
})

describe("what a host's hook answered", () => {
  it('is everything, or scopes', () => {
    expect(grantOf(catalog, 'full').full).toBe(true)
    expect(grant('forms:read', 'gone:read')).toMatchObject({ scopes: ['forms:read'], unknown: ['gone:read'] })
    expect(grantOf(catalog, []).scopes).toEqual([])
  })

  it.each(Object.entries(hostileValues()))('is refused when it is %s', (name, value) => {
    if (name === 'array of one')
      return expect(grantOf(catalog, value as never).scopes).toEqual(['contacts:read'])
    const [fault] = faultsOf('input_invalid', () => grantOf(catalog, value as never))
    expect(fault).toMatch(
      /^scopes(\[0\])?: (must be "full" or an array of scopes|is not written "resource:rung")$/,
    )
  })

  it('is refused when it is text other than "full"', () => {
    for (const text of ['', 'Full', 'contacts:read', 'full ']) {
      expect(faultsOf('input_invalid', () => grantOf(catalog, text as never))).toEqual([
        'scopes: must be "full" or an array of scopes',
      ])
    }
  })
})

describe('covering', { timeout: 60_000 }, () => {
  it('means holding at least as much on every ladder', () => {
    expect(covers(grant('contacts:write'), grant('contacts:write-approval'))).toBe(true)
    expect(covers(grant('contacts:write'), grant('contacts:write'))).toBe(true)
    expect(covers(grant('contacts:write'), grant('contacts:delete'))).toBe(false)
    expect(covers(grant('contacts:delete'), grant('forms:read'))).toBe(false)
    expect(covers(grant('forms:write'), grant('forms:send-approval'))).toBe(false)
    expect(covers(grant(), grant())).toBe(true)
  })

  it('of Full Access takes Full Access, even where all scopes of today are held', () => {
    const all = grantOf(catalog, fullGrant(catalog).scopes)
    expect(covers(all, fullGrant(catalog))).toBe(false)
    expect(covers(fullGrant(catalog), fullGrant(catalog))).toBe(true)
    expect(covers(fullGrant(catalog), all)).toBe(true)
  })

  it('of a scope that is unknown here takes the same scope, or Full Access', () => {
    const wanted = grant('contacts:read', 'gone:read', 'gone:write')
    expect(covers(grant('contacts:delete'), wanted)).toBe(false)
    expect(covers(grant('contacts:delete', 'gone:read'), wanted)).toBe(false)
    expect(covers(grant('contacts:delete', 'gone:read', 'gone:write'), wanted)).toBe(true)
    expect(covers(fullGrant(catalog), wanted)).toBe(true)
  })

  it('is never given between grants of different catalogues', () => {
    const other = defineCatalog({ resources: { a: { ladder: ladders.crud } } })
    expect(covers(fullGrant(catalog), grantOf(other, ['a:read']))).toBe(false)
    expect(covers(fullGrant(other), grant('contacts:read'))).toBe(false)
  })

  it('is what checks say: a holder covers another if it may do everything the other may, on random catalogues', () => {
    const rank = { deny: 0, approval: 1, allow: 2 }
    const given = randomCatalog.chain((random) =>
      fc.record({ random: fc.constant(random), holder: randomHeld(random), wanted: randomHeld(random) }),
    )
    fc.assert(
      fc.property(given, ({ random: { catalog: made }, holder, wanted }) => {
        const [one, other] = [grantOf(made, holder), grantOf(made, wanted)]
        if (!covers(one, other)) return
        for (const { permission } of made.permissions) {
          expect(rank[check(made, one, permission)]).toBeGreaterThanOrEqual(
            rank[check(made, other, permission)],
          )
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('the grant cache', () => {
  it('answers the same grant for the same text, and another for another', () => {
    const cached = createGrantCache(catalog, 8)
    expect(cached('contacts:read')).toBe(cached('contacts:read'))
    expect(cached('contacts:read').scopes).toEqual(['contacts:read'])
    expect(cached('contacts:write').scopes).toEqual(['contacts:write'])
    expect(cached('').scopes).toEqual([])
  })

  it('never keeps more than it may, and keeps what is used', () => {
    let compiled = 0
    const counting = { ...catalog, findScope: (scope: unknown) => (compiled++, catalog.findScope(scope)) }
    const cached = createGrantCache(counting, 10)
    const text = (i: number) => `gone:r${i}`
    for (let i = 0; i < 1_000; i++) {
      cached(text(i))
      cached('forms:read')
    }
    // 1,000 of one use each, and the one in constant use once.
    expect(compiled).toBe(1_001)
    // Asked for again from the last one back, at most ten are still there, and at least a few.
    for (let i = 999; i >= 0; i--) cached(text(i))
    const kept = 1_000 - (compiled - 1_001)
    expect(kept).toBeLessThanOrEqual(10)
    expect(kept).toBeGreaterThanOrEqual(4)
  })

  it('has as many at once as half of what it may keep, whatever came before', () => {
    let compiled = 0
    const counting = { ...catalog, findScope: (scope: unknown) => (compiled++, catalog.findScope(scope)) }
    const cached = createGrantCache(counting, 10)
    for (let round = 0; round < 20; round++) for (let i = 0; i < 5; i++) cached(`gone:r${i}`)
    expect(compiled).toBe(5)
  })

  it('works with room for one only', () => {
    for (const max of [0, 1]) {
      const cached = createGrantCache(catalog, max)
      expect(cached('contacts:read')).toBe(cached('contacts:read'))
      expect(cached('contacts:write').scopes).toEqual(['contacts:write'])
    }
  })
})
