import type { Decision } from '../core/decision.js'
import type { Demand } from '../core/demand.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Keyrung } from '../service/keyrung.js'
import type { ReplayTicket } from '../service/replay.js'
import { findAdmitted } from './admitted.js'
import type { GateRequest } from './gate-request.js'

/** The approval that a request is run under. */
export interface RunApproval {
  /** The same for every attempt, and so what a handler recognises one by. */
  readonly id: string
}

/** What a guard says to a replay; `changed`: it is not what was approved, and nobody may go on with it. */
export type ReplayDecision = Exclude<Decision, { readonly effect: 'approval' }> | 'changed'

/**
 * Judges a replay: the guard that queued the request lets it through once, as what it demands was approved; any other
 * decides anew. The ticket says what was found.
 */
export function judgeReplay(
  keyrung: Pick<Keyrung, 'authorize'>,
  demand: Demand,
  request: GateRequest,
  ticket: ReplayTicket,
): MaybePromise<ReplayDecision> {
  const { state } = ticket
  if (ticket.keyrung !== keyrung || state === 'changed' || state === 'body_changed') return change(ticket)
  if (state === 'unused' && isSame(request, demand, ticket)) {
    if (request.isBodyChanged?.(ticket.request)) return change(ticket, 'body_changed')
    ticket.state = 'admitted'
    return demand.allow
  }
  const isBeside = state === 'unused' ? isInFront(request, ticket) : isLater(request, keyrung)
  if (!isBeside) return change(ticket)
  const decision = keyrung.authorize(ticket.principal, demand)
  return isPromise(decision)
    ? Promise.resolve(decision).then((made) => unlessQueued(made, ticket))
    : unlessQueued(decision, ticket)
}

function isSame(request: GateRequest, demand: Demand, ticket: ReplayTicket): boolean {
  return (
    request.method === ticket.request.method &&
    (request.pattern ?? null) === ticket.request.pattern &&
    demand.permissions.join(' ') === ticket.permissions
  )
}

/** A guard ahead of all routes, such as one of a whole app, is not the one of the route that the request is for. */
function isInFront({ pattern = null }: GateRequest, ticket: ReplayTicket): boolean {
  return pattern === null && ticket.request.pattern !== null
}

/** The same request, not another one over the same socket. */
function isLater({ identity }: GateRequest, keyrung: object): boolean {
  return identity !== undefined && findAdmitted(identity, keyrung) !== undefined
}

/** One approval does not stand in for another: whatever needs one belongs into one guard. */
function unlessQueued(decision: Decision, ticket: ReplayTicket): ReplayDecision {
  return decision.effect === 'approval' ? change(ticket) : decision
}

function change(ticket: ReplayTicket, state: 'changed' | 'body_changed' = 'changed'): 'changed' {
  // That a request has changed says that nothing was done, which is not known any more once it was let through.
  if (ticket.state === 'unused') ticket.state = state
  return 'changed'
}
