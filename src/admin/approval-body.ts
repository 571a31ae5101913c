import type { ApprovalDetail, ApprovalView, BodyView, RequestView } from '../service/approvals/view.js'
import { timestamp } from '../sinks/event-line.js'

/** An approval as it is told over HTTP: snake_case, instants as RFC 3339 text in UTC. */
export function approvalBody(approval: ApprovalView) {
  return {
    id: approval.id,
    workspace_id: approval.workspaceId,
    status: approval.status,
    outcome: approval.outcome,
    kind: approval.kind,
    operation: approval.operation,
    app: approval.app,
    permissions: approval.permissions,
    queued: approval.queued,
    resource: approval.resource,
    effect: approval.effect,
    digest: approval.digest,
    key_id: approval.keyId,
    key_name: approval.keyName,
    environment: approval.environment,
    address: approval.address,
    chain: approval.chain,
    token_scopes: approval.tokenScopes,
    quorum: approval.quorum,
    votes: approval.votes,
    created_at: timestamp(approval.createdAt),
    expires_at: timestamp(approval.expiresAt),
    decided_at: timestamp(approval.decidedAt),
    decided_by: approval.decidedBy,
    reason: approval.reason,
    started_at: timestamp(approval.startedAt),
    ended_at: timestamp(approval.endedAt),
    result_status: approval.resultStatus,
  }
}

/** The same with what was asked for, who has approved it, and what came of it. */
export function approvalDetailBody(approval: ApprovalDetail) {
  return {
    ...approvalBody(approval),
    request: approval.request && requestBody(approval.request),
    result: approval.result && contentBody(approval.result),
    voters: approval.voters.map(({ actor, at, reason }) => ({ actor, at: timestamp(at), reason })),
  }
}

function requestBody({ method, target, scheme, maskedQuery, headers, body, preview }: RequestView) {
  return { method, target, scheme, masked_query: maskedQuery, headers, body: contentBody(body), preview }
}

function contentBody(body: BodyView) {
  return {
    content_type: body.contentType,
    encoding: body.encoding,
    text: body.text,
    bytes: body.bytes,
    masked: body.masked,
    rewritten: body.isRewritten,
    truncated: body.isTruncated,
  }
}
