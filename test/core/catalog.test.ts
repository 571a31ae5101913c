import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { actionOf, ladder, ladders } from '../../src/core/ladder.js'
import { unreachable } from '../../src/core/permission.js'
import { randomCatalog } from './arbitrary-catalog.js'
import { errorOf } from './faults.js'
import { hostileStrings, hostileValues } from './hostile-values.js'

const catalog = defineCatalog({
  groups: { crm: { label: 'CRM' }, 'admin-only': { sensitive: true } },
  resources: {
    contacts: {
      label: 'Contacts',
      group: 'crm',
      ladder: ladders.crud,
      describe: { read: 'List and fetch contacts' },
      sensitive: 'delete-approval',
    },
    forms: { ladder: [ladders.readWrite, ladder('send-approval', 'send')], sensitive: ['write', 'send'] },
    'voice-agents': { ladder: ladder('read', 'trigger-approval'), group: 'admin-only' },
    users: { ladder: ladder('read', 'write'), group: 'admin-only', sensitive: 'write' },
    profile: { ladder: ladder('read'), group: 'admin-only', sensitive: false },
    keys: { ladder: [ladder('read'), ladder('use')], sensitive: true },
  },
  renamed: { people: 'contacts', persons: 'contacts' },
})

describe('ladders', () => {
  it('are those of the design, low to high', () => {
    expect(ladders).toEqual({
      crud: { rungs: ['read', 'write-approval', 'write', 'delete-approval', 'delete'] },
      communication: { rungs: ['read', 'send-approval', 'send'] },
      use: { rungs: ['use-approval', 'use'] },
      readWrite: { rungs: ['read', 'write'] },
    })
  })

  it('cannot be changed', () => {
    const made = ladder('read')
    for (const value of [ladders, ladders.crud, ladders.crud.rungs, made, made.rungs]) {
      expect(Object.isFrozen(value)).toBe(true)
    }
  })

  it('tell the action of a rung', () => {
    expect(['read', 'write-approval', 'approval-write'].map(actionOf)).toEqual([
      'read',
      'write',
      'approval-write',
    ])
  })
})

describe('a catalogue', () => {
  it('has one slot for each resource and ladder, in the order of the definition', () => {
    expect(
      catalog.slots.map(({ index, resource, rungs }) => `${index} ${resource} ${rungs.join(' ')}`),
    ).toEqual([
      '0 contacts read write-approval write delete-approval delete',
      '1 forms read write',
      '2 forms send-approval send',
      '3 voice-agents read trigger-approval',
      '4 users read write',
      '5 profile read',
      '6 keys read',
      '7 keys use',
    ])
    expect(catalog.slots[0]!.scopes[1]).toBe('contacts:write-approval')
    expect(catalog.slots[0]!.actions).toEqual(['read', 'write', 'delete'])
  })

  it('binds each permission to levels, none being 0 and rung i being i + 1', () => {
    expect(catalog.permissions.map((bound) => bound.permission)).toEqual([
      'contacts:read',
      'contacts:write',
      'contacts:delete',
      'forms:read',
      'forms:write',
      'forms:send',
      'voice-agents:read',
      'voice-agents:trigger',
      'users:read',
      'users:write',
      'profile:read',
      'keys:read',
      'keys:use',
    ])
    expect(catalog.bind('contacts:write')).toEqual({
      permission: 'contacts:write',
      resource: 'contacts',
      action: 'write',
      slot: 0,
      rungs: ladders.crud.rungs,
      approvalAt: 2,
      allowAt: 3,
      firstSlot: 0,
      lastSlot: 0,
      sensitive: false,
    })
    expect(catalog.bind('forms:send')).toMatchObject({ slot: 2, firstSlot: 1, lastSlot: 2 })
    expect(catalog.bind('forms:read')).toMatchObject({ approvalAt: unreachable, allowAt: 1 })
    expect(catalog.bind('voice-agents:trigger')).toMatchObject({ approvalAt: 2, allowAt: unreachable })
  })

  it('puts what is unreachable above anything a level table can hold', () => {
    expect(unreachable).toBeGreaterThan(new Uint8Array([-1])[0]!)
  })

  it('marks as sensitive from a rung upward, per ladder, or all of a group that does not say otherwise', () => {
    const sensitive = catalog.permissions.filter((bound) => bound.sensitive)
    expect(sensitive.map((bound) => bound.permission)).toEqual([
      'contacts:delete',
      'forms:write',
      'forms:send',
      'voice-agents:read',
      'voice-agents:trigger',
      'users:write',
      'keys:read',
      'keys:use',
    ])
    expect(catalog.slots.map((slot) => slot.sensitiveAt)).toEqual([4, 2, 2, 1, 2, unreachable, 1, 1])
  })

  it('marks an action whose approval rung alone is there by that rung', () => {
    const marks = (sensitive?: 'use-approval' | 'read') =>
      defineCatalog({
        resources: { a: { ladder: ladder('use-approval', 'read'), ...(sensitive && { sensitive }) } },
      }).permissions.map((bound) => bound.sensitive)
    expect(marks('use-approval')).toEqual([true, true])
    expect(marks('read')).toEqual([false, true])
    expect(marks()).toEqual([false, false])
  })

  it('marks nothing that neither itself nor its group calls sensitive', () => {
    const made = defineCatalog({
      groups: { plain: {}, admin: { sensitive: true } },
      resources: {
        lone: { ladder: ladders.readWrite },
        grouped: { group: 'plain', ladder: ladders.readWrite },
        guarded: { group: 'admin', ladder: ladders.readWrite },
        partly: { ladder: [ladders.readWrite, ladder('send')], sensitive: 'send' },
      },
    })
    expect(made.slots.map((slot) => slot.sensitiveAt)).toEqual([unreachable, unreachable, 1, unreachable, 1])
  })

  it('makes labels of names where none are given', () => {
    expect(catalog.groups).toEqual([
      { name: 'crm', label: 'CRM', sensitive: false },
      { name: 'admin-only', label: 'Admin only', sensitive: true },
    ])
    expect(catalog.resources.map(({ label }) => label)).toEqual([
      'Contacts',
      'Forms',
      'Voice agents',
      'Users',
      'Profile',
      'Keys',
    ])
    expect(defineCatalog({ resources: { 'a.b_c': { ladder: ladders.use } } }).resources[0]!.label).toBe(
      'A b c',
    )
  })

  it('keeps for consoles what a resource says of itself', () => {
    expect(catalog.resources[0]).toMatchObject({
      name: 'contacts',
      group: 'crm',
      describe: { read: 'List and fetch contacts' },
      formerly: ['people', 'persons'],
    })
    expect(catalog.resources[1]).toMatchObject({ group: null, describe: {}, formerly: [] })
    expect(catalog.resources[1]!.slots).toEqual([catalog.slots[1], catalog.slots[2]])
  })

  it('cannot be changed, neither through itself nor through the definition', () => {
    const definition = { resources: { a: { ladder: { rungs: ['read'] }, describe: { read: 'x' } } } }
    const made = defineCatalog(definition)
    definition.resources.a.ladder.rungs.push('write')
    definition.resources.a.describe.read = 'y'
    expect(made.find('a:write')).toBeUndefined()
    expect(made.resources[0]!.describe['read']).toBe('x')
    const parts = (value: object): object[] => [
      value,
      ...Object.values(value)
        .filter((part): part is object => typeof part === 'object' && part !== null)
        .flatMap(parts),
    ]
    for (const part of [
      ...parts(catalog),
      catalog.find('contacts:read')!,
      catalog.findScope('forms:send')!,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

describe('finding a name', () => {
  it('understands the old names of a renamed resource and answers with the new one', () => {
    expect(catalog.find('people:write')).toBe(catalog.find('contacts:write'))
    expect(catalog.find('persons:read')?.permission).toBe('contacts:read')
    expect(catalog.bind('people:read' as never).permission).toBe('contacts:read')
    expect(catalog.findScope('people:write-approval')).toEqual({
      scope: 'contacts:write-approval',
      slot: 0,
      level: 2,
    })
  })

  it('knows actions as permissions and rungs as scopes, and does not mix them up', () => {
    expect(catalog.find('contacts:write-approval')).toBeUndefined()
    expect(catalog.find('voice-agents:trigger')).toBeDefined()
    expect(catalog.findScope('voice-agents:trigger')).toBeUndefined()
    expect(catalog.findScope('voice-agents:trigger-approval')).toEqual({
      scope: 'voice-agents:trigger-approval',
      slot: 3,
      level: 2,
    })
  })

  it.each(hostileStrings.map((text) => [text.slice(0, 30), text]))('finds nothing for %j', (_shown, text) => {
    expect(catalog.find(text)).toBeUndefined()
    expect(catalog.findScope(text)).toBeUndefined()
    expect(errorOf(() => catalog.bind(text as never)).code).toBe('unknown_permission')
  })

  it.each(Object.entries(hostileValues()))('finds nothing for %s, and never throws', (_name, value) => {
    expect(catalog.find(value)).toBeUndefined()
    expect(catalog.findScope(value)).toBeUndefined()
    expect(errorOf(() => catalog.bind(value as never)).code).toBe('unknown_permission')
  })

  it('finds only what is in the catalogue, whatever the text', () => {
    const known = new Set<string>(catalog.permissions.map((bound) => bound.permission))
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'contacts:read-') })),
        (text) => {
          expect(catalog.find(text) !== undefined).toBe(known.has(text))
        },
      ),
    )
  })

  it('finds every name there is, on random catalogues', () => {
    fc.assert(
      fc.property(randomCatalog, (random) => {
        for (const permission of random.permissions) expect(random.catalog.find(permission)).toBeDefined()
        for (const scope of random.scopes) expect(random.catalog.findScope(scope)).toBeDefined()
        const names = random.catalog.permissions.map((bound) => bound.permission)
        expect(new Set(names).size).toBe(names.length)
      }),
      { numRuns: 50 },
    )
  })

  it('names an unknown permission, with a guess, and repeats nothing that has not the form of one', () => {
    const message = (text: unknown) => errorOf(() => catalog.bind(text as never)).message
    expect(message('contact:read')).toBe(
      'There is no permission "contact:read" in the catalogue. Did you mean "contacts:read"?',
    )
    expect(message('invoices:pay')).toBe('There is no permission "invoices:pay" in the catalogue.')
    expect(message('tp_live_secret')).toBe('A permission is written "resource:action".')
    expect(message(null)).toBe('A permission is written "resource:action".')
  })
})
