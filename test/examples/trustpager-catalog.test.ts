import { describe, expect, it } from 'vitest'
import { readApiFile } from '../../examples/trustpager/api-file.js'
import { catalog, parsePermission } from '../../examples/trustpager/catalog.js'

const file = readApiFile()
const listed = file.groups.flatMap((group) => group.scopes)
const demanded = [...new Set(file.routes.flatMap((route) => route.scopes))]
const renamed = (resource: string): string => file.renamed[resource] ?? resource

describe("TrustPager's catalogue", () => {
  it('has every scope that a route demands as a permission', () => {
    expect(demanded.length).toBe(81)
    expect(demanded.filter((scope) => !catalog.find(scope))).toEqual([])
  })

  it('has every scope of the groups and every one that is used but not listed', () => {
    expect(listed.length).toBe(75)
    expect(file.scopesUsedButNotListed.length).toBe(7)
    const all = [...listed, ...file.scopesUsedButNotListed]
    expect(all.filter((scope) => !catalog.find(scope) || !catalog.findScope(scope))).toEqual([])
  })

  it('has no resource that the file does not know', () => {
    const known = new Set([...listed, ...demanded].map((scope) => renamed(scope.split(':')[0]!)))
    expect(catalog.resources.map((resource) => resource.name).toSorted()).toEqual([...known].toSorted())
    expect(known.size).toBe(36)
  })

  it('keeps the groups of the file', () => {
    expect(catalog.groups.map((group) => group.label)).toEqual(file.groups.map((group) => group.label))
    const labelOf = new Map(catalog.groups.map((group) => [group.name, group.label]))
    const misplaced = file.groups.flatMap((group) =>
      group.scopes.filter((scope) => {
        const resource = catalog.resources.find(({ name }) => name === renamed(scope.split(':')[0]!))
        return labelOf.get(resource?.group ?? '') !== group.label
      }),
    )
    // Its reading stands under Communication, and a resource is in one group.
    expect(misplaced).toEqual(['voice-agents:write'])
  })

  it("marks as sensitive what the file's admin group lists, and nothing else that it lists", () => {
    const adminOnly = file.groups.filter((group) => group.adminOnly).flatMap((group) => group.scopes)
    expect(adminOnly.length).toBe(13)
    expect(listed.filter((scope) => catalog.find(scope)!.sensitive)).toEqual(adminOnly)
    expect(catalog.find('voice-agents:read')!.sensitive).toBe(false)
    expect(catalog.find('voice-agents:write')!.sensitive).toBe(true)
  })

  it('puts the actions off the usual ladders beside them, each with its approval rung', () => {
    for (const permission of [
      'automations:trigger',
      'forms:send',
      'signing:send',
      'email:write',
      'sms:write',
    ]) {
      const bound = catalog.find(permission)!
      expect(bound.rungs).toEqual([`${bound.action}-approval`, bound.action])
    }
    expect(catalog.find('calls:initiate')!.rungs).toEqual(['read', 'initiate-approval', 'initiate'])
    expect(catalog.find('email:send')!.rungs).toEqual(['read', 'send-approval', 'send'])
    expect(catalog.find('ai:use')!.rungs).toEqual(['use-approval', 'use'])
  })

  it('keeps old names of renamed resources alive', () => {
    expect(Object.keys(file.renamed).length).toBe(2)
    for (const [old, name] of Object.entries(file.renamed)) {
      expect(catalog.find(`${old}:read`)).toBe(catalog.find(`${name}:read`))
      expect(catalog.findScope(`${old}:write-approval`)!.scope).toBe(`${name}:write-approval`)
    }
    expect(parsePermission('customers:read')).toBe('companies:read')
  })

  it('describes every resource in words', () => {
    expect(catalog.resources.filter((resource) => Object.keys(resource.describe).length === 0)).toEqual([])
  })

  it('is typed: a permission that does not exist does not compile', () => {
    const typed = (permission: ReturnType<typeof parsePermission>): string => permission
    expect(typed('opportunities:write')).toBe('opportunities:write')
    // @ts-expect-error there is no such action
    expect(typed('billing:write')).toBe('billing:write')
    expect(() => parsePermission('billing:write')).toThrow('no permission "billing:write"')
  })
})
