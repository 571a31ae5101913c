import { hasEnded } from '../core/approval.js'
import type { LimitReport } from '../service/admission.js'
import type { ApprovalView } from '../service/approvals/view.js'
import type { HttpSettings } from '../service/http-settings.js'
import { limitHeaders } from './limit-headers.js'
import type { Answer } from './outcome.js'

/** Seconds after which a caller may look again: humans take their time. */
const lookAgainSeconds = 5

/** What a caller is told of its request that waits for a human (RFC 9110, 15.3.3). */
export interface QueuedBody {
  readonly approval_id: string
  readonly status: ApprovalView['status']
  /** When nobody can approve it any more, as an RFC 3339 time. */
  readonly expires_at: string
  /** What an approver confirms. */
  readonly digest: string
  /** Which of the permissions need the approval. */
  readonly permissions: readonly string[]
}

/**
 * The answer to a request that waits for a human: 202 whatever has become of it meanwhile, as what its handler answers
 * is kept for whoever asks at `Location`.
 *
 * @param wait how many seconds the caller would wait, as it was heeded; null: it did not say
 */
export function answerQueued(
  http: HttpSettings,
  approval: Pick<ApprovalView, 'id' | 'status' | 'expiresAt' | 'digest' | 'queued'>,
  limits: LimitReport | null,
  wait: number | null,
): Answer {
  const body: QueuedBody = {
    approval_id: approval.id,
    status: approval.status,
    expires_at: new Date(approval.expiresAt).toISOString(),
    digest: approval.digest,
    permissions: approval.queued,
  }
  return {
    status: 202,
    headers: {
      ...(http.limitHeaders ? Object.fromEntries(limitHeaders(limits) ?? []) : {}),
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(http.approvalsUrl === null ? {} : { location: `${http.approvalsUrl}/${approval.id}` }),
      ...(hasEnded(approval.status) ? {} : { 'retry-after': String(lookAgainSeconds) }),
      ...(wait === null ? {} : { 'preference-applied': `wait=${wait}` }),
    },
    body: JSON.stringify(body),
  }
}
