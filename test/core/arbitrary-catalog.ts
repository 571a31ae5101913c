import fc from 'fast-check'
import { defineCatalog, type AnyCatalog } from '../../src/core/catalog.js'
import type { Question } from './model.js'

/** A random catalogue, as the engine and as the model take it. */
export interface RandomCatalog {
  readonly catalog: AnyCatalog
  readonly resources: Question['resources']
  readonly renamed: Readonly<Record<string, string>>
  /** Every scope and every permission by every name that is understood. */
  readonly scopes: readonly string[]
  readonly permissions: readonly string[]
}

const actions = ['read', 'write', 'delete', 'send', 'use', 'trigger', 're-assign']
// Names that are each other's prefixes, and that sort apart by their separators, are where a mix-up would show.
const names = ['a', 'a-b', 'a.b', 'a_b', 'ab', 'b', 'voice-agents', 'voice', 'forms']
const oldNames = ['old', 'a-old', 'old-b', 'former']

/** Rungs of some actions in random order, an approval rung always below the one it leads to. */
function rungsOf(some: readonly string[]): fc.Arbitrary<readonly string[]> {
  return fc
    .tuple(
      ...some.map((action) =>
        fc.constantFrom([action], [`${action}-approval`], [`${action}-approval`, action]),
      ),
    )
    .chain((pairs) => {
      const rungs = pairs.flat()
      return fc.shuffledSubarray(rungs, { minLength: rungs.length }).map((shuffled) => {
        const sorted = [...shuffled]
        for (const [low, high] of pairs) {
          if (low === undefined || high === undefined) continue
          const [i, j] = [sorted.indexOf(low), sorted.indexOf(high)]
          if (i > j) [sorted[i], sorted[j]] = [high, low]
        }
        return sorted
      })
    })
}

const laddersOfResource = fc
  .tuple(fc.shuffledSubarray(actions, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 3 }))
  .chain(([some, count]) => {
    const parts = Array.from({ length: count }, (_, i) => some.filter((_action, j) => j % count === i))
    return fc.tuple(...parts.filter((part) => part.length > 0).map(rungsOf))
  })

/** Random catalogues: several ladders a resource, off-ladder actions, approval-only actions, renames. */
export const randomCatalog: fc.Arbitrary<RandomCatalog> = fc
  .record({
    made: fc.dictionary(fc.constantFrom(...names), laddersOfResource, { minKeys: 1, maxKeys: 4 }),
    picks: fc.tuple(...oldNames.map(() => fc.nat())),
  })
  .map(({ made, picks }) => {
    const live = Object.keys(made)
    const renamed = Object.fromEntries(oldNames.map((old, i) => [old, live[picks[i]! % live.length]!]))
    return { resources: { ...made }, renamed }
  })
  .map(({ resources, renamed }) => {
    const catalog = defineCatalog({
      resources: Object.fromEntries(
        Object.entries(resources).map(([name, ladders]) => [
          name,
          { ladder: ladders.map((rungs) => ({ rungs })) },
        ]),
      ),
      renamed,
    })
    const aliases = (name: string) => [name, ...oldNames.filter((old) => renamed[old] === name)]
    const spelled = Object.entries(resources).flatMap(([name, ladders]) =>
      aliases(name).flatMap((alias) => ladders.flat().map((rung) => `${alias}:${rung}`)),
    )
    return {
      catalog,
      resources,
      renamed,
      scopes: spelled,
      permissions: [...new Set(spelled.map((scope) => scope.replace(/-approval$/, '')))],
    }
  })

/** What a layer may hold of a catalogue, unknown scopes among it. */
export function randomHeld({ scopes }: RandomCatalog): fc.Arbitrary<'full' | readonly string[]> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant('full' as const) },
    {
      weight: 5,
      arbitrary: fc.array(fc.constantFrom(...scopes, 'gone:read', `${scopes[0]}-gone`), { maxLength: 10 }),
    },
  )
}
