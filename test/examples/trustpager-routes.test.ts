import { describe, expect, it } from 'vitest'
import { readApiFile } from '../../examples/trustpager/api-file.js'
import { catalog } from '../../examples/trustpager/catalog.js'
import { locate } from '../../examples/trustpager/location.js'
import { planRoutes, type PlannedRoute } from '../../examples/trustpager/route-plan.js'
import { findSampleCollections } from '../../examples/trustpager/samples.js'

const { routes } = readApiFile()
const plan = planRoutes(routes)
const withoutQuery = (path: string): string => path.split('?')[0]!
const named = (method: string, path: string): PlannedRoute =>
  plan.find((route) => route.method === method && route.path === path)!

/** The first route that Express would take. */
function firstFor(method: string, path: string): PlannedRoute | undefined {
  return plan.find(
    (route) => route.method === method && new RegExp(`^${route.path.replace(/:\w+/g, '[^/]+')}$`).test(path),
  )
}

describe("TrustPager's route plan", () => {
  it('mounts every route of the file, and each once', () => {
    expect(routes.length).toBe(460)
    expect(routes.filter((route) => route.path.includes('?')).length).toBe(5)
    // Five pairs repeat word for word; two more differ in their query only.
    expect(new Set(routes.map((route) => `${route.method} ${route.path}`)).size).toBe(455)
    expect(plan.length).toBe(454)
    const mounted = new Set(plan.map((route) => `${route.method} ${route.path}`))
    expect(mounted.size).toBe(454)
    const missing = routes.filter((route) => !mounted.has(`${route.method} ${withoutQuery(route.path)}`))
    expect(missing).toEqual([])
    expect(plan.filter((route) => route.path.includes('?'))).toEqual([])
  })

  it('takes permissions from the file alone, in the catalogue’s words', () => {
    for (const route of routes) {
      const planned = named(route.method, withoutQuery(route.path))
      expect(planned.permissions).toEqual(route.scopes.map((scope) => catalog.find(scope)!.permission))
    }
    expect(plan.filter((route) => route.permissions.length === 0).length).toBe(5)
    expect(plan.filter((route) => route.permissions.length > 1).length).toBe(10)
  })

  it('does not take the method for the level', () => {
    const deletes = plan.filter((route) => route.method === 'DELETE')
    const count = (action: string): number =>
      deletes.filter((route) => route.permissions.every((permission) => permission.endsWith(`:${action}`)))
        .length
    expect([deletes.length, count('write'), count('delete'), count('read')]).toEqual([61, 48, 9, 4])
    const asking = plan.filter((route) => route.method === 'POST' && route.operation === 'search')
    expect(asking.length).toBe(12)
    expect(asking.flatMap((route) => route.permissions).filter((name) => !name.endsWith(':read'))).toEqual([])
  })

  it('says of each route what it does', () => {
    const counts: Record<string, number> = {}
    for (const { operation } of plan) counts[operation] = (counts[operation] ?? 0) + 1
    expect(counts).toEqual({
      list: 114,
      search: 12,
      read: 52,
      create: 61,
      update: 54,
      replace: 2,
      link: 4,
      delete: 61,
      'delete-many': 3,
      'read-document': 5,
      'update-document': 3,
      'replace-document': 2,
      act: 77,
      'list-approvals': 1,
      'read-approval': 1,
      'decide-approval': 2,
    })
  })

  it('refuses two entries for one route that demand different permissions', () => {
    const route = { method: 'GET', path: '/files', write: false } as const
    const twice = [
      { ...route, scopes: ['files:read'] },
      { ...route, path: '/files?type=secure', scopes: ['company:read'] },
    ]
    expect(() => planRoutes(twice)).toThrow('twice, with different scopes')
  })

  it('lets words win over parameters that would catch them', () => {
    const caught = [
      '/tasks/categories',
      '/email-campaigns/unsubscribes',
      '/transcripts/coaching',
      '/documents/folders',
      '/files/folders',
      '/notepads/folders',
    ]
    for (const path of caught) {
      const position = routes.findIndex(
        (route) => route.method === 'GET' && withoutQuery(route.path) === path,
      )
      const catching = routes.findIndex(
        (route) => route.method === 'GET' && route.path === path.replace(/[^/]+$/, ':id'),
      )
      // As the file has them, the parameter comes first.
      expect(catching).toBeLessThan(position)
      expect(firstFor('GET', path)!.path).toBe(path)
    }
    for (const route of plan) {
      expect(firstFor(route.method, route.path.replace(/:\w+/g, 'rec_1'))).toBe(route)
    }
  })

  it('keeps the query parameters that the file names, to filter by', () => {
    expect(
      plan.filter((route) => route.filters.length > 0).map((route) => `${route.method} ${route.path}`),
    ).toEqual(['GET /agents', 'GET /files', 'GET /files/folders', 'POST /files/folders'])
    expect(named('GET', '/agents').filters).toEqual(['type'])
  })

  it('never takes an approval for a record', () => {
    const approvals = plan.filter((route) => route.path.startsWith('/approvals'))
    expect(approvals.map((route) => route.operation).toSorted()).toEqual([
      'decide-approval',
      'decide-approval',
      'list-approvals',
      'read-approval',
    ])
    expect(findSampleCollections(plan)).not.toContain('approvals')
  })

  it('gives samples to the collections that no route makes records in', () => {
    const collections = findSampleCollections(plan)
    expect(collections.length).toBe(16)
    expect(collections).toContain('transcripts')
    expect(collections.every((name) => !name.includes(':'))).toBe(true)
  })
})

describe('a path as a place among the records', () => {
  it('names a record with each parameter, in the collection before it', () => {
    expect(locate('/websites/:id/pages/:pageId', { id: 'w1', pageId: 'p1' })).toEqual({
      collection: 'websites/w1/pages/p1',
      parent: 'websites/w1/pages',
      word: ':pageId',
      records: [
        { collection: 'websites', id: 'w1' },
        { collection: 'websites/w1/pages', id: 'p1' },
      ],
      aboutRecord: false,
    })
  })

  it('keeps an id with a slash in it out of other collections', () => {
    expect(locate('/contacts/:id/notes', { id: '../x/y' }).collection).toBe('contacts/..%2Fx%2Fy/notes')
  })

  it('tells an action on a record from one on a collection', () => {
    expect(locate('/deals/:id/move', { id: 'd1' }).aboutRecord).toBe(true)
    expect(locate('/tasks/reorder', {}).aboutRecord).toBe(false)
  })
})
