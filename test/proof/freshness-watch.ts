import type { Demand } from '../../src/core/demand.js'
import type { Principal } from '../../src/core/principal.js'
import type { AnyCatalog } from '../../src/core/catalog.js'
import type { Keyrung } from '../../src/service/keyrung.js'
import { monotonicMs, outcomes } from './freshness-words.js'
import type { MadeKey, Returned, Verdict } from './freshness-words.js'

interface Watched {
  readonly key: MadeKey
  readonly principal: Principal | undefined
  readonly startedAt: number[]
  readonly codes: string[]
  pending: number
}

/** Checks keys over and over, and keeps when each check began and what it said. */
export interface Watch {
  add(keys: readonly MadeKey[]): Promise<void>
  /** Stops checking the keys, and says how their checks went by the time their changes had returned. */
  judge(returns: readonly Returned[]): Promise<Verdict[]>
  checks(): number
  stop(): Promise<void>
}

/** How hard a watch works. */
export interface Effort {
  /** How long it rests between two rounds of checks, in milliseconds. */
  readonly restMs: number
  /** How many checks of one key may be under way at once; what begins beyond that would only wait in line. */
  readonly mostPending: number
}

/** Starts the checks: by credential as requests are, and by kept principal as sockets are, in turn. */
export function createWatch(keyrung: Keyrung<AnyCatalog>, { restMs, mostPending }: Effort): Watch {
  const demand = keyrung.demand('contacts:write')
  const watched = new Map<string, Watched>()
  let checks = 0
  const stopping = new AbortController()
  const ended = loop()

  async function loop(): Promise<void> {
    for (let round = 0; !stopping.signal.aborted; round++) {
      for (const one of watched.values()) if (one.pending < mostPending) check(one, round)
      await rest(restMs)
    }
  }

  function check(one: Watched, round: number): void {
    checks++
    one.pending++
    const { principal, key } = one
    const startedAt = monotonicMs()
    const answer =
      principal && round % 2 === 1
        ? askPrincipal(keyrung, principal, demand)
        : askSecret(keyrung, key.secret, demand)
    void answer
      .catch((error: unknown) => `thrown: ${String(error)}`)
      .then((code) => {
        one.pending--
        one.startedAt.push(startedAt)
        one.codes.push(code)
      })
  }

  async function judgeOne({ id, returnedAt }: Returned): Promise<Verdict> {
    const one = watched.get(id)
    if (!one) throw new Error(`key ${id} is not watched`)
    watched.delete(id)
    while (one.pending > 0) await rest(1)
    const expected = outcomes[one.key.kind]
    let [before, after, wrong, soonestMs] = [0, 0, 0, Infinity]
    const strange = new Set<string>()
    for (const [i, code] of one.codes.entries()) {
      const sinceMs = one.startedAt[i]! - returnedAt
      if (code !== expected.old && code !== expected.new) strange.add(code)
      if (sinceMs <= 0) {
        if (code === expected.old) before++
        continue
      }
      after++
      soonestMs = Math.min(soonestMs, sinceMs)
      if (code !== expected.new) wrong++
    }
    return { id, before, after, wrong, soonestMs, strange: [...strange] }
  }

  return {
    async add(keys) {
      for (const key of keys) {
        const known = await keyrung.authenticate(key.secret)
        const principal = known.ok ? known.principal : undefined
        watched.set(key.id, { key, principal, startedAt: [], codes: [], pending: 0 })
      }
    },
    judge: (returns) => Promise.all(returns.map(judgeOne)),
    checks: () => checks,
    async stop() {
      stopping.abort()
      await ended
    },
  }
}

async function askSecret(keyrung: Keyrung, secret: string, demand: Demand): Promise<string> {
  const admitted = await keyrung.admit({ authorization: [`Bearer ${secret}`] }, demand)
  return admitted.ok ? 'ok' : admitted.code
}

async function askPrincipal(keyrung: Keyrung, principal: Principal, demand: Demand): Promise<string> {
  const decision = await keyrung.authorize(principal, demand)
  return decision.effect === 'deny' ? decision.code : decision.effect === 'allow' ? 'ok' : decision.effect
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
