import type { Plan } from '../core/entitlement.js'
import type { Decision } from '../core/decision.js'
import type { Demand } from '../core/demand.js'
import { evaluate } from '../core/evaluate.js'
import type { Layers } from '../core/layers.js'
import type { LimitRule } from '../core/limit.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Caller } from './authenticate.js'
import type { Rights, UserStanding } from './rights.js'

/** A table that is too short denies: no level on any slot. */
const nothing = new Uint8Array(0)

/** What a caller may do, and how often by its plan, as both stand in one moment. */
export interface Standing extends Layers {
  /** The plan's limits. */
  readonly limits: readonly LimitRule[]
}

/** Judges callers by what they hold and by every ceiling above it. */
export interface Authorizer {
  /** The level tables of all layers, as they stand now. */
  layersOf(caller: Caller): MaybePromise<Standing>
  decide(caller: Caller, demand: Demand): MaybePromise<Decision>
}

/** Makes the part of the pipeline from a caller to a decision. */
export function createAuthorizer(rights: Rights): Authorizer {
  function layersOf(caller: Caller): MaybePromise<Standing> {
    const { workspaceId, ownerId } = caller.key
    const plan = rights.ofWorkspace(workspaceId)
    // Without a directory nobody is a member, and a key bound to an owner can do nothing.
    const owner = ownerId === null ? undefined : rights.ofUser(ownerId, workspaceId)
    return isPromise(plan) || isPromise(owner)
      ? Promise.all([plan, owner]).then(([p, o]) => stack(caller, p, o))
      : stack(caller, plan, owner)
  }

  return {
    layersOf,
    decide(caller, demand) {
      const layers = layersOf(caller)
      return isPromise(layers) ? layers.then((known) => evaluate(demand, known)) : evaluate(demand, layers)
    },
  }
}

function stack(caller: Caller, plan: Plan, owner: UserStanding | null | undefined): Standing {
  return {
    key: caller.grant.levels,
    token: caller.part?.levels,
    owner: owner === undefined ? undefined : (owner?.grant.levels ?? nothing),
    plan: plan.ceiling?.levels,
    access: plan.access,
    limits: plan.limits,
  }
}
