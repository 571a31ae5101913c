import { parseLimits } from '../../src/core/limit.js'
import type { Limit, LimitRule } from '../../src/core/limit.js'
import { planSpending, takeBack, unspent } from '../../src/core/limit-window.js'
import type { LimitState } from '../../src/core/limit-window.js'
import type { AdmissionRequest } from '../../src/service/admission.js'
import type { KeyrungOptions } from '../../src/service/options.js'
import type { LimitAnswer, LimitCharge, LimitRequest, LimitStore } from '../../src/ports/limit-store.js'
import { manualClock } from '../../src/testing/manual-clock.js'
import type { ManualClock } from '../../src/testing/manual-clock.js'
import { memoryStore } from '../../src/stores/memory.js'
import { admin, sample } from './sample.js'
import type { catalog } from './sample.js'

/** A limit store that can be watched, and put out of order. */
export interface WatchedLimits extends LimitStore {
  /** What it was asked to spend, and answered. */
  readonly requests: LimitRequest[]
  /** What counts of a subject now, by limit. */
  used(subject: string, rules: readonly LimitRule[]): Record<string, number>
  readonly forgotten: string[]
  readonly closed: boolean
  /** Thrown instead of an answer, while it is there. */
  trouble: Error | null
  /** Waited for before an answer, where it is there. */
  delay: (() => Promise<void>) | null
}

/** Counts by the maths of the core, in a map. */
export function watchedLimits(clock: ManualClock): WatchedLimits {
  const states = new Map<string, LimitState>()
  const idOf = (subject: string, rule: LimitRule) => `${subject} ${rule.name} ${rule.kind} ${rule.windowMs}`
  const stateOf = (id: string) => states.get(id) ?? unspent

  function spend({ charges, force }: LimitRequest) {
    const work = (cost: (charge: LimitCharge) => number) =>
      charges.map((charge) => {
        const ids = charge.rules.map((rule) => idOf(charge.subject, rule))
        return { ids, plan: planSpending(charge.rules, ids.map(stateOf), clock.now(), cost(charge), force) }
      })
    const wanted = work(({ cost }) => cost)
    const ok = wanted.every(({ plan }) => plan.ok)
    if (ok) for (const { ids, plan } of wanted) ids.forEach((id, i) => states.set(id, plan.states[i]!))
    const untouched = work(() => 0)
    const shown = wanted.map(({ plan }, i) => (ok || !plan.ok ? plan : untouched[i]!.plan))
    return { ok, now: clock.now(), meters: shown.flatMap(({ meters }) => meters) }
  }

  const limits = {
    ...{ name: 'watched', synchronous: true, shared: false, trouble: null, delay: null, closed: false },
    requests: [] as LimitRequest[],
    forgotten: [] as string[],
    spend(request: LimitRequest) {
      const { delay } = limits as WatchedLimits
      const answer = () => {
        const { trouble } = limits as WatchedLimits
        if (trouble) throw trouble
        limits.requests.push(request)
        return spend(request)
      }
      return delay ? delay().then(answer) : answer()
    },
    refund({ subject, rules, units, spentAt }) {
      for (const rule of rules) {
        const id = idOf(subject, rule)
        states.set(id, takeBack(rule, stateOf(id), spentAt, units))
      }
    },
    forget: (_: string, subject: string) => void limits.forgotten.push(subject),
    close: () => void ((limits as { closed: boolean }).closed = true),
    used: (subject: string, rules: readonly LimitRule[]) => {
      const plan = planSpending(
        rules,
        rules.map((rule) => stateOf(idOf(subject, rule))),
        clock.now(),
        0,
      )
      return Object.fromEntries(plan.meters.map(({ rule, used }) => [rule.name, used]))
    },
  } as WatchedLimits
  return limits
}

export type MeteredOptions = Partial<KeyrungOptions<typeof catalog>> & {
  readonly defaults?: NonNullable<KeyrungOptions<typeof catalog>['keys']['limits']>
}

/** A keyrung that counts, and what it counts in. */
export function metered({ defaults, limits, ...options }: MeteredOptions = {}) {
  const clock = manualClock()
  const store = watchedLimits(clock)
  const made = sample({
    clock,
    store: memoryStore({ clock }),
    keys: { prefix: 'tp', ...(defaults && { limits: defaults }) },
    limits: { store, ...limits },
    ...options,
  })
  return { ...made, clock, limits: store }
}

export type Metered = ReturnType<typeof metered>

export const minute = (limit: number) => ({ name: 'minute', limit, windowMs: 60_000 })
export const day = (limit: number) => ({ name: 'day', limit, calendar: 'day' as const })

/** Makes a key, and the request that presents it. */
export async function keyOf(
  { keyrung }: Pick<Metered, 'keyrung'>,
  input: Parameters<Metered['keyrung']['keys']['create']>[1] = { name: 'a', scopes: ['contacts:read'] },
): Promise<{ id: string; version: number; request: AdmissionRequest }> {
  const { key, secret } = await keyrung.keys.create(admin, input)
  return { id: key.id, version: key.version, request: { authorization: [`Bearer ${secret}`] } }
}

/** A sound answer to a request that cost one unit of one limit. */
export function answerOf(limit: Limit): LimitAnswer {
  const [rule] = parseLimits([limit])
  const now = manualClock().now()
  const meter = { rule: rule!, used: 1, remaining: 59, resetAt: now, retryAt: now, fits: true }
  return { ok: true, now, meters: [meter] }
}
