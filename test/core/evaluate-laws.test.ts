import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineCatalog, type AnyCatalog } from '../../src/core/catalog.js'
import { demandOf, type DemandOptions } from '../../src/core/demand.js'
import { check, evaluate } from '../../src/core/evaluate.js'
import { grantOf } from '../../src/core/grant.js'
import { ladders } from '../../src/core/ladder.js'
import type { Layers } from '../../src/core/layers.js'
import { randomCatalog, randomHeld, type RandomCatalog } from './arbitrary-catalog.js'
import { model, type Held, type Question } from './model.js'

const always: DemandOptions = { approval: 'always' }

function layersOf(
  catalog: AnyCatalog,
  { key, token, client, owner, plan, access }: Question['layers'],
): Layers {
  const levels = (held: Held | undefined) => (held === undefined ? undefined : grantOf(catalog, held).levels)
  return {
    key: grantOf(catalog, key).levels,
    token: levels(token),
    client: levels(client),
    owner: levels(owner),
    plan: levels(plan),
    access,
  }
}

function answer(catalog: AnyCatalog, question: Question): string {
  const demand = demandOf(catalog, question.permissions, question.always ? always : {})
  const decision = evaluate(demand, layersOf(catalog, question.layers))
  return decision.effect === 'deny' ? decision.code : decision.effect
}

const randomQuestion = (random: RandomCatalog, overrides: Partial<Question> = {}): fc.Arbitrary<Question> =>
  fc
    .record({
      permissions: fc.array(fc.constantFrom(...random.permissions, ...random.permissions, 'gone:read'), {
        maxLength: 4,
      }),
      layers: fc.record(
        {
          key: randomHeld(random),
          token: randomHeld(random),
          client: randomHeld(random),
          owner: randomHeld(random),
          plan: randomHeld(random),
          access: fc.boolean(),
        },
        { requiredKeys: ['key'] },
      ),
      always: fc.boolean(),
    })
    .map((rest) => ({ resources: random.resources, renamed: random.renamed, ...rest, ...overrides }))

const catalogAndQuestion = randomCatalog.chain((random) =>
  randomQuestion(random).map((question) => ({ random, question })),
)

const rank: Readonly<Record<string, number>> = { allow: 2, approval: 1 }
const worth = (verdict: string) => rank[verdict] ?? 0

describe('the engine and the reference model agree', { timeout: 60_000 }, () => {
  it.each(Object.entries(ladders))('on every pair and every ceiling of the %s ladder', (_name, { rungs }) => {
    const catalog = defineCatalog({ resources: { it: { ladder: { rungs: [...rungs] } } } })
    const resources = { it: [rungs] }
    const held: (readonly string[])[] = [[], ...rungs.map((rung) => [`it:${rung}`])]
    const ceilings = [undefined, ...held]
    const permissions = catalog.permissions.map(({ permission }) => permission)
    let seen = 0
    for (const permission of [...permissions, 'it:other', 'other:read']) {
      for (const key of [...held, 'full' as const]) {
        for (const client of ceilings) {
          for (const owner of ceilings) {
            for (const plan of ceilings) {
              const layers = {
                key,
                ...(client && { client }),
                ...(owner && { owner }),
                ...(plan && { plan }),
              }
              const question = { resources, permissions: [permission], layers }
              const verdict = answer(catalog, question)
              if (verdict !== model(question)) expect({ question, verdict }).toEqual(model(question))
              seen++
            }
          }
        }
      }
    }
    expect(seen).toBe((permissions.length + 2) * (rungs.length + 2) ** 4)
  })

  it('on random catalogues: several ladders, renames, several permissions, all ceilings, always', () => {
    fc.assert(
      fc.property(catalogAndQuestion, ({ random, question }) => {
        expect(answer(random.catalog, question)).toBe(model(question))
      }),
      { numRuns: 1_000 },
    )
  })

  it('by name as well: check says of a grant what the model says of the key alone', () => {
    fc.assert(
      fc.property(
        randomCatalog.chain((random) =>
          fc.record({
            random: fc.constant(random),
            key: randomHeld(random),
            permission: fc.constantFrom(...random.permissions, 'gone:read'),
          }),
        ),
        ({ random: { catalog, resources, renamed }, key, permission }) => {
          const verdict = model({ resources, renamed, permissions: [permission], layers: { key } })
          const expected = worth(verdict) === 0 ? 'deny' : verdict
          expect(check(catalog, grantOf(catalog, key), permission)).toBe(expected)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('evaluation is monotone', { timeout: 60_000 }, () => {
  it('more scope never allows less', () => {
    fc.assert(
      fc.property(
        catalogAndQuestion.chain(({ random, question }) =>
          fc.record({
            random: fc.constant(random),
            question: fc.constant(question),
            more: fc.array(fc.constantFrom(...random.scopes), { maxLength: 3 }),
          }),
        ),
        ({ random, question, more }) => {
          const { key } = question.layers
          const wider = {
            ...question,
            layers: { ...question.layers, key: key === 'full' ? key : [...key, ...more] },
          }
          expect(worth(answer(random.catalog, wider))).toBeGreaterThanOrEqual(
            worth(answer(random.catalog, question)),
          )
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each(['token', 'client', 'owner', 'plan'] as const)(
    'a narrower ceiling of the %s never allows more',
    (layer) => {
      fc.assert(
        fc.property(
          catalogAndQuestion.chain(({ random, question }) =>
            fc.record({
              random: fc.constant(random),
              question: fc.constant(question),
              fewer: fc.func(fc.boolean()),
              ceiling: randomHeld(random),
            }),
          ),
          ({ random, question, fewer, ceiling }) => {
            const before = question.layers[layer]
            const narrower = Array.isArray(before) ? before.filter((scope) => fewer(scope)) : ceiling
            const after = { ...question, layers: { ...question.layers, [layer]: narrower } }
            // A ceiling that was "everything" or none at all is narrowed by any.
            expect(worth(answer(random.catalog, after))).toBeLessThanOrEqual(
              worth(answer(random.catalog, question)),
            )
          },
        ),
        { numRuns: 300 },
      )
    },
  )

  it('taking the access away, or demanding approval, never allows more', () => {
    fc.assert(
      fc.property(catalogAndQuestion, ({ random, question }) => {
        const now = worth(answer(random.catalog, question))
        const closed = { ...question, layers: { ...question.layers, access: false } }
        expect(worth(answer(random.catalog, closed))).toBe(0)
        expect(worth(answer(random.catalog, { ...question, always: true }))).toBe(Math.min(now, 1))
      }),
      { numRuns: 300 },
    )
  })

  it('one more permission never allows more', () => {
    fc.assert(
      fc.property(catalogAndQuestion, fc.nat(), ({ random, question }, pick) => {
        const extra = random.permissions[pick % random.permissions.length]!
        const more = { ...question, permissions: [...question.permissions, extra] }
        expect(worth(answer(random.catalog, more))).toBeLessThanOrEqual(
          worth(answer(random.catalog, question)),
        )
      }),
      { numRuns: 300 },
    )
  })
})

describe('a decision tells what would do', { timeout: 60_000 }, () => {
  it('the scopes it names, added to the key, turn an insufficient answer into allow or approval', () => {
    let named = 0
    fc.assert(
      fc.property(catalogAndQuestion, ({ random, question }) => {
        const { catalog } = random
        const { client: _none, token: _neither, ...layers } = question.layers
        const demand = demandOf(catalog, question.permissions, question.always ? always : {})
        const decision = evaluate(demand, layersOf(catalog, layers))
        if (decision.effect !== 'deny' || decision.code !== 'insufficient') return
        named++
        const wider = evaluate(demand, layersOf(catalog, { ...layers, key: decision.scopes }))
        expect(wider.effect).not.toBe('deny')
      }),
      { numRuns: 3_000 },
    )
    expect(named).toBeGreaterThan(20)
  })
})
