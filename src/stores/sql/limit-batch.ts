import type { LimitRule } from '../../core/limit.js'
import { packStates, textForgettableAt, unpackStates } from '../../core/limit-text.js'
import { planSpending, settleStates } from '../../core/limit-window.js'
import type { LimitState } from '../../core/limit-window.js'
import { toHex } from '../../crypto/encoding.js'
import { sha256 } from '../../crypto/digest.js'
import type { LimitAnswer, LimitRequest } from '../../ports/limit-store.js'

/** A charge whose subject is known by its row. */
export interface TakenCharge {
  readonly id: string
  readonly rules: readonly LimitRule[]
  readonly cost: number
}

/** A request that has been copied, so that nothing its giver does to it later is seen. */
export interface TakenRequest {
  readonly charges: readonly TakenCharge[]
  readonly force: boolean
}

/** What a row is to hold. */
export interface LimitContent {
  readonly text: string
  readonly forgetAt: number
}

/** Several requests worked out together, on what was read. */
export interface BatchPlan {
  /** In the order of the requests. */
  readonly answers: readonly LimitAnswer[]
  /** It is right while the store's now is from here on, */
  readonly from: number
  /** and below this instant. */
  readonly until: number
  /** What is to be written, by row; nothing where nobody spends. */
  readonly contents: ReadonlyMap<string, LimitContent>
}

/** What one subject has spent, while it is worked on. */
interface Entry {
  readonly before: string
  readonly rules: readonly LimitRule[]
  readonly states: readonly LimitState[]
  readonly isChanged: boolean
}

/** The id of a subject's row: a digest, as subjects may be long, over a text that no two of them share. */
export function limitId(workspaceId: string, subject: string): string {
  return toHex(sha256(JSON.stringify([workspaceId, subject])))
}

/** Copies a request. */
export function takeRequest({ workspaceId, charges, force = false }: LimitRequest): TakenRequest {
  return {
    force,
    // Who has no limits has nothing counted.
    charges: charges
      .filter(({ rules }) => rules.length > 0)
      .map(({ subject, rules, cost }) => ({ id: limitId(workspaceId, subject), rules, cost })),
  }
}

/** The rows that requests are about, in order, so that all take them in the same one. */
export function idsOf(requests: readonly TakenRequest[]): readonly string[] {
  return [...new Set(requests.flatMap(({ charges }) => charges.map(({ id }) => id)))].sort()
}

/**
 * Works out requests in the order of their arrival, each all or nothing: those that come first spend first, and who
 * does not fit stands in nobody's way.
 *
 * @param texts what the rows hold, `''` where there is none
 * @param now the store's; where it is not known rather less than more, as what is over by then is dropped
 */
export function planBatch(
  requests: readonly TakenRequest[],
  texts: ReadonlyMap<string, string>,
  now: number,
): BatchPlan {
  let [from, until] = [0, Infinity]
  const entries = new Map<string, Entry>()

  function entryOf({ id, rules }: TakenCharge): Entry {
    const entry = entries.get(id)
    if (entry?.rules === rules) return entry
    // Equal rules of two requests are two lists: written down and read again, nothing is lost between them.
    const before = entry?.isChanged ? textOf(entry) : (entry?.before ?? texts.get(id) ?? '')
    const states = unpackStates(rules, before)
    return { before, rules, states, isChanged: entry?.isChanged ?? false }
  }

  function textOf({ rules, states, before }: Entry): string {
    return packStates(rules, states, before, now)
  }

  function spend({ charges, force }: TakenRequest): LimitAnswer {
    const found = new Map(charges.map((charge) => [charge.id, entries.get(charge.id)]))
    const plans = charges.map((charge) => {
      const entry = entryOf(charge)
      const plan = planSpending(charge.rules, entry.states, now, charge.cost, force)
      from = Math.max(from, plan.from)
      until = Math.min(until, plan.until)
      const isChanged = entry.isChanged || plan.states !== entry.states
      entries.set(charge.id, { ...entry, states: plan.states, isChanged })
      return { charge, entry, plan }
    })
    const ok = plans.every(({ plan }) => plan.ok)
    if (!ok) {
      for (const { charge, entry } of plans) {
        const { id, rules, cost } = charge
        const before = found.get(id)
        const states = cost > 0 ? settleStates(rules, entry.states, now) : entry.states
        // Where the clock was set back the window begins with a refusal too: else it would begin with each one.
        if (states !== entry.states) entries.set(id, { ...entry, states, isChanged: true })
        else if (before) entries.set(id, before)
        else entries.delete(id)
      }
    }
    return {
      ok,
      now,
      meters: plans.flatMap(({ charge, entry, plan }) =>
        // What would have fit is not spent either, and its meters must not say so.
        ok || !plan.ok ? plan.meters : planSpending(charge.rules, entry.states, now, 0).meters,
      ),
    }
  }

  const answers = requests.map(spend)
  const contents = new Map<string, LimitContent>()
  for (const [id, entry] of entries) {
    if (!entry.isChanged) continue
    const text = textOf(entry)
    contents.set(id, { text, forgetAt: textForgettableAt(text) })
  }
  return { answers, from, until, contents }
}
