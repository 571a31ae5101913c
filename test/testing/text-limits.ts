import { packStates, unpackStates } from '../../src/core/limit-text.js'
import { planSpending, settleStates, takeBack } from '../../src/core/limit-window.js'
import type { LimitPlan } from '../../src/core/limit-window.js'
import type { LimitCharge, LimitRequest, LimitStore } from '../../src/ports/limit-store.js'

/** The plainest limit store there is: a text for each subject, and the core's own sums on it. */
export function textLimits(now: () => number): LimitStore & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>()
  const keyOf = (workspaceId: string, subject: string) => JSON.stringify([workspaceId, subject])

  function planOf({ workspaceId, force }: LimitRequest, charge: LimitCharge, cost: number): LimitPlan {
    const states = unpackStates(charge.rules, texts.get(keyOf(workspaceId, charge.subject)) ?? '')
    return planSpending(charge.rules, states, now(), cost, force)
  }

  return {
    ...{ name: 'text', synchronous: true, shared: false, texts },
    spend(request) {
      let plans = request.charges.map((charge) => planOf(request, charge, charge.cost))
      const ok = plans.every((plan) => plan.ok)
      // What fits is not spent where something else does not.
      if (!ok) plans = plans.map((plan, i) => (plan.ok ? planOf(request, request.charges[i]!, 0) : plan))
      for (const [i, { subject, rules, cost }] of request.charges.entries()) {
        const key = keyOf(request.workspaceId, subject)
        const text = texts.get(key) ?? ''
        const read = unpackStates(rules, text)
        const states = ok ? plans[i]!.states : settleStates(rules, read, now())
        if (cost > 0 && (ok || states !== read)) texts.set(key, packStates(rules, states, text, now()))
      }
      return { ok, now: now(), meters: plans.flatMap(({ meters }) => meters) }
    },
    refund({ workspaceId, subject, rules, units, spentAt }) {
      const key = keyOf(workspaceId, subject)
      const text = texts.get(key) ?? ''
      const states = unpackStates(rules, text)
      const left = rules.map((rule, i) => takeBack(rule, states[i]!, spentAt, units))
      texts.set(key, packStates(rules, left, text, now()))
    },
    forget: (workspaceId, subject) => void texts.delete(keyOf(workspaceId, subject)),
    close: () => undefined,
  }
}
