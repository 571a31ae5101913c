import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defineCatalog } from '../../src/core/catalog.js'
import { demandOf } from '../../src/core/demand.js'
import { evaluate } from '../../src/core/evaluate.js'
import { compileGrant, fullGrant } from '../../src/core/grant.js'
import { formatScopes, parseScopes, readScopes } from '../../src/core/scope.js'
import { errorOf } from './faults.js'

interface DecisionVectors {
  readonly catalogues: Readonly<Record<string, unknown>>
  readonly cases: readonly {
    readonly name: string
    readonly catalogue: string
    readonly permissions: readonly string[]
    readonly approval?: 'always'
    readonly layers: {
      key: string
      token?: string
      client?: string
      owner?: string
      plan?: string
      access?: boolean
    }
    readonly expected: Readonly<Record<string, unknown>>
  }[]
}

interface ScopeVectors {
  readonly catalogue: unknown
  readonly canonical: readonly { readonly scopes: readonly string[]; readonly text: string }[]
  readonly read: readonly { readonly text: string }[]
  readonly refused: readonly string[]
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./vectors/${name}.json`, import.meta.url), 'utf8'))

describe('the decision vectors', () => {
  const { catalogues, cases } = read('decisions') as DecisionVectors
  const catalogs = new Map(
    Object.entries(catalogues).map(([name, definition]) => [name, defineCatalog(definition as never)]),
  )

  it('are there, and no two of a name', () => {
    expect(cases.length).toBeGreaterThan(40)
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
  })

  it.each(cases)('$name', ({ catalogue, permissions, approval, layers, expected }) => {
    const catalog = catalogs.get(catalogue)!
    const levels = (held: string | undefined) =>
      held === undefined
        ? undefined
        : (held === 'full' ? fullGrant(catalog) : compileGrant(catalog, held)).levels
    const decision = evaluate(demandOf(catalog, permissions, approval && { approval }), {
      key: levels(layers.key)!,
      token: levels(layers.token),
      client: levels(layers.client),
      owner: levels(layers.owner),
      plan: levels(layers.plan),
      access: layers.access,
    })
    expect(decision).toMatchObject(expected)
  })
})

describe('the scope vectors', () => {
  const { catalogue, canonical, read: stored, refused } = read('scopes') as ScopeVectors
  const catalog = defineCatalog(catalogue as never)

  it.each(canonical)('$scopes is written "$text"', ({ scopes, text }) => {
    expect(parseScopes(catalog, scopes).text).toBe(text)
    expect(formatScopes(catalog, scopes)).toBe(text)
    expect(readScopes(catalog, text).scopes.join(' ')).toBe(text)
  })

  it.each(stored)('"$text" is read as it says', ({ text, ...expected }) => {
    expect(readScopes(catalog, text)).toEqual(expected)
  })

  it.each(refused)('%j is refused', (scope) => {
    expect(errorOf(() => parseScopes(catalog, [scope])).code).toBe('input_invalid')
  })
})
