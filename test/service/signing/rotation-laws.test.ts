import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TokenKeys } from '../../../src/service/signing-keys.js'
import { hourMs, kidsOf, signingWorld, skewed } from './world.js'

const times = { cacheMs: 600_000, periodMs: 1.5 * hourMs }

interface Minted {
  readonly kid: string
  readonly endsAt: number
}

/** A service that holds no store: it keeps what is published for as long as it may, from behind a proxy that does too. */
class RemoteVerifier {
  #fetchedAt = -Infinity
  #known: readonly string[] = []

  constructor(
    readonly maxAgeMs: number,
    readonly fetch: () => Promise<readonly string[]>,
  ) {}

  async kids(now: number): Promise<readonly string[]> {
    if (now - this.#fetchedAt >= this.maxAgeMs) {
      this.#known = await this.fetch()
      this.#fetchedAt = now
    }
    return this.#known
  }
}

const step = fc.record({
  passes: fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 90_000 }) },
    { weight: 4, arbitrary: fc.integer({ min: 60_000, max: 9 * 60_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 * 60_000 }) },
  ),
  ticks: fc.subarray([0, 1]),
  mints: fc.subarray([0, 1]),
  lifetimeMs: fc.integer({ min: 1000, max: 20 * hourMs }),
})

test('at no time of any rotation a token is refused by the other instance, nor by a service with caches', async () => {
  let rotations = 0
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(fc.integer({ min: -20_000, max: 20_000 }), fc.integer({ min: -20_000, max: 20_000 })),
      fc.integer({ min: 0, max: 6 }),
      fc.array(step, { minLength: 40, maxLength: 60 }),
      async (skews, remoteFrom, steps) => {
        const { clock, instance, tick } = signingWorld()
        const instances: TokenKeys[] = skews.map((ms) => instance({ clock: skewed(clock, ms), times }))
        const proxy = new RemoteVerifier(times.cacheMs, () => kidsOf(instances[0]!))
        const remote = new RemoteVerifier(times.cacheMs, () => proxy.kids(clock.now()))
        let minted: Minted[] = []
        const signers = new Set<string>()
        await Promise.all(instances.map((keys) => keys.open()))
        for (const [at, { passes, ticks, mints, lifetimeMs }] of steps.entries()) {
          await clock.advance(passes)
          await Promise.all([
            ...ticks.map((i) => tick(instances[i]!)),
            ...mints.map(async (i) => {
              const { kid } = await instances[i]!.signer()
              signers.add(kid)
              minted.push({ kid, endsAt: clock.now() + lifetimeMs })
            }),
          ])
          minted = minted.filter(({ endsAt }) => endsAt > clock.now())
          // Others ask the proxy too, so that its copy and the service's are of different ages.
          const copies = [await proxy.kids(clock.now())]
          if (at >= remoteFrom) copies.push(await remote.kids(clock.now()))
          for (const kid of new Set(minted.map((token) => token.kid))) {
            for (const keys of instances) expect(await keys.findKey(kid)).toBeDefined()
            for (const published of copies) expect(published).toContain(kid)
          }
        }
        rotations += signers.size - 1
      },
    ),
    { numRuns: 15 },
  )
  expect(rotations).toBeGreaterThan(10)
})
