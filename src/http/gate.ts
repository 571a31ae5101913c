import type { AnyCatalog } from '../core/catalog.js'
import type { Allowed, Decision } from '../core/decision.js'
import { KeyrungError } from '../core/errors.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Principal } from '../core/principal.js'
import type { Admission, LimitReport } from '../service/admission.js'
import { lacksScheme, missingScheme } from '../service/credential.js'
import type { ReplayTicket } from '../service/replay.js'
import type { HttpSettings } from '../service/http-settings.js'
import type { Keyrung } from '../service/keyrung.js'
import { findAdmitted, noteAdmitted } from './admitted.js'
import type { AdmittedBefore } from './admitted.js'
import { createQueuer } from './gate-approval.js'
import type { Awaiting } from './gate-approval.js'
import { bindDemand } from './gate-demand.js'
import type { GateArguments } from './gate-demand.js'
import { judgeReplay } from './gate-replay.js'
import type { ReplayDecision, RunApproval } from './gate-replay.js'
import { Incoming, isForwarded } from './gate-request.js'
import type { GateRequest } from './gate-request.js'
import { notifyOnce } from './notify-once.js'
import { limitHeaders } from './limit-headers.js'
import type { HeaderPairs } from './limit-headers.js'
import { answerError, answerRefusal, answerSource, varyOf } from './outcome.js'
import type { Answer } from './outcome.js'
import { tellFurther, toldBy } from './told-limits.js'

/** What a gate says: who it is and that the request may go on, or what to answer instead. */
export type GateResult =
  | {
      readonly ok: true
      readonly principal: Principal
      readonly decision: Allowed
      /**
       * Headers to add to the response's `Vary` (RFC 9110, 12.5.5), where the key may come in a header of the host's own;
       * else null, as shared caches keep no answer to a request with `Authorization` (RFC 9111, 3.5).
       */
      readonly vary: string | null
      /** Further headers to set on the response, which tell how the caller's limits stand; null for none. */
      readonly headers: HeaderPairs | null
      /** The approval that the request is run under; null: it needed none. */
      readonly approval: RunApproval | null
    }
  | { readonly ok: false; readonly answer: Answer }

/** Judges one request after another. It never throws or rejects, and answers at once where keyrung does. */
export type Gate = (request: GateRequest) => MaybePromise<GateResult>

const proxyUnconfigured = {
  code: 'proxy_unconfigured',
  message:
    'A request came with Forwarded or X-Forwarded-For, but http.trustedProxies is 0, so callers behind a proxy all have its address, and share its allowance of credentials that are not valid.',
} as const

/**
 * Makes a gate: what a middleware asks before it lets a request through to a handler.
 *
 * Permissions are bound here and now, so they never depend on a path or a method. A further gate on the same
 * request (see `identity`) takes over the principal that the first one found, and decides anew what it may do.
 *
 * @throws KeyrungError `config_invalid` or `unknown_permission` for a mistake in what it was given
 *
 * @example
 * ```ts
 * const gate = createGate(keyrung, 'contacts:read')
 *
 * async function answer(request: GateRequest): Promise<Response> {
 *   const result = await gate(request)
 *   return result.ok ? Response.json({ key: result.principal.keyName }) : buildResponse(result.answer)
 * }
 * ```
 */
export function createGate<C extends AnyCatalog>(
  keyrung: Keyrung<C>,
  ...args: GateArguments<NoInfer<C>>
): Gate {
  const { demand, effect } = bindDemand(keyrung, args)
  const { http } = keyrung
  let looksForProxy = http.trustedProxies === 0
  const vary = varyOf(http)

  const queue = createQueuer(keyrung, effect)

  function judge(request: GateRequest): MaybePromise<GateResult> {
    if (request.truncated) return refuse(answerRefusal('credential_invalid', http))
    const { identity, replay } = request
    if (replay) return judgeReplayed(request, replay)
    if (request.method === 'OPTIONS' && isPreflight(request, http)) return refuse(preflight)
    const known = identity && findAdmitted(identity, keyrung)
    if (known) return judgeFurther(request, known)
    if (looksForProxy && isForwarded(request)) {
      looksForProxy = false
      notifyOnce(keyrung, proxyUnconfigured)
    }
    const admission = keyrung.admit(new Incoming(request, http), demand)
    return isPromise(admission)
      ? Promise.resolve(admission).then((made) => afterAdmission(request, made))
      : afterAdmission(request, admission)
  }

  /** A request is charged once; what another guard would have it cost beyond that is charged here. */
  function judgeFurther(request: GateRequest, before: AdmittedBefore): MaybePromise<GateResult> {
    const { principal, paid } = before
    if (demand.limit === null && demand.cost <= paid) {
      const decision = keyrung.authorize(principal, demand)
      return isPromise(decision)
        ? Promise.resolve(decision).then((made) => afterDecision(request, before, made))
        : afterDecision(request, before, decision)
    }
    const admission = keyrung.admitFurther(principal, demand, paid)
    return isPromise(admission)
      ? Promise.resolve(admission).then((made) => afterAdmission(request, made, before))
      : afterAdmission(request, admission, before)
  }

  /** What was approved was charged when it was queued. */
  function judgeReplayed(request: GateRequest, ticket: ReplayTicket): MaybePromise<GateResult> {
    const conclude = (decision: ReplayDecision): GateResult => {
      if (decision === 'changed') return refuse(answerRefusal('conflict', http))
      if (decision.effect === 'deny') return refuse(answerRefusal(decision.code, http, decision))
      const { principal, approvalId } = ticket
      if (request.identity)
        noteAdmitted(request.identity, keyrung, { principal, paid: Infinity, told: toldBy(demand, null) })
      const approval = ticket.state === 'admitted' ? { id: approvalId } : null
      return { ok: true, principal, decision, vary, headers: null, approval }
    }
    const decision = judgeReplay(keyrung, demand, request, ticket)
    return isPromise(decision) ? Promise.resolve(decision).then(conclude) : conclude(decision)
  }

  function afterAdmission(
    request: GateRequest,
    admission: Admission,
    before?: AdmittedBefore,
  ): MaybePromise<GateResult> {
    const told = before
      ? tellFurther(before.told, demand, admission.limits)
      : toldBy(demand, admission.limits ?? null)
    if (admission.ok !== true) {
      return isAwaiting(admission)
        ? queue(request, { ...admission, limits: told.limits }).then(refuse)
        : refuse(answerAdmission(request, admission, told.limits))
    }
    const { principal, decision } = admission
    const paid = Math.max(before?.paid ?? 0, demand.cost)
    if (request.identity) noteAdmitted(request.identity, keyrung, { principal, paid, told })
    const headers = told.limits && http.limitHeaders ? limitHeaders(told.limits) : null
    return { ok: true, principal, decision, vary, headers, approval: null }
  }

  function answerAdmission(
    request: GateRequest,
    { code, principal, decision }: Extract<Admission, { ok: false }>,
    limits: LimitReport | null,
  ): Answer {
    if (code === 'credential_invalid' && lacksScheme(request.headers('authorization'))) {
      return answerError(new KeyrungError(code, { message: missingScheme }), keyrung)
    }
    const isSource = code === 'limited' && principal === null
    return isSource ? answerSource(http, limits) : answerRefusal(code, http, decision, limits)
  }

  function afterDecision(
    request: GateRequest,
    { principal, told: { limits } }: AdmittedBefore,
    decision: Decision,
  ): MaybePromise<GateResult> {
    // It was charged, and its limits told, when it was let in.
    if (decision.effect === 'allow') {
      return { ok: true, principal, decision, vary, headers: null, approval: null }
    }
    if (decision.effect !== 'approval') {
      return refuse(answerRefusal(decision.code, http, decision, limits))
    }
    const code = 'approval_required'
    return queue(request, { code, principal, decision, limits }).then(refuse)
  }

  function fail(error: unknown): GateResult {
    return refuse(answerError(error, keyrung))
  }

  return (request) => {
    try {
      const result = judge(request)
      return result instanceof Promise ? result.catch(fail) : result
    } catch (error) {
      return fail(error)
    }
  }
}

/** No permission: it is for the CORS middleware ahead to give one, and nothing behind a guard runs for it. */
const preflight: Answer = {
  status: 204,
  headers: { vary: 'origin, access-control-request-method' },
  body: '',
}

/** Says whether a browser asks what a page of another origin may do (Fetch, 3.3); it does so without credentials. */
function isPreflight(request: GateRequest, { credentialHeader }: HttpSettings): boolean {
  const has = (name: string): boolean => request.headers(name).length > 0
  const isAsked = has('origin') && has('access-control-request-method')
  return isAsked && !has('authorization') && (credentialHeader === null || !has(credentialHeader))
}

function refuse(answer: Answer): GateResult {
  return { ok: false, answer }
}

function isAwaiting(admission: Admission): admission is Admission & Awaiting {
  return !admission.ok && admission.code === 'approval_required'
}
