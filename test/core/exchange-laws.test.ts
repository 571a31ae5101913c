import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { longestTokenLifetimeMs } from '../../src/core/access-token.js'
import type { AnyCatalog } from '../../src/core/catalog.js'
import { isKeyrungError } from '../../src/core/errors.js'
import { narrow, type ExchangeBounds, type ExchangeWish, type TokenParent } from '../../src/core/exchange.js'
import { compileGrant, grantOf, type Grant } from '../../src/core/grant.js'
import { effectAt } from '../../src/core/permission.js'
import { randomCatalog, randomHeld } from './arbitrary-catalog.js'

const audiences = ['https://api.example', 'https://mail.example', 'https://bill.example']
const start = 1_700_000_000_000

const worth = { deny: 0, approval: 1, allow: 2 }

/** What a grant is worth, permission by permission. */
function worths(catalog: AnyCatalog, grant: Grant): readonly number[] {
  return catalog.permissions.map((bound) => worth[effectAt(bound, grant.levels[bound.slot]!)])
}

/** A wish for anything, or for some of what the parent has. */
const randomWish = (scopes: readonly string[]): fc.Arbitrary<(parent: TokenParent) => ExchangeWish> =>
  fc
    .record(
      {
        scopes: fc.oneof(
          { weight: 1, arbitrary: fc.array(fc.constantFrom(...scopes), { maxLength: 4 }) },
          { weight: 4, arbitrary: fc.nat(255) },
        ),
        audience: fc.oneof(
          { weight: 1, arbitrary: fc.array(fc.constantFrom(...audiences), { minLength: 1, maxLength: 4 }) },
          { weight: 4, arbitrary: fc.nat(7) },
        ),
        lifetimeMs: fc.integer({ min: 1000, max: 200_000 }),
        actor: fc.constantFrom('planner', 'researcher', 'writer'),
      },
      { requiredKeys: [] },
    )
    .map((wish) => (parent) => ({
      ...wish,
      scopes: some(parent.grant.scopes, wish.scopes),
      audience: some(parent.audience, wish.audience),
    }))

/** Those whose bits are set in a number; a list stands for itself. */
function some(
  items: readonly string[],
  wish: number | readonly string[] | undefined,
): readonly string[] | undefined {
  if (typeof wish !== 'number') return wish
  const picked = items.filter((_, i) => (wish >> (i % 8)) & 1)
  return picked.length === 0 ? undefined : picked
}

const randomBounds: fc.Arbitrary<Omit<ExchangeBounds, 'now'> & { passes: number }> = fc.record({
  lifetimeMs: fc.integer({ min: 100_000, max: 300_000 }),
  maxChain: fc.integer({ min: 0, max: 10 }),
  passes: fc.integer({ min: 0, max: 30_000 }),
})

const sequences = randomCatalog.chain((random) =>
  fc.record({
    catalog: fc.constant(random.catalog),
    held: randomHeld(random),
    audience: fc.subarray(audiences, { minLength: 1 }),
    ends: fc.option(fc.integer({ min: 1, max: 600_000 }), { freq: 1 }),
    steps: fc.array(fc.tuple(randomWish(random.scopes), randomBounds), { minLength: 1, maxLength: 12 }),
  }),
)

describe('exchange', () => {
  it('never widens scopes, audience, lifetime or the bound of the chain, in no sequence of exchanges', () => {
    let narrowed = 0
    fc.assert(
      fc.property(sequences, ({ catalog, held, audience, ends, steps }) => {
        const root: TokenParent = {
          grant: grantOf(catalog, held),
          audience,
          expiresAt: ends === null ? null : start + ends,
          chain: [],
        }
        let parent = root
        let now = start
        for (const [wishOf, { passes, ...bounds }] of steps) {
          now += passes
          const wish = wishOf(parent)
          try {
            const made = narrow(catalog, parent, wish, { now, ...bounds })
            const grant = compileGrant(catalog, made.scopes)
            for (const above of [parent, root]) {
              const most = worths(catalog, above.grant)
              worths(catalog, grant).forEach((level, i) => expect(level).toBeLessThanOrEqual(most[i]!))
              expect(above.audience).toEqual(expect.arrayContaining([...made.audience]))
              expect(made.expiresAt).toBeLessThanOrEqual(above.expiresAt ?? Infinity)
              // Whoever acted goes on to be named.
              expect(made.chain.slice(made.chain.length - above.chain.length)).toEqual(above.chain)
            }
            expect(grant.full).toBe(false)
            expect(grant.unknown).toEqual([])
            expect(made.expiresAt).toBeGreaterThan(now)
            expect(made.expiresAt - now).toBeLessThanOrEqual(wish.lifetimeMs ?? bounds.lifetimeMs)
            expect(made.issuedAt).toBeLessThanOrEqual(now)
            expect((made.issuedAt % 1000) + (made.expiresAt % 1000)).toBe(0)
            const added = made.chain.length - parent.chain.length
            expect(added).toBe(wish.actor === undefined ? 0 : 1)
            if (added > 0) expect(made.chain.length).toBeLessThanOrEqual(Math.min(bounds.maxChain, 8))
            parent = { ...made, grant }
            narrowed++
          } catch (error) {
            if (!isKeyrungError(error)) throw error
            expect(['input_invalid', 'beyond_own_rights', 'credential_invalid']).toContain(error.code)
          }
        }
      }),
      { numRuns: 120 },
    )
    expect(narrowed).toBeGreaterThan(120)
  })

  it('gives exactly what is wished where the parent has it', () => {
    fc.assert(
      fc.property(sequences, ({ catalog, held, audience, steps }) => {
        const grant = grantOf(catalog, held)
        const parent: TokenParent = { grant, audience, expiresAt: null, chain: [] }
        const scopes = grant.scopes.slice(0, 3)
        const made = narrow(
          catalog,
          parent,
          { scopes, audience: audience[0] },
          { now: start, lifetimeMs: steps[0]![1].lifetimeMs, maxChain: 4 },
        )
        expect(made.scopes).toBe([...scopes].sort().join(' '))
        expect(made.audience).toEqual([audience[0]])
        expect(narrow(catalog, parent, {}, { now: start, lifetimeMs: 60_000, maxChain: 4 })).toEqual({
          scopes: grant.scopes.join(' '),
          audience,
          issuedAt: start,
          expiresAt: start + 60_000,
          chain: [],
        })
      }),
      { numRuns: 60 },
    )
  })

  it('never makes a token that lives longer than a day, whatever a host allows', () => {
    fc.assert(
      fc.property(sequences, ({ catalog, held, audience }) => {
        const parent: TokenParent = { grant: grantOf(catalog, held), audience, expiresAt: null, chain: [] }
        const bounds = { now: start, lifetimeMs: Number.MAX_SAFE_INTEGER, maxChain: 4 }
        expect(narrow(catalog, parent, {}, bounds).expiresAt).toBe(start + longestTokenLifetimeMs)
      }),
      { numRuns: 5 },
    )
  })
})
