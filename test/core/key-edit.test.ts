import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { changesRights, findLooserLimits, findWidenings, grantOfKey } from '../../src/core/key-edit.js'
import type { KeyRights } from '../../src/core/key-edit.js'
import { ladder, ladders } from '../../src/core/ladder.js'
import { effectAt } from '../../src/core/permission.js'
import { formatScopes } from '../../src/core/scope.js'
import { createAddressList } from '../../src/net/address-rule.js'
import { coversAddresses } from '../../src/net/address-cover.js'

const catalog = defineCatalog({
  resources: {
    contacts: { ladder: ladders.crud },
    forms: { ladder: [ladders.crud, ladder('send-approval', 'send')] },
    users: { ladder: ladder('read') },
  },
  renamed: { people: 'contacts' },
})
const known = catalog.slots.flatMap(({ scopes }) => scopes)
const unknown = ['invoices:read', 'invoices:write']

/** A few instants and addresses, so that equal ones, and ones just beside another, come up often. */
const instants = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000, 1_800_000_000_001]
const addresses = ['192.0.2.0', '192.0.2.127', '192.0.2.128', '198.51.100.7', '2001:db8::1', '2001:db8:1::']
const rules = [
  '0.0.0.0/0',
  '192.0.2.0/24',
  '192.0.2.0/25',
  '192.0.2.128/25',
  '192.0.2.128',
  '198.51.100.7',
  '::/0',
  '2001:db8::/32',
  '2001:db8::1',
]

const rights: fc.Arbitrary<KeyRights> = fc
  .record({
    mode: fc.constantFrom('custom', 'custom', 'custom', 'full'),
    scopes: fc.subarray([...known, 'people:write' as const, ...unknown], { maxLength: 5 }),
    expiresAt: fc.constantFrom(null, ...instants),
    notBefore: fc.constantFrom(null, ...instants),
    addressRules: fc.subarray(rules, { maxLength: 3 }).map((list) => list.join(' ')),
    ownerId: fc.constantFrom(null, 'ann', 'bob'),
  })
  .map((all) => ({ ...all, scopes: all.mode === 'full' ? '' : formatScopes(catalog, all.scopes) }))

const order = { deny: 0, approval: 1, allow: 2 } as const

/** What a key is good for, as a plain list of facts; each is looked up by its name. */
function facts(key: KeyRights): Map<string, number> {
  const grant = grantOfKey(catalog, key)
  const admits = createAddressList(key.addressRules === '' ? [] : key.addressRules.split(' '))
  return new Map([
    ...catalog.permissions.map(
      (bound) => [bound.permission, order[effectAt(bound, grant.levels[bound.slot]!)]] as const,
    ),
    ['everything to come', key.mode === 'full' ? 1 : 0],
    ...unknown.map(
      (scope) => [scope, key.mode === 'full' || grant.unknown.includes(scope as never) ? 1 : 0] as const,
    ),
    ...[0, ...instants, Number.MAX_SAFE_INTEGER].map((at) => {
      const isValid = at >= (key.notBefore ?? 0) && at < (key.expiresAt ?? Infinity)
      return [`at ${at}`, isValid ? 1 : 0] as const
    }),
    ...[...addresses, undefined].map(
      (address) => [`from ${address}`, key.addressRules === '' || admits(address) ? 1 : 0] as const,
    ),
    ...['ann', 'bob'].map((user) => [`beyond ${user}`, key.ownerId === user ? 0 : 1] as const),
  ])
}

describe('an edit', () => {
  it('that is called harmless never makes a key good for anything it was not', () => {
    let harmless = 0
    fc.assert(
      fc.property(
        rights,
        rights,
        fc.subarray(['scopes', 'expiresAt', 'notBefore', 'addressRules', 'ownerId'] as const),
        (before, other, kept) => {
          // Most fields stay, so that harmless edits are not too rare.
          const stays = Object.fromEntries(kept.map((field) => [field, before[field]]))
          const mode = kept.includes('scopes') ? { mode: before.mode } : {}
          const after: KeyRights = { ...other, ...stays, ...mode }
          if (findWidenings(catalog, before, after, coversAddresses).length > 0) return
          harmless++
          const was = facts(before)
          for (const [fact, level] of facts(after))
            expect([fact, level <= was.get(fact)!]).toEqual([fact, true])
        },
      ),
      { numRuns: 3_000 },
    )
    expect(harmless).toBeGreaterThan(100)
  })

  it('that only takes away is called harmless, field by field', () => {
    const base: KeyRights = {
      mode: 'custom',
      scopes: 'contacts:write',
      expiresAt: instants[2]!,
      notBefore: instants[0]!,
      addressRules: '192.0.2.0/24',
      ownerId: null,
    }
    const widen = (change: Partial<KeyRights>, from: Partial<KeyRights> = {}) =>
      findWidenings(catalog, { ...base, ...from }, { ...base, ...from, ...change }, coversAddresses)
    for (const change of [
      {},
      { scopes: 'contacts:read' },
      { scopes: '' },
      { expiresAt: instants[1]! },
      { notBefore: instants[1]! },
      { addressRules: '192.0.2.128/25 192.0.2.7' },
      { ownerId: 'ann' },
    ]) {
      expect(widen(change)).toEqual([])
    }
    expect(
      widen({ mode: 'custom', scopes: 'contacts:delete users:read' }, { mode: 'full', scopes: '' }),
    ).toEqual([])
    expect(widen({ scopes: 'contacts:delete' })).toEqual(['scopes'])
    expect(widen({ mode: 'full', scopes: '' })).toEqual(['scopes'])
    expect(widen({ scopes: 'contacts:write invoices:read' })).toEqual(['scopes'])
    expect(widen({ expiresAt: null, notBefore: null, addressRules: '' })).toEqual([
      'expiresAt',
      'notBefore',
      'addressRules',
    ])
    expect(widen({ ownerId: 'bob' }, { ownerId: 'ann' })).toEqual(['ownerId'])
    expect(widen({ ownerId: null }, { ownerId: 'ann' })).toEqual(['ownerId'])
  })

  it('there and back is harmless both ways only where it changes no right', () => {
    fc.assert(
      fc.property(rights, rights, (a, b) => {
        const isHarmless = (from: KeyRights, to: KeyRights) =>
          findWidenings(catalog, from, to, coversAddresses).length === 0
        expect(isHarmless(a, a)).toBe(true)
        if (!isHarmless(a, b) || !isHarmless(b, a)) return
        expect(facts(b)).toEqual(facts(a))
      }),
    )
  })

  it('changes rights exactly where one of their columns differs', () => {
    fc.assert(
      fc.property(rights, rights, (a, b) => {
        expect(changesRights(a, { ...a })).toBe(false)
        expect(changesRights(a, b)).toBe(JSON.stringify(a) !== JSON.stringify(b))
      }),
    )
    const [one] = fc.sample(rights, 1) as [KeyRights]
    for (const field of ['mode', 'scopes', 'expiresAt', 'notBefore', 'addressRules', 'ownerId'] as const) {
      expect(changesRights(one, { ...one, [field]: 'other' })).toBe(true)
    }
  })

  it('is judged by limits alone where scopes are compared elsewhere', () => {
    const free = { expiresAt: null, notBefore: null, addressRules: '', ownerId: null }
    expect(findLooserLimits(free, free, coversAddresses)).toEqual([])
    expect(findLooserLimits({ ...free, expiresAt: 5 }, free, coversAddresses)).toEqual(['expiresAt'])
  })
})
