import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isKeyrungError } from '../../../src/core/errors.js'
import type { Principal } from '../../../src/core/principal.js'
import { admin, catalog } from '../sample.js'
import type { SampleScope } from '../sample.js'
import { openTokens } from './fixture.js'

const everyScope = catalog.slots.flatMap(({ resource, rungs }) =>
  rungs.map((rung) => `${resource}:${rung}` as SampleScope),
)
const somePart = fc.option(fc.uniqueArray(fc.constantFrom(...everyScope), { minLength: 1, maxLength: 4 }), {
  nil: undefined,
})

/** What happens to a key and its tokens, one after the other; `of` picks a credential that is there. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('exchange' as const), of: fc.nat(), scopes: somePart }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('edit' as const), scopes: somePart }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 200_000 }) }),
  },
)

interface Link {
  readonly principal: Principal
  readonly parent: Link | null
}

/** What a caller may do now, each permission with how: empty for one that is no longer accepted. */
async function powerOf({ keyrung }: World, { principal }: Link): Promise<ReadonlyMap<string, number>> {
  const access = await keyrung.access(principal)
  if (!access.ok) return new Map()
  return new Map([
    ...access.allowed.map((permission) => [permission, 2] as const),
    ...access.queued.map((permission) => [permission, 1] as const),
  ])
}

type World = Awaited<ReturnType<typeof openTokens>>

test('no sequence of exchanges and changes gives a token more than any that it comes from', async () => {
  let tokens = 0
  let narrower = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 2, maxLength: 9 }),
      somePart,
      async (steps, held = everyScope) => {
        const world = await openTokens(held)
        let { version } = world.key
        const links: Link[] = [{ principal: await world.principalOf(world.secret), parent: null }]
        for (const [i, taken] of steps.entries()) {
          if (taken.do === 'wait') await world.clock.advance(taken.ms)
          else if (taken.do === 'edit') {
            const scopes = (taken.scopes ?? everyScope) as never
            const edited = await world.keyrung.keys.edit(admin, world.key.id, { scopes }, { version })
            version = edited.version
          } else {
            const parent = links[taken.of % links.length]!
            const wish = { scopes: taken.scopes, ...(i < 4 && { actor: `agent ${i}` }) }
            const made = await world.keyrung.tokens
              .exchange(parent.principal, wish)
              .catch((error: unknown) => {
                if (!isKeyrungError(error)) throw error
                expect(['beyond_own_rights', 'token_expired', 'credential_invalid']).toContain(error.code)
              })
            if (!made) continue
            tokens++
            links.push({ principal: await world.principalOf(made.token), parent })
          }
          for (const link of links) {
            const power = await powerOf(world, link)
            for (let above = link.parent; above !== null; above = above.parent) {
              // A token may outlive none of those above it, so all that it can do, they can.
              const most = await powerOf(world, above)
              if (power.size < most.size) narrower++
              for (const [permission, effect] of power)
                expect(effect, permission).toBeLessThanOrEqual(most.get(permission) ?? 0)
            }
          }
        }
        await world.keyrung.close()
      },
    ),
    { numRuns: 60 },
  )
  expect(tokens).toBeGreaterThan(60)
  expect(narrower).toBeGreaterThan(20)
})
