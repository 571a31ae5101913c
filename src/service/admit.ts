import type { CredentialRefusal, Decision } from '../core/decision.js'
import type { Demand } from '../core/demand.js'
import { evaluate } from '../core/evaluate.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { Principal } from '../core/principal.js'
import type { LimitAnswer } from '../ports/limit-store.js'
import type { Admission, AdmissionRequest, LimitReport } from './admission.js'
import type { Authenticator, Caller } from './authenticate.js'
import type { Authorizer, Standing } from './authorize.js'
import { readCredential } from './credential.js'
import type { Meter } from './meter.js'
import type { Recorder } from './recorder.js'
import { isCharged } from './source-allowance.js'
import type { SourceAllowance } from './source-allowance.js'

/** What admission is made of. */
export interface AdmitterOptions {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly meter: Pick<Meter, 'charge'>
  readonly recorder: Recorder
  readonly sources: SourceAllowance
  readonly clock: Clock
}

/** What is hidden is charged like an operation that is not there: a cost or a limit of its own would tell of it. */
const unseen = Object.freeze({ cost: 1, limit: null })

type JudgeNeeds = Pick<AdmitterOptions, 'authenticator' | 'authorizer' | 'meter' | 'recorder' | 'clock'>

/** Makes the half of the pipeline that begins with a caller: evaluate → meter → recorder. */
function createJudge(options: JudgeNeeds): (caller: Caller, demand: Demand) => MaybePromise<Admission> {
  const { authorizer, meter, recorder, clock } = options

  /** Whatever is decided costs the same: what may not be done must not be tried for free. */
  function decide(caller: Caller, standing: Standing, demand: Demand): MaybePromise<Admission> {
    const decision = evaluate(demand, standing)
    const isHidden = decision.effect === 'deny' && decision.code === 'hidden'
    const charged = meter.charge(caller.key, standing.limits, isHidden ? unseen : demand)
    return isPromise(charged)
      ? charged.then((answer) => conclude(caller, decision, demand, answer))
      : conclude(caller, decision, demand, charged)
  }

  function conclude(
    { principal }: Caller,
    decision: Decision,
    demand: Demand,
    limits: LimitAnswer | null,
  ): Admission {
    const isLimited = limits?.ok === false
    recorder.called(principal.keyId, demand, isLimited ? 'limited' : decision.effect, clock.now())
    if (isLimited) {
      note(principal, 'limited', null)
      return { ok: false, code: 'limited', principal, decision: null, limits }
    }
    if (decision.effect === 'allow') return { ok: true, principal, decision, limits }
    const code = decision.effect === 'approval' ? 'approval_required' : decision.code
    note(principal, code, decision.effect === 'approval' ? (decision.queued[0] ?? null) : decision.permission)
    return { ok: false, code, principal, decision, limits }
  }

  function note({ workspaceId, keyId }: Caller['principal'], code: string, permission: string | null): void {
    recorder.refused({ workspaceId, keyId, code, permission }, clock.now())
  }

  return (caller, demand) => {
    recorder.used(caller.key.id, clock.now())
    const standing = authorizer.layersOf(caller)
    return isPromise(standing)
      ? standing.then((known) => decide(caller, known, demand))
      : decide(caller, standing, demand)
  }
}

/**
 * Makes the pipeline of a call without a request: a principal that was kept is looked up anew, and the call costs what a
 * request would.
 */
export function createCallAdmitter(
  options: JudgeNeeds,
): (principal: Principal, demand: Demand) => MaybePromise<Admission> {
  const judge = createJudge(options)
  const judged = (caller: Caller | CredentialRefusal, demand: Demand) =>
    typeof caller === 'string' ? refusal(caller) : judge(caller, demand)

  return (principal, demand) => {
    const caller = options.authenticator.resume(principal)
    return isPromise(caller) ? caller.then((known) => judged(known, demand)) : judged(caller, demand)
  }
}

/** Makes the pipeline of a request: credential → authenticate → evaluate → meter → recorder. */
export function createAdmitter(
  options: AdmitterOptions,
): (request: AdmissionRequest, demand: Demand) => MaybePromise<Admission> {
  const { authenticator, sources } = options
  const judge = createJudge(options)

  function refuse(code: CredentialRefusal, request: AdmissionRequest): Admission {
    const over = isCharged(code) ? sources.spend(request) : null
    return over === null ? refusal(code) : sourceLimited(over)
  }

  function identified(
    caller: Caller | CredentialRefusal,
    demand: Demand,
    request: AdmissionRequest,
  ): MaybePromise<Admission> {
    return typeof caller === 'string' ? refuse(caller, request) : judge(caller, demand)
  }

  return (request, demand) => {
    const presented = readCredential(request.authorization, request.bare)
    if (!presented.ok) return refuse(presented.code, request)
    const gate = sources.gate(request)
    const caller = authenticator.identify(presented.secret, request.address, gate)
    if (gate !== null && gate.report !== null) return sourceLimited(gate.report)
    return isPromise(caller)
      ? caller.then((known) => identified(known, demand, request))
      : identified(caller, demand, request)
  }
}

function sourceLimited(limits: LimitReport): Admission {
  return { ok: false, code: 'limited', principal: null, decision: null, limits }
}

function refusal(code: CredentialRefusal): Admission {
  return { ok: false, code, principal: null, decision: null, limits: null }
}
