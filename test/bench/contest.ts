import { measure } from 'mitata'

/** One way of doing the work; each call does it once. */
export interface Contestant {
  readonly name: string
  readonly run: () => unknown
}

/** What came of it, in nanoseconds a call: the median of the rounds' medians. */
export type Standings = ReadonlyMap<string, number>

/** A sentence that the figures must bear out, e.g. "at least 15 times CASL". */
export interface Goal {
  readonly of: string
  readonly against: string
  /** How many times the rate of `against` it has to reach. */
  readonly times: number
}

export const misses: string[] = []
const rounds = 5

/**
 * Lets all do the same work, in turns within one run, so that a machine whose speed drifts does so for all of them.
 */
export async function contest(
  title: string,
  contestants: readonly Contestant[],
  goals: readonly Goal[] = [],
): Promise<Standings> {
  const medians = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of contestants) {
      const { p50 } = await measure(run, { min_cpu_time: 150e6, min_samples: 12 })
      medians.get(name)!.push(p50)
    }
  }
  const standings = new Map([...medians].map(([name, all]) => [name, median(all)]))
  report(title, standings, goals)
  return standings
}

/** Prints figures that were taken in another way, in the same manner. */
export function report(title: string, standings: Standings, goals: readonly Goal[] = []): void {
  console.log(`\n${title}`)
  const first = [...standings.values()][0]!
  for (const [name, ns] of standings) {
    console.log(
      `  ${name.padEnd(44)} ${formatTime(ns).padStart(11)}  ${(first / ns).toFixed(3).padStart(9)} ×`,
    )
  }
  for (const { of, against, times } of goals) {
    const reached = standings.get(against)! / standings.get(of)!
    const line = `${of}: ${reached.toFixed(2)} times ${against}, wanted ${times}`
    console.log(`  ${reached >= times ? 'reached' : 'MISSED '}  ${line}`)
    if (reached < times) misses.push(`${title}: ${line}`)
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function formatTime(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(1)} ns`
  return ns < 1e6 ? `${(ns / 1e3).toFixed(2)} µs` : `${(ns / 1e6).toFixed(2)} ms`
}
