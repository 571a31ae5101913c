import type { CredentialRefusal } from '../core/decision.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Authentication } from './admission.js'
import type { Authenticator, Caller } from './authenticate.js'
import type { InFlight } from './in-flight.js'
import { isCharged } from './source-allowance.js'
import type { CredentialOrigin, SourceAllowance } from './source-allowance.js'

/** Makes the function that says who presents a secret, within what its source may present. */
export function createAuthentication(parts: {
  readonly authenticator: Pick<Authenticator, 'identify'>
  readonly sources: Pick<SourceAllowance, 'gate' | 'spend'>
  readonly inFlight: Pick<InFlight, 'track'>
}): (secret: unknown, ip: string | undefined) => MaybePromise<Authentication> {
  const { authenticator, sources, inFlight } = parts

  function toAuthentication(caller: Caller | CredentialRefusal, origin: CredentialOrigin): Authentication {
    if (typeof caller !== 'string') return { ok: true, principal: caller.principal }
    const over = isCharged(caller) ? sources.spend(origin) : null
    return over === null ? { ok: false, code: caller } : { ok: false, code: 'limited', limits: over }
  }

  return (secret, ip) => {
    const origin = { address: ip }
    const gate = sources.gate(origin)
    const caller = authenticator.identify(secret, ip, gate)
    if (gate !== null && gate.report !== null) return { ok: false, code: 'limited', limits: gate.report }
    return isPromise(caller)
      ? inFlight.track(caller.then((known) => toAuthentication(known, origin)))
      : toAuthentication(caller, origin)
  }
}
