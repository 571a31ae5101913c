import { measure } from 'mitata'

/** One way of doing the work; each call does it once. */
export interface Contestant {
  readonly name: string
  readonly run: () => unknown
}

/** What came of it, in nanoseconds a call: one figure for each round. */
export type Standings = ReadonlyMap<string, readonly number[]>

/** A sentence that the figures must bear out, e.g. "at least 15 times CASL". */
export interface Goal {
  readonly of: string
  readonly against: string
  /** How many times the rate of `against` it has to reach. */
  readonly times: number
}

export const misses: string[] = []
const rounds = 25

/**
 * Lets all do the same work, in short turns within one run, so that a machine whose speed drifts does so for all of
 * them.
 */
export async function contest(
  title: string,
  contestants: readonly Contestant[],
  goals: readonly Goal[] = [],
): Promise<Standings> {
  const standings = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (const { run } of contestants) await measure(run, { min_cpu_time: 200e6 })
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of contestants) {
      const { p50 } = await measure(run, { min_cpu_time: 25e6, min_samples: 3 })
      standings.get(name)!.push(p50)
    }
  }
  report(title, standings, goals)
  return standings
}

const turnMs = 60

/**
 * The same by the processor's time, of all threads: what is left to the garbage collector counts too, and what others on
 * this machine do counts less.
 */
export async function cpuContest(
  title: string,
  contestants: readonly Contestant[],
  goals: readonly Goal[] = [],
): Promise<Standings> {
  const standings = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  const calls = new Map<string, number>()
  for (const { name, run } of contestants) {
    await turn(run, 500)
    calls.set(name, Math.ceil((turnMs * 1e6) / (await turn(run, 500))))
  }
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of contestants) standings.get(name)!.push(await turn(run, calls.get(name)!))
  }
  report(`${title}; the processor's time`, standings, goals)
  return standings
}

/** Nanoseconds of the processor a call. */
async function turn(run: () => unknown, calls: number): Promise<number> {
  globalThis.gc?.({ type: 'minor' })
  const before = process.cpuUsage()
  for (let i = 0; i < calls; i++) {
    const done = run()
    if (done instanceof Promise) await done
  }
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1e3) / calls
}

/** Prints the medians, and rates beside each other as the median of the rounds' own ratios. */
export function report(title: string, standings: Standings, goals: readonly Goal[] = []): void {
  console.log(`\n${title}`)
  const first = [...standings.values()][0]!
  for (const [name, times] of standings) {
    const rate = rateOf(times, first).toFixed(3)
    console.log(`  ${name.padEnd(44)} ${formatTime(median(times)).padStart(11)}  ${rate.padStart(9)} ×`)
  }
  for (const { of, against, times } of goals) {
    const reached = rateOf(standings.get(of)!, standings.get(against)!)
    const line = `${of}: ${reached.toFixed(2)} times ${against}, wanted ${times}`
    console.log(`  ${reached >= times ? 'reached' : 'MISSED '}  ${line}`)
    if (reached < times) misses.push(`${title}: ${line}`)
  }
}

/** How many times the rate of another: what slowed a whole round slowed both. */
function rateOf(times: readonly number[], others: readonly number[]): number {
  return median(times.map((ns, round) => others[round]! / ns))
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
