import * as z from 'zod/mini'
import { hasEnded } from '../core/approval.js'
import { isKeyrungError, KeyrungError } from '../core/errors.js'
import type { Principal } from '../core/principal.js'
import { objectOf } from '../service/keys/fields.js'
import type { ApproveInput, ResolveInput } from '../service/approvals.js'
import type { ListApprovalsInput } from '../service/approvals/list.js'
import type { ApprovalDetail } from '../service/approvals/view.js'
import { answerJson } from './answer.js'
import { approvalBody, approvalDetailBody } from './approval-body.js'
import { readJsonBody } from './body.js'
import type { Call } from './call.js'
import { limitOf, parametersOf, readQuery } from './query.js'
import { parseTimestamp, timeField } from './timestamp.js'
import { chargeWait, readWait, waitField } from './wait.js'
import type { Wait } from './wait.js'
import { passedOn, readWire, withWireNames } from './wire.js'

/** Seconds after which a run that was not waited for is worth another look. */
const lookAgainSeconds = 5

const listing = parametersOf({
  ...{ status: passedOn, key_id: passedOn, resource: passedOn, cursor: passedOn, limit: passedOn },
  created_before: z.optional(timeField),
})
const approval = objectOf({ digest: passedOn, reason: passedOn, wait_seconds: waitField })
const rejection = objectOf({ reason: passedOn })
const resolution = objectOf({ as: passedOn, reason: passedOn, wait_seconds: waitField })
const nothing = objectOf({})

/** `GET /approvals`: what waits, or has waited, for humans; newest first. */
export async function listApprovals({ keyrung, actor, request }: Call): Promise<Response> {
  const {
    key_id: keyId,
    created_before: createdBefore,
    limit,
    ...rest
  } = readWire(listing, readQuery(request))
  const input = { ...rest, keyId, createdBefore: parseTimestamp(createdBefore), limit: limitOf(limit) }
  const { approvals, next } = await withWireNames({ key_id: 'keyId', created_before: 'createdBefore' }, () =>
    keyrung.approvals.list(actor, input as ListApprovalsInput),
  )
  return answerJson({ approvals: approvals.map(approvalBody), next })
}

/** `GET /approvals/:id`: for whoever decides, and for the key that asked: it may wait for its end by `Prefer: wait=N`. */
export async function getApproval(call: Call): Promise<Response> {
  const { keyrung, actor, id, request } = call
  if (actor.type !== 'principal')
    return answerJson(approvalDetailBody(await keyrung.approvals.get(actor, id)))
  const { waitMs, headers } = readWait(request)
  await chargeWait(call, waitMs ?? 0)
  const own = await hideMissing(
    keyrung.approvals.track(actor.principal, id, { waitMs, signal: request.signal }),
  )
  if (own !== null) return answerJson(approvalDetailBody(own), 200, { ...headers, ...lookAgain(own) })
  // It is none of the key's own; where the host lets keys decide, it may be another's.
  const others = await hideMissing(keyrung.approvals.get(actor, id))
  if (others === null) throw new KeyrungError('not_found')
  return answerJson(approvalDetailBody(others))
}

/** `POST /approvals/:id/approve`: what was shown, by its digest. 202 while it runs. */
export async function approveApproval(call: Call): Promise<Response> {
  const { keyrung, actor, id, request, origin } = call
  const { wait_seconds, ...input } = readWire(approval, await readJsonBody(request))
  const wait = readWait(request, wait_seconds)
  await chargeWait(call, wait.waitMs)
  const options = { ...origin, waitMs: wait.waitMs, signal: request.signal }
  return answerRun(call, wait, await keyrung.approvals.approve(actor, id, input as ApproveInput, options))
}

/** `POST /approvals/:id/reject`, with a reason that the key's webhook is told. */
export async function rejectApproval({ keyrung, actor, id, request, origin }: Call): Promise<Response> {
  const input = readWire(rejection, await readJsonBody(request)) as { readonly reason: string }
  return answerJson(approvalBody(await keyrung.approvals.reject(actor, id, input, origin)))
}

/** `POST /approvals/:id/resolve`: how a run ended that nobody knows of, or that it is to run again. */
export async function resolveApproval(call: Call): Promise<Response> {
  const { keyrung, actor, id, request, origin } = call
  const { wait_seconds, ...input } = readWire(resolution, await readJsonBody(request))
  const wait = readWait(request, wait_seconds)
  await chargeWait(call, wait.waitMs)
  const options = { ...origin, waitMs: wait.waitMs, signal: request.signal }
  return answerRun(call, wait, await keyrung.approvals.resolve(actor, id, input as ResolveInput, options))
}

/** `POST /approvals/:id/cancel`: a key takes back what it has asked for. */
export async function cancelApproval({ keyrung, actor, id, request, origin }: Call): Promise<Response> {
  const principal: Principal | undefined = actor.type === 'principal' ? actor.principal : undefined
  if (principal === undefined) {
    throw new KeyrungError('forbidden', {
      message: 'Only the key that asked for it may cancel it. Reject it.',
    })
  }
  readWire(nothing, await readJsonBody(request))
  return answerJson(approvalBody(await keyrung.approvals.cancel(principal, id, origin)))
}

/** 202 for what is to run, or runs: its end stands at `Location`. */
function answerRun({ prefix }: Pick<Call, 'prefix'>, { headers }: Wait, approval: ApprovalDetail): Response {
  const isUnderWay = approval.status === 'approved' || approval.status === 'executing'
  return answerJson(approvalDetailBody(approval), isUnderWay ? 202 : 200, {
    ...headers,
    ...(isUnderWay && { location: `${prefix}/approvals/${approval.id}`, ...lookAgain(approval) }),
  })
}

function lookAgain({ status }: Pick<ApprovalDetail, 'status'>): Readonly<Record<string, string>> {
  return hasEnded(status) ? {} : { 'retry-after': String(lookAgainSeconds) }
}

/** What a key may not see is for it not there. */
async function hideMissing(found: Promise<ApprovalDetail>): Promise<ApprovalDetail | null> {
  try {
    return await found
  } catch (error) {
    const isHidden = isKeyrungError(error) && (error.code === 'not_found' || error.code === 'forbidden')
    if (isHidden) return null
    throw error
  }
}
