import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import type { Limit, LimitRule } from '../../src/core/limit.js'
import { LimitsWorld, worldStart } from './limits-world.js'
import type { WorldOptions } from './limits-world.js'
import { mostInAnyWindow, printProof } from './limits-worst.js'
import type { ProofLine, Spell } from './limits-worst.js'

const full = process.env['KEYRUNG_PROOF'] === 'full'
const numRuns = full ? 3_000 : 50

/** The width of a bucket of a minute. */
const bucketMs = 1_000
const minute: Limit = { name: 'minute', limit: 40, windowMs: 60_000 }
const day: Limit = { name: 'day', limit: 40, calendar: 'day' }

/** What a simulation is of. */
interface Kind extends Omit<WorldOptions, 'rules'> {
  readonly limit: Limit
  /** Whether its limit store goes away, for all instances at once, and whether it comes back. */
  readonly outages?: 'for good' | 'now and then'
  /** The most that may be admitted in a window, where that is not the limit. */
  readonly atMost?: number
}

const kinds: Readonly<Record<string, Kind>> = {
  'rolling minute': { limit: minute, instances: 3 },
  'day of the calendar': { limit: day, instances: 3 },
  'rolling minute, leases of 4': { limit: minute, instances: 3, leases: 4 },
  'day of the calendar, leases of 4': { limit: day, instances: 3, leases: 4 },
  'rolling minute, leases of 4, store away now and then': {
    ...{ limit: minute, instances: 4, leases: 4, outages: 'now and then' },
  },
  'rolling minute, four shares of 1/4, store away for good': {
    ...{ limit: minute, instances: 4, leases: 4, share: 0.25, outages: 'for good' },
  },
  // As documented: what the shares gave out, beside what another instance spends at the store before it is told.
  'rolling minute, four shares of 1/4, store away now and then': {
    ...{ limit: minute, instances: 4, leases: 4, share: 0.25, outages: 'now and then', atMost: 2 * 40 },
  },
}

type Step =
  | { readonly do: 'burst' | 'crash' | 'work' | 'suspend'; readonly which: number; readonly many: number }
  | { readonly do: 'step'; readonly which: number; readonly ms: number }
  | { readonly do: 'delay'; readonly which: number; readonly there: number; readonly back: number }
  | { readonly do: 'pass'; readonly to: 'now' | 'bucket' | 'window' | 'period'; readonly off: number }
  | { readonly do: 'down' | 'up' }

const offs = [-900, -300, -1, -0.75, -0.25, 0, 0.25, 0.75, 1, 17, 300]

function steps({ instances, outages, share }: Kind): fc.Arbitrary<readonly Step[]> {
  const which = fc.nat(instances - 1)
  // Twice the longest is more than a call may take; who alone is that slow takes the store to be away.
  const delay = fc.constantFrom(0, 0.25, 0.75, 3, 40, 400, ...(share === undefined ? [900] : []))
  const pass = fc.record({
    do: fc.constant('pass' as const),
    to: fc.constantFrom('now', 'bucket', 'window', 'window', 'period'),
    off: fc.constantFrom(...offs),
  })
  const burst = fc.record({ do: fc.constant('burst' as const), which, many: fc.integer({ min: 1, max: 50 }) })
  const rest: fc.Arbitrary<Step>[] = [
    fc.record({
      do: fc.constantFrom('crash', 'work', 'suspend'),
      which,
      many: fc.integer({ min: 1, max: 90_000 }),
    }),
    fc.record({ do: fc.constant('step'), which, ms: fc.constantFrom(-3_600_000, -90_000, 1_500, 90_000) }),
    fc.record({ do: fc.constant('delay'), which, there: delay, back: delay }),
  ]
  if (outages === 'for good') rest.push(fc.record({ do: fc.constant('down') }))
  if (outages === 'now and then') rest.push(fc.record({ do: fc.constantFrom('down', 'up') }))
  return fc.array(
    fc.oneof({ weight: 6, arbitrary: burst }, { weight: 6, arbitrary: pass }, ...rest) as fc.Arbitrary<Step>,
    { minLength: 10, maxLength: 80 },
  )
}

const dayMs = 86_400_000

/** How long until an edge, give or take. */
function untilEdge(
  world: LimitsWorld,
  { to, off }: Extract<Step, { do: 'pass' }>,
  lastBurst: number,
): number {
  const at = worldStart + world.now
  const lengths = { now: 0, bucket: bucketMs - (at % bucketMs), period: dayMs - (at % dayMs) }
  // The window that began with what was last asked, as if all of it had been admitted.
  const left = to === 'window' ? lastBurst + 60_000 - world.now : lengths[to]
  return Math.max(0, left + off)
}

async function play(world: LimitsWorld, given: readonly Step[]): Promise<void> {
  let lastBurst = 0
  for (const step of given) {
    switch (step.do) {
      case 'burst':
        world.burst(step.which, step.many)
        lastBurst = world.now
        break
      case 'crash':
        world.crash(step.which)
        break
      case 'work':
        world.work(step.which)
        break
      case 'suspend': {
        const since = world.now
        await world.pass(step.many)
        world.wake(step.which, since)
        break
      }
      case 'step':
        world.stepClock(step.which, step.ms)
        break
      case 'delay':
        world.setDelays(step.which, step.there, step.back)
        break
      case 'pass':
        await world.pass(untilEdge(world, step, lastBurst))
        break
      default:
        world.setDown(step.do === 'down')
    }
  }
  await world.pass(5_000)
}

/** The most that any window of the limit held, or any of its periods. */
function worst({ kind, windowMs }: LimitRule, admitted: readonly Spell[]): number {
  if (kind === 'rolling') return mostInAnyWindow(admitted, windowMs)
  const counts = new Map<number, number>()
  for (const { begin, end } of admitted) {
    const [first, last] = [begin, end].map((at) => Math.floor((worldStart + at) / dayMs))
    if (first === last) counts.set(first!, (counts.get(first!) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}

describe('promise 7 in virtual time: the most ever admitted in any window', () => {
  const lines: ProofLine[] = []
  afterAll(() => printProof(`${numRuns} histories of each kind:`, lines))

  test.each(Object.entries(kinds))('of a %s is no more than it may be', async (what, kind) => {
    const rules = parseLimits([kind.limit])
    const { limit } = kind.limit
    const { atMost = limit } = kind
    let [most, admitted] = [0, 0]
    await fc.assert(
      fc.asyncProperty(steps(kind), async (given) => {
        const world = new LimitsWorld({ ...kind, rules })
        await play(world, given)
        const held = worst(rules[0]!, world.admitted)
        most = Math.max(most, held)
        admitted += world.admitted.length
        expect(held).toBeLessThanOrEqual(atMost)
      }),
      { numRuns },
    )
    lines.push({ what, limit: String(limit), most, share: most / limit, admitted })
    // All of it could be had: there was something to exceed.
    expect(most).toBeGreaterThanOrEqual(limit)
  })

  /** Asks on every instance in turn, a fifth more than the limit lets through, and answers what part of it was had. */
  async function partHad(
    options: Omit<WorldOptions, 'rules'>,
    limit: number,
    windows: number,
  ): Promise<number> {
    const world = new LimitsWorld({ ...options, rules: parseLimits([{ ...minute, limit }]) })
    for (let i = 0; i < options.instances; i++) world.setDelays(i, 0.5, 0.5)
    const arrivals = limit * windows * 1.2
    // Let what the first window gives out at once be over, so that it is the rate that is measured.
    let had = 0
    for (let i = 0; i < arrivals * (1 + 1 / windows); i++) {
      if (i === Math.floor(arrivals / windows)) had = world.admitted.length
      world.burst(i % options.instances, 1)
      if (i % (limit / 50) === 0) for (let one = 0; one < options.instances; one++) world.work(one)
      await world.pass((60_000 * windows) / arrivals)
    }
    expect(mostInAnyWindow(world.admitted, 60_000)).toBeLessThanOrEqual(limit)
    return (world.admitted.length - had) / (limit * windows)
  }

  test.each([
    ['rolling', {}, 0.95],
    ['rolling with leases of 10', { leases: 10 }, 0.93],
    ['rolling with leases of 50', { leases: 50 }, 0.9],
  ])('under a steady flood a %s limit lets through nearly all of itself', async (what, given, least) => {
    const [limit, windows] = [500, full ? 30 : 8]
    const part = await partHad({ instances: 4, ...given }, limit, windows)
    console.log(`steady flood on four instances, ${what}: ${part.toFixed(3)} of the limit per window`)
    expect(part).toBeGreaterThanOrEqual(least)
    expect(part).toBeLessThanOrEqual(1)
  })
})
