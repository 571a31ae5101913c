import type { CredentialRefusal, Decision } from '../core/decision.js'
import type { Demand } from '../core/demand.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Clock } from '../ports/clock.js'
import type { Admission, AdmissionRequest } from './admission.js'
import type { Authenticator, Caller } from './authenticate.js'
import type { Authorizer } from './authorize.js'
import { readCredential } from './credential.js'
import type { Recorder } from './recorder.js'

/** What admission is made of. */
export interface AdmitterOptions {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly recorder: Recorder
  readonly clock: Clock
}

/** Makes the pipeline of a request: credential → authenticate → evaluate → recorder. */
export function createAdmitter(
  options: AdmitterOptions,
): (request: AdmissionRequest, demand: Demand) => MaybePromise<Admission> {
  const { authenticator, authorizer, recorder, clock } = options

  function conclude(caller: Caller, decision: Decision): Admission {
    const { principal } = caller
    if (decision.effect === 'allow') return { ok: true, principal, decision }
    const code = decision.effect === 'approval' ? 'approval_required' : decision.code
    const permission = decision.effect === 'approval' ? (decision.queued[0] ?? null) : decision.permission
    recorder.refused(
      { workspaceId: principal.workspaceId, keyId: principal.keyId, code, permission },
      clock.now(),
    )
    return { ok: false, code, principal, decision }
  }

  function decide(caller: Caller | CredentialRefusal, demand: Demand): MaybePromise<Admission> {
    if (typeof caller === 'string') return refusal(caller)
    recorder.used(caller.key.id, clock.now())
    const decision = authorizer.decide(caller, demand)
    return isPromise(decision) ? decision.then((made) => conclude(caller, made)) : conclude(caller, decision)
  }

  return (request, demand) => {
    const presented = readCredential(request.authorization, request.bare)
    if (!presented.ok) return refusal(presented.code)
    const caller = authenticator.identify(presented.secret, request.address)
    return isPromise(caller) ? caller.then((known) => decide(known, demand)) : decide(caller, demand)
  }
}

function refusal(code: CredentialRefusal): Admission {
  return { ok: false, code, principal: null, decision: null }
}
