import { hasEnded } from '../core/approval.js'
import type { Queued } from '../core/decision.js'
import { KeyrungError } from '../core/errors.js'
import type { LimitReport } from '../service/admission.js'
import type { AwaitingAdmission } from '../service/approvals/setup.js'
import type { Keyrung } from '../service/keyrung.js'
import type { StoredRequest } from '../service/replay.js'
import type { ReplayEffect } from './gate-demand.js'
import type { GateRequest } from './gate-request.js'
import { notifyOnce } from './notify-once.js'
import { answerError, answerRefusal } from './outcome.js'
import type { Answer } from './outcome.js'
import { parseWait } from './prefer.js'
import { answerQueued } from './queued.js'
import { readUserAgent } from './user-agent.js'
import { storedHeaders, storedNames } from './stored-headers.js'

/** An admission that a human has to complete. */
export interface Awaiting extends AwaitingAdmission {
  readonly code: 'approval_required'
  readonly decision: Queued
  readonly limits: LimitReport | null
}

/** What a gate asks of keyrung to have a request wait. */
export type Queueing = Pick<
  Keyrung,
  'http' | 'notify' | 'queue' | 'attached' | 'approvals' | 'approvalSettings'
>

const unattached = {
  code: 'app_unattached',
  message:
    'A request needs the approval of a human, but its app is not attached, so that it could not be run later: call attach(keyrung, app) of keyrung/express or keyrung/koa once, with the outermost app, which the server is given.',
} as const

/**
 * Makes what a gate does with a request that needs an approval: it stores it, byte for byte, and answers 202; where the
 * request's app is not attached, it is refused.
 */
export function createQueuer(
  keyrung: Queueing,
  effect: ReplayEffect,
): (request: GateRequest, admission: Awaiting) => Promise<Answer> {
  const { http, approvalSettings } = keyrung
  const names = storedNames(approvalSettings)

  return async (request, admission) => {
    const app = request.app === undefined ? null : keyrung.attached(request.app)
    if (app === null) {
      notifyOnce(keyrung, unattached)
      return answerRefusal(admission.code, http, admission.decision, admission.limits)
    }
    const wait = parseWait(request.headers('prefer'))
    // Asked for now, as the client may go at any time.
    const signal = wait ? request.gone : undefined
    try {
      const stored = await store(request, names, approvalSettings.maxBodyBytes)
      const queued = await keyrung.queue(admission, stored, {
        ...{ app, effect, ...idempotencyOf(request) },
        userAgent: readUserAgent(request.headers('user-agent')[0]),
      })
      const { approval } = queued
      const isShort = wait === null || wait === 0 || hasEnded(approval.status)
      const shown = isShort
        ? approval
        : await keyrung.approvals
            .track(admission.principal, approval.id, { waitMs: wait * 1000, signal })
            // It is queued, whatever comes after.
            .catch(() => approval)
      return answerQueued(http, shown, admission.limits, wait)
    } catch (error) {
      const answer = answerError(error, keyrung)
      // The rest of what the client is sending is not waited for.
      return answer.status === 413
        ? { ...answer, headers: { ...answer.headers, connection: 'close' } }
        : answer
    }
  }
}

async function store(
  request: GateRequest,
  names: readonly string[],
  maxBytes: number,
): Promise<StoredRequest> {
  const { method, target, pattern = null, scheme = 'http' } = request
  // A tunnel, a loop-back of all headers, another protocol: none of them is a request that can be sent again.
  if (['CONNECT', 'TRACE'].includes(method) || request.headers('upgrade').length > 0 || !request.readBody) {
    throw new KeyrungError('not_replayable')
  }
  const body = await request.readBody(maxBytes)
  const headers = storedHeaders(request, names, body)
  return {
    method,
    target,
    pattern,
    scheme,
    headers,
    body: body.bytes,
    isRewritten: body.isRewritten,
    parsed: body.parsed ?? null,
  }
}

/** @throws KeyrungError `input_invalid` for more than one, of which it is not known which was meant */
function idempotencyOf(request: GateRequest): { readonly idempotencyKey?: string } {
  const [idempotencyKey, ...more] = request.headers('idempotency-key')
  if (more.length > 0) {
    const faults = [{ path: 'Idempotency-Key', message: 'was sent more than once' }]
    throw new KeyrungError('input_invalid', { faults })
  }
  return idempotencyKey === undefined ? {} : { idempotencyKey }
}
