import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffAccess } from '../../src/core/access-diff.js'
import { defineCatalog } from '../../src/core/catalog.js'
import { check } from '../../src/core/evaluate.js'
import { grantOf } from '../../src/core/grant.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import { randomCatalog, randomHeld } from './arbitrary-catalog.js'
import { errorOf } from './faults.js'

const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    email: { ladder: ladders.communication },
    agents: { ladder: ladder('read', 'run-approval') },
  },
  renamed: { people: 'contacts' },
})

describe('what an edit changes', { timeout: 60_000 }, () => {
  it('is told permission by permission, each in one list', () => {
    expect(diffAccess(catalog, ['contacts:read'], ['contacts:write-approval', 'email:read'])).toEqual({
      allowed: ['email:read'],
      queued: ['contacts:write'],
      denied: [],
    })
    expect(diffAccess(catalog, ['contacts:delete'], ['contacts:write-approval'])).toEqual({
      allowed: [],
      queued: ['contacts:write'],
      denied: ['contacts:delete'],
    })
  })

  it('takes Full Access and compiled grants as well', () => {
    expect(diffAccess(catalog, 'full', [])).toEqual({
      allowed: [],
      queued: [],
      denied: [
        'contacts:read',
        'contacts:write',
        'contacts:delete',
        'email:read',
        'email:send',
        'agents:read',
        'agents:run',
      ],
    })
    expect(diffAccess(catalog, grantOf(catalog, ['agents:read']), 'full')).toMatchObject({
      queued: ['agents:run'],
    })
  })

  it('is nothing where only names or lower rungs change', () => {
    const none = { allowed: [], queued: [], denied: [] }
    expect(diffAccess(catalog, ['people:write' as string], ['contacts:read', 'contacts:write'])).toEqual(none)
    expect(diffAccess(catalog, ['gone:read' as string], [])).toEqual(none)
  })

  it('is not told of what has not the form of scopes', () => {
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    for (const value of [null, 'contacts:read', [1], 7, { levels: new Uint8Array(3) }, revoked.proxy]) {
      expect(errorOf(() => diffAccess(catalog, [], value as never)).code).toBe('input_invalid')
    }
  })

  it('is what checks before and after say, on random catalogues', () => {
    const given = randomCatalog.chain((random) =>
      fc.record({ random: fc.constant(random), before: randomHeld(random), after: randomHeld(random) }),
    )
    fc.assert(
      fc.property(given, ({ random: { catalog: made }, before, after }) => {
        const diff = diffAccess(made, before, after)
        const changed = (effect: string) =>
          made.permissions
            .map(({ permission }) => permission)
            .filter((name) => check(made, grantOf(made, after), name) === effect)
            .filter((name) => check(made, grantOf(made, before), name) !== effect)
        expect(diff).toEqual({
          allowed: changed('allow'),
          queued: changed('approval'),
          denied: changed('deny'),
        })
      }),
      { numRuns: 200 },
    )
  })
})
