import type { CredentialRefusal, Decision } from '../core/decision.js'
import type { Demand } from '../core/demand.js'
import { evaluate } from '../core/evaluate.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Principal } from '../core/principal.js'
import type { LimitAnswer } from '../ports/limit-store.js'
import type { Admission } from './admission.js'
import type { AdmitterOptions } from './admit.js'
import type { Caller } from './authenticate.js'
import type { Standing } from './authorize.js'

type Needs = Pick<AdmitterOptions, 'authenticator' | 'authorizer' | 'meter' | 'recorder' | 'clock'>

/** Admits a request that was let in before, and charges only what was not charged then. */
export type FurtherAdmitter = (principal: Principal, demand: Demand, paid: number) => MaybePromise<Admission>

/**
 * Makes what a further guard on the same request asks: it decides anew, and charges the limit of its own operation and
 * what this one costs beyond what was paid, so that a request is charged once, and no limit is passed by in silence.
 */
export function createFurtherAdmitter(options: Needs): FurtherAdmitter {
  const { authenticator, authorizer, meter, recorder, clock } = options

  function resumed(
    caller: Caller | CredentialRefusal,
    demand: Demand,
    paid: number,
  ): MaybePromise<Admission> {
    if (typeof caller === 'string') {
      return { ok: false, code: caller, principal: null, decision: null, limits: null }
    }
    const standing = authorizer.layersOf(caller)
    return isPromise(standing)
      ? standing.then((known) => decide(caller, known, demand, paid))
      : decide(caller, standing, demand, paid)
  }

  function decide(caller: Caller, standing: Standing, demand: Demand, paid: number): MaybePromise<Admission> {
    const decision = evaluate(demand, standing)
    // What is hidden is charged like an operation that is not there, and that was paid with the first guard.
    if (decision.effect === 'deny' && decision.code === 'hidden') return conclude(caller, decision, null)
    const { cost, limit } = demand
    const charged = meter.charge(caller.key, standing.limits, { cost, limit, paid })
    return isPromise(charged)
      ? charged.then((answer) => conclude(caller, decision, answer))
      : conclude(caller, decision, charged)
  }

  function conclude({ principal }: Caller, decision: Decision, limits: LimitAnswer | null): Admission {
    if (limits?.ok === false) {
      const { workspaceId, keyId } = principal
      recorder.refused({ workspaceId, keyId, code: 'limited', permission: null }, clock.now())
      return { ok: false, code: 'limited', principal, decision: null, limits }
    }
    if (decision.effect === 'allow') return { ok: true, principal, decision, limits }
    const code = decision.effect === 'approval' ? 'approval_required' : decision.code
    return { ok: false, code, principal, decision, limits }
  }

  return (principal, demand, paid) => {
    const caller = authenticator.resume(principal)
    return isPromise(caller)
      ? caller.then((known) => resumed(known, demand, paid))
      : resumed(caller, demand, paid)
  }
}
