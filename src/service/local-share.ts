import { Generations } from '../core/generations.js'
import type { LimitRule } from '../core/limit.js'
import { bucketAt, fullState, planSpending } from '../core/limit-window.js'
import type { LimitMeter, LimitState } from '../core/limit-window.js'
import type { LimitAnswer, LimitCharge, LimitRequest } from '../ports/limit-store.js'
import { uncounted } from './guarded-limits.js'

/** The most subjects counted here at a time; further ones are refused, as to forget one would be to refill it. */
const maxSubjects = 100_000

/** The longest window that is waited out; of longer ones a share of what was left is given out at once. */
const longestWaitMs = 3_600_000

/** An instant of the limit store's time. */
type StoreTime = number

/** What a limit store answered last about a subject with a long window. */
interface Known {
  readonly at: StoreTime
  readonly rules: readonly LimitRule[]
  readonly meters: readonly LimitMeter[]
  /** Spent here since. */
  spent: number
}

interface Local {
  readonly rules: readonly LimitRule[]
  states: readonly LimitState[]
}

/** Counts in this process alone, up to a share of each limit, while the limit store is away. */
export interface LocalShare {
  /** Notes what the store answered. */
  note(request: LimitRequest, answer: LimitAnswer): void
  /**
   * Spends from the share.
   *
   * @param since when the store was seen to be away: what was left until then can have been spent by others
   * @throws KeyrungError `limits_unavailable` for what the share could never admit, though the limit could
   */
  spend(request: LimitRequest, now: StoreTime, since: StoreTime): LimitAnswer
  /** Forgets what was spent here, as the store knows of it, or is about to. */
  clear(): void
}

/** One text for workspace and subject, in which no two pairs meet. */
export function subjectKey(workspaceId: string, subject: string): string {
  return `${workspaceId.length}:${workspaceId}${subject}`
}

/** Makes the local counting for a share of each limit: above 0 and at most 1. */
export function createLocalShare(share: number): LocalShare {
  const known = new Generations<Known>(maxSubjects)
  const locals = new Map<string, Local>()

  function scaled(rules: readonly LimitRule[]): readonly LimitRule[] {
    return rules.map((rule) => ({ ...rule, limit: Math.floor(rule.limit * share) }))
  }

  /**
   * How a limit stands here at first: full as of when the store was seen to be away, so that nothing is admitted until a
   * whole window has passed since; of a long one, a share of what was left is free, if that is known of the same period.
   */
  function begin(rule: LimitRule, own: LimitRule, key: string, since: StoreTime): LimitState {
    const last = known.get(key)
    const meter = last?.meters[last.rules.findIndex(({ name }) => name === rule.name)]
    if (rule.windowMs <= longestWaitMs || last === undefined || meter?.rule.windowMs !== rule.windowMs) {
      return fullState(own, since)
    }
    if (rule.kind !== 'rolling' && bucketAt(rule, last.at) !== bucketAt(rule, since)) {
      return fullState(own, since)
    }
    const left = Math.min(meter.remaining, rule.limit) - last.spent
    const free = Math.max(0, Math.min(own.limit, Math.floor(left * share)))
    return { bucket: bucketAt(own, since), counts: [own.limit - free] }
  }

  function localOf(charge: LimitCharge, key: string, since: StoreTime): Local {
    const before = locals.get(key)
    const own = scaled(charge.rules)
    const states = own.map((rule, i) => {
      const at = before?.rules.findIndex(
        ({ name, windowMs }) => name === rule.name && windowMs === rule.windowMs,
      )
      const kept = at === undefined ? undefined : before!.states[at]
      return kept ?? begin(charge.rules[i]!, rule, key, since)
    })
    return { rules: own, states }
  }

  return {
    note({ workspaceId, charges }, { now, meters }) {
      let at = 0
      for (const { subject, rules } of charges) {
        const end = at + rules.length
        if (rules.some(({ windowMs }) => windowMs > longestWaitMs)) {
          const key = subjectKey(workspaceId, subject)
          known.set(key, { at: now, rules, meters: meters.slice(at, end), spent: 0 })
        }
        at = end
      }
    },

    spend({ workspaceId, charges, force = false }, now, since) {
      const plans = charges.map((charge) => {
        const key = subjectKey(workspaceId, charge.subject)
        const local = localOf(charge, key, since)
        const plan = planSpending(local.rules, local.states, now, charge.cost, force)
        return { charge, key, local, plan }
      })
      const ok = plans.every(({ plan }) => plan.ok)
      if (ok) {
        const more = plans.filter(({ key }) => !locals.has(key)).length
        if (locals.size + more > maxSubjects) throw uncounted('more subjects than can be counted without it')
        for (const { charge, key, local, plan } of plans) {
          locals.set(key, { rules: local.rules, states: plan.states })
          const last = known.get(key)
          if (last !== undefined) last.spent += charge.cost
        }
        return { ok, now, meters: plans.flatMap(({ plan }) => plan.meters) }
      }
      for (const { charge, local } of plans) {
        if (
          local.rules.some(({ limit }, i) => charge.cost > limit && charge.cost <= charge.rules[i]!.limit)
        ) {
          throw uncounted('the share of a limit is less than what is asked for')
        }
      }
      const meters = plans.flatMap(({ local, plan }) =>
        plan.ok ? planSpending(local.rules, local.states, now, 0).meters : plan.meters,
      )
      return { ok, now, meters }
    },

    clear: () => locals.clear(),
  }
}
