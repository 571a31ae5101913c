import type { ApprovalRecord } from '../../core/approval.js'
import type { WebhookEvent } from '../../core/delivery.js'
import { toApprovalView } from '../approvals/view.js'
import type { RequestView } from '../approvals/view.js'

/**
 * What a webhook is sent (Standard Webhooks, 1.0: "Payload structure"), in the names of the wire.
 *
 * @param request what was asked for, as far as the host does not mask it; null where it was purged
 * @param at when it happened, in milliseconds since 1970
 */
export function webhookPayload(
  record: ApprovalRecord,
  event: WebhookEvent,
  request: RequestView | null,
  at: number,
) {
  const { keyName, environment, address, chain, tokenScopes, reason } = toApprovalView(record)
  return {
    type: event,
    timestamp: timestamp(at),
    data: {
      approval: {
        id: record.id,
        status: record.status,
        outcome: record.outcome,
        operation: record.operation,
        app: record.app,
        permissions: record.permissions.split(' '),
        digest: record.digest,
        key_id: record.keyId,
        key_name: keyName,
        environment,
        address,
        chain,
        token_scopes: tokenScopes,
        created_at: timestamp(record.createdAt),
        expires_at: timestamp(record.expiresAt),
        decided_at: record.decidedAt === null ? null : timestamp(record.decidedAt),
        result_status: record.resultStatus,
      },
      reason,
      request: request && {
        method: request.method,
        target: request.target,
        scheme: request.scheme,
        masked_query: request.maskedQuery,
        content_type: request.body.contentType,
        encoding: request.body.encoding,
        body: request.body.text,
        masked: request.body.masked,
        rewritten: request.body.isRewritten,
        truncated: request.body.isTruncated,
      },
    },
  }
}

function timestamp(at: number): string {
  return new Date(at).toISOString()
}
