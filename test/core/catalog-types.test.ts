import { describe, expectTypeOf, it } from 'vitest'
import { defineCatalog, type Catalog, type PermissionOf, type ScopeOf } from '../../src/core/catalog.js'
import { createDemand } from '../../src/core/demand.js'
import { ladder, ladders, type ActionOf, type Ladder } from '../../src/core/ladder.js'
import type { RungsByResource } from '../../src/core/permission.js'

const catalog = defineCatalog({
  groups: { crm: { label: 'CRM' }, admin: { sensitive: true } },
  resources: {
    contacts: {
      group: 'crm',
      ladder: ladders.crud,
      describe: { read: 'List contacts' },
      sensitive: 'delete',
    },
    email: { label: 'Email', ladder: ladders.communication },
    users: { group: 'admin', ladder: ladder('read') },
    forms: { ladder: [ladders.readWrite, ladder('send-approval', 'send')], sensitive: ['write', 'send'] },
    ai: { ladder: ladder('use-approval') },
  },
  renamed: { people: 'contacts' },
})

describe('names typed from the catalogue', () => {
  it('are complete: every permission and every scope, and nothing else', () => {
    expectTypeOf<PermissionOf<typeof catalog>>().toEqualTypeOf<
      | 'contacts:read'
      | 'contacts:write'
      | 'contacts:delete'
      | 'email:read'
      | 'email:send'
      | 'users:read'
      | 'forms:read'
      | 'forms:write'
      | 'forms:send'
      | 'ai:use'
    >()
    expectTypeOf<ScopeOf<typeof catalog>>().toEqualTypeOf<
      | 'contacts:read'
      | 'contacts:write-approval'
      | 'contacts:write'
      | 'contacts:delete-approval'
      | 'contacts:delete'
      | 'email:read'
      | 'email:send-approval'
      | 'email:send'
      | 'users:read'
      | 'forms:read'
      | 'forms:write'
      | 'forms:send-approval'
      | 'forms:send'
      | 'ai:use-approval'
    >()
  })

  it('take the approval off a rung to get its action', () => {
    expectTypeOf<ActionOf<'write-approval' | 'write' | 'read'>>().toEqualTypeOf<'write' | 'read'>()
    expectTypeOf(ladder('read', 'write')).toEqualTypeOf<Ladder<'read' | 'write'>>()
  })

  it('do not let a typo in a demand compile', () => {
    createDemand(catalog, 'contacts:read')
    createDemand(catalog, ['contacts:read', 'forms:send'])
    createDemand(catalog, [])
    const typos = () => {
      // @ts-expect-error no such resource
      createDemand(catalog, 'contact:read')
      // @ts-expect-error a rung is not an action
      createDemand(catalog, ['contacts:write-approval'])
      // @ts-expect-error an old name is for run time only
      catalog.bind('people:read')
      // @ts-expect-error there is one kind of it
      createDemand(catalog, 'contacts:read', { approval: 'never' })
    }
    expectTypeOf(typos).toBeFunction()
  })

  it('do not let a typo in a definition compile', () => {
    const typos = () => {
      // @ts-expect-error a property that does not exist
      defineCatalog({ resources: { a: { ladder: ladders.use, lader: ladders.use } } })
      // @ts-expect-error no ladder
      defineCatalog({ resources: { a: { label: 'A' } } })
      // @ts-expect-error there are no groups here
      defineCatalog({ resources: { a: { ladder: ladders.use, group: 'crm' } } })
      // @ts-expect-error another group
      defineCatalog({ groups: { crm: {} }, resources: { a: { ladder: ladders.use, group: 'cmr' } } })
      // @ts-expect-error no such rung
      defineCatalog({ resources: { a: { ladder: ladders.use, describe: { read: 'Read' } } } })
      // @ts-expect-error no such rung
      defineCatalog({ resources: { a: { ladder: ladders.use, sensitive: 'write' } } })
      // @ts-expect-error no such resource today
      defineCatalog({ resources: { a: { ladder: ladders.use } }, renamed: { old: 'b' } })
    }
    expectTypeOf(typos).toBeFunction()
  })

  it('fit wherever any catalogue is taken, and nowhere another one is', () => {
    expectTypeOf(catalog).toExtend<Catalog>()
    expectTypeOf<Catalog<{ a: 'read' }>>().not.toExtend<Catalog<{ b: 'read' }>>()
    const generic = <R extends RungsByResource>(given: Catalog<R>): PermissionOf<Catalog<R>> =>
      given.permissions[0]!.permission as PermissionOf<Catalog<R>>
    expectTypeOf(generic(catalog)).toEqualTypeOf<PermissionOf<typeof catalog>>()
  })

  it('are open where a catalogue is built from data', () => {
    const built = defineCatalog({ resources: Object.fromEntries([['a', { ladder: ladders.use }]]) })
    createDemand(built, 'a:use')
  })
})
