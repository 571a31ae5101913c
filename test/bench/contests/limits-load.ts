import { parseLimits } from '../../../src/core/limit.js'
import type { LimitStore } from '../../../src/ports/limit-store.js'
import { median } from '../contest.js'
import type { Standings } from '../contest.js'

/** Spends one unit, and says whether it was admitted. */
export type Spend = (key: string) => unknown

/** A limiter on a server. */
export interface Limiter {
  readonly name: string
  readonly spend: Spend
  /** The same with one limit only, of 40 in a second. */
  readonly strict: Spend
}

/** What one round gave, in microseconds a spending. */
export interface Round {
  readonly wall: number
  readonly client: number
  readonly server: number
}

/** So high that everything is admitted. */
const most = 1_000_000_000
const minute = { name: 'minute', limit: most, windowMs: 60_000 }

/** A minute's limit and a day's, and each alone. */
export const bothLimits = parseLimits([minute, { name: 'day', limit: most, calendar: 'day' }])
export const oneLimit = parseLimits([minute])
const strictLimit = parseLimits([{ name: 'second', limit: 40, windowMs: 1_000 }])

/** A limiter of keyrung's; keys of its own, so that nobody meets another's limits on them. */
export function limiterOf(name: string, store: LimitStore, rules = bothLimits): Limiter {
  const spending = (held: typeof rules, what: string) => async (key: string) => {
    const charges = [{ subject: `${what}:${key}`, rules: held, cost: 1 }]
    return (await store.spend({ workspaceId: 'ws_1', charges })).ok
  }
  return { name, spend: spending(rules, `key${rules.length}`), strict: spending(strictLimit, 'strict') }
}

/** Keys as they are, with a number. */
export function keysOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `key_01KX${String(i).padStart(22, '0')}`)
}

/** Lets so many callers spend for so long, each one after the other, over all keys in turn. */
export async function load(
  spend: Spend,
  keys: readonly string[],
  inFlight: number,
  ms: number,
  serverMicros: () => Promise<number> = () => Promise.resolve(0),
): Promise<Round> {
  let total = 0
  let refused = 0
  const before = await serverMicros()
  const [from, used] = [performance.now(), process.cpuUsage()]
  const until = from + ms
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < until) {
        const answer = spend(keys[total++ % keys.length]!)
        // Who is answered at once does not wait.
        if ((answer instanceof Promise ? await answer : answer) === false) refused += 1
      }
    }),
  )
  if (refused > total / 20) throw new Error(`${refused} of ${total} were refused`)
  const wall = ((performance.now() - from) * 1_000) / total
  const { user, system } = process.cpuUsage(used)
  return { wall, client: (user + system) / total, server: ((await serverMicros()) - before) / total }
}

/** Lets limiters take turns, so that what slows the machine slows them all; the first turn of each does not count. */
export async function takeTurns(
  limiters: readonly Pick<Limiter, 'name' | 'spend'>[],
  rounds: number,
  run: (spend: Spend) => Promise<Round>,
): Promise<Map<string, Round[]>> {
  const held = new Map<string, Round[]>(limiters.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const { name, spend } of limiters) {
      const came = await run(spend)
      if (round > 0) held.get(name)!.push(came)
    }
  }
  return held
}

/** The same, as `report` takes it. */
export function standingsOf(held: ReadonlyMap<string, readonly Round[]>): Standings {
  return new Map([...held].map(([name, all]) => [name, all.map(({ wall }) => wall * 1_000)]))
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** When something that was admitted was asked for, and when it was answered. */
interface Admitted {
  readonly from: number
  readonly to: number
}

/**
 * The most that a limit of a second admits in a second: asked for once, then by floods from just before a second has
 * passed until just after. Only what was sent and answered within the second is counted.
 *
 * @param atOnce how many a flood lets in flight
 */
export async function worstSecond(spend: Spend, atOnce = 60, floodAfterMs = 900): Promise<number> {
  let worst = 0
  for (let turn = 0; turn < 3; turn++) {
    const admitted: Admitted[] = []
    const key = `worst${turn}:${process.pid}:${performance.now()}`
    const once = async () => {
      const from = performance.now()
      if (await spend(key)) admitted.push({ from, to: performance.now() })
    }
    await once()
    const began = performance.now()
    await sleep(floodAfterMs)
    while (performance.now() < began + 1_300) await Promise.all(Array.from({ length: atOnce }, once))
    worst = Math.max(worst, mostWithin(admitted, 1_000))
  }
  return worst
}

function mostWithin(admitted: readonly Admitted[], ms: number): number {
  const froms = admitted.map(({ from }) => from).sort((a, b) => a - b)
  const tos = admitted.map(({ to }) => to).sort((a, b) => a - b)
  let ended = 0
  return Math.max(
    ...froms.map((from, earlier) => {
      while (ended < tos.length && tos[ended]! < from + ms) ended += 1
      return ended - earlier
    }),
  )
}

/** Prints how often a second, what it costs both processors, and what is admitted at worst. */
export function reportRates(
  rounds: ReadonlyMap<string, readonly Round[]>,
  worst: ReadonlyMap<string, number>,
): void {
  for (const [name, all] of rounds) {
    const of = (what: keyof Round) => median(all.map((round) => round[what]))
    const rate = (1e6 / of('wall')).toFixed(0).padStart(8)
    const server = of('server') > 0 ? `server ${of('server').toFixed(1).padStart(5)} µs, ` : ''
    const admits = worst.has(name) ? `, admits ${worst.get(name)} of 40 in its worst second` : ''
    console.log(
      `  ${name.padEnd(44)} ${rate}/s, ${server}client ${of('client').toFixed(1).padStart(5)} µs${admits}`,
    )
  }
}
