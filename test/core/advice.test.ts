import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adviseGrant } from '../../src/core/advice.js'
import type { UsedPermission } from '../../src/core/advice.js'
import { defineCatalog } from '../../src/core/catalog.js'
import { check } from '../../src/core/evaluate.js'
import { compileGrant, covers, fullGrant, grantOf } from '../../src/core/grant.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import { randomCatalog, randomHeld } from './arbitrary-catalog.js'

const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    email: { ladder: ladders.communication },
    forms: { ladder: [ladders.crud, ladder('send-approval', 'send')] },
    agents: { ladder: ladder('read', 'run-approval') },
  },
  renamed: { people: 'contacts' },
})

const allowed = (permission: string): UsedPermission => ({ permission, effect: 'allow' })
const queued = (permission: string): UsedPermission => ({ permission, effect: 'approval' })
const scopesFor = (held: string, ...used: UsedPermission[]) =>
  adviseGrant(catalog, compileGrant(catalog, held), used).scopes

describe('the least that a key needs', { timeout: 60_000 }, () => {
  it('is on each ladder the lowest rung that does what was done, and the rest is told as unused', () => {
    const held = compileGrant(catalog, 'contacts:delete email:send forms:write forms:send')
    const used = [allowed('contacts:read'), allowed('contacts:write'), queued('forms:send')]
    expect(adviseGrant(catalog, held, used)).toEqual({
      scopes: ['contacts:write', 'forms:send-approval'],
      unused: ['email:send', 'forms:write'],
      unknown: [],
      diff: {
        allowed: [],
        queued: ['forms:send'],
        denied: ['contacts:delete', 'email:read', 'email:send', 'forms:read', 'forms:write'],
      },
    })
  })

  it('of a key that did nothing is nothing', () => {
    expect(adviseGrant(catalog, compileGrant(catalog, 'contacts:read'), [])).toMatchObject({
      scopes: [],
      unused: ['contacts:read'],
    })
  })

  it('of a key with Full Access is the scopes that would do', () => {
    const advice = adviseGrant(catalog, fullGrant(catalog), [allowed('email:send'), queued('agents:run')])
    expect(advice.scopes).toEqual(['agents:run-approval', 'email:send'])
    expect(advice.unused).toEqual(['contacts:delete', 'forms:delete', 'forms:send'])
    expect(advice.diff).toMatchObject({ allowed: [], queued: [] })
  })

  it('is told by today’s names', () => {
    expect(scopesFor('contacts:delete', allowed('people:read'))).toEqual(['contacts:read'])
  })

  it('tells what the catalogue no longer has, and makes nothing up for it', () => {
    const used = [allowed('gone:read'), allowed('contacts:vanish'), queued('gone:read'), allowed('__proto__')]
    expect(adviseGrant(catalog, compileGrant(catalog, 'contacts:read gone:read'), used)).toEqual({
      scopes: [],
      unused: ['contacts:read'],
      unknown: ['__proto__', 'contacts:vanish', 'gone:read'],
      diff: { allowed: [], queued: [], denied: ['contacts:read'] },
    })
  })

  it('never goes beyond what is held now', () => {
    expect(scopesFor('contacts:write-approval', allowed('contacts:delete'))).toEqual([])
    expect(scopesFor('contacts:write-approval', allowed('contacts:write'))).toEqual([
      'contacts:write-approval',
    ])
    expect(scopesFor('', allowed('contacts:read'))).toEqual([])
  })

  it('queues what was queued also where no rung but the allowing one does', () => {
    expect(scopesFor('email:send', queued('email:read'))).toEqual(['email:read'])
  })

  const strength = { deny: 0, approval: 1, allow: 2 } as const
  const cases = randomCatalog.chain((random) =>
    fc.record({
      random: fc.constant(random),
      held: randomHeld(random),
      used: fc.array(
        fc.record({
          permission: fc.constantFrom(...random.permissions, 'gone:read'),
          effect: fc.constantFrom('allow', 'approval'),
        }) as fc.Arbitrary<UsedPermission>,
        { maxLength: 12 },
      ),
    }),
  )

  /** Whether a grant still does what was done, as far as what is held does it. */
  function does(of: typeof catalog, grant: ReturnType<typeof grantOf>, held: typeof grant) {
    return ({ permission, effect }: UsedPermission): boolean =>
      strength[check(of, grant, permission)] >=
      Math.min(strength[effect], strength[check(of, held, permission)])
  }

  it('law: it allows and queues all that was done, and is covered by what is held', () => {
    fc.assert(
      fc.property(cases, ({ random, held, used }) => {
        const of = random.catalog as unknown as typeof catalog
        const before = grantOf(of, held)
        const after = grantOf(of, adviseGrant(of, before, used).scopes)
        expect(used.every(does(of, after, before))).toBe(true)
        expect(covers(before, after)).toBe(true)
      }),
    )
  })

  it('law: no lower rung would do, and what is unused is of no use', () => {
    fc.assert(
      fc.property(cases, ({ random, held, used }) => {
        const of = random.catalog as unknown as typeof catalog
        const before = grantOf(of, held)
        const { scopes, unused } = adviseGrant(of, before, used)
        for (const scope of scopes) {
          const { slot, level } = of.findScope(scope)!
          const lower = level > 1 ? [of.slots[slot]!.scopes[level - 2]!] : []
          const less = grantOf(of, [...scopes.filter((other) => other !== scope), ...lower])
          expect(used.every(does(of, less, before))).toBe(false)
        }
        const without = before.scopes.filter((scope) => !unused.includes(scope))
        expect(used.every(does(of, grantOf(of, without), before))).toBe(true)
      }),
    )
  })

  it('law: its difference is that of holding the advised scopes, and never gives anything', () => {
    fc.assert(
      fc.property(cases, ({ random, held, used }) => {
        const of = random.catalog as unknown as typeof catalog
        const before = grantOf(of, held)
        const { scopes, diff } = adviseGrant(of, before, used)
        const after = grantOf(of, scopes)
        expect(diff.allowed).toEqual([])
        for (const permission of diff.queued) expect(check(of, before, permission)).toBe('allow')
        for (const permission of diff.denied) expect(check(of, after, permission)).toBe('deny')
        if (used.length === 0) expect(scopes).toEqual([])
      }),
    )
  })
})
