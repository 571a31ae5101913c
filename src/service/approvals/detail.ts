import type { ApprovalContentRecord, ApprovalRecord } from '../../core/approval.js'
import type { ServiceContext } from '../context.js'
import { openRequest, openResult } from './content.js'
import type { AskedContent, ResultContent } from './content.js'
import { strayRecord } from './found.js'
import { maskBody, maskTarget, maskValue } from './masking.js'
import { toApprovalView } from './view.js'
import type { ApprovalDetail, BodyView, RequestView } from './view.js'

type Needs = Pick<ServiceContext, 'store' | 'sealer' | 'approvalSettings'>

/**
 * Shows an approval with all there is to it.
 *
 * @param redact JSON pointers to what is masked
 * @throws KeyrungError `store_unavailable`, also for content that was tampered with
 */
export async function toDetail(
  context: Needs,
  record: ApprovalRecord,
  redact: readonly string[],
): Promise<ApprovalDetail> {
  const { asked, result } = await openContent(context, record)
  const votes = await context.store.listVotes(record.id)
  return {
    ...toApprovalView(record),
    request: asked && showAsked(asked, redact),
    result: result && showBody(result, redact, { isRewritten: false }),
    voters: votes
      .filter((vote) => vote.approvalId === record.id && vote.workspaceId === record.workspaceId)
      .map(({ actor, at, reason }) => ({ actor, at, reason })),
  }
}

/** What was asked and what came of it; null once it was purged, and where the host has no secret to open it with. */
export async function openContent(
  { store, sealer }: Pick<ServiceContext, 'store' | 'sealer'>,
  record: Pick<ApprovalRecord, 'id' | 'workspaceId'>,
): Promise<{ readonly asked: AskedContent | null; readonly result: ResultContent | null }> {
  const content: ApprovalContentRecord | undefined =
    sealer === null ? undefined : await store.findApprovalContent(record.workspaceId, record.id)
  if (sealer === null || content === undefined) return { asked: null, result: null }
  if (content.id !== record.id || content.workspaceId !== record.workspaceId) throw strayRecord()
  return {
    asked: await openRequest(sealer, record, content.request),
    result: content.result === null ? null : await openResult(sealer, record, content.result),
  }
}

/** Shows what was asked for, as far as it may be seen. */
export function showAsked(asked: AskedContent, redact: readonly string[]): RequestView {
  const preview = maskValue(asked.preview, redact)
  if (asked.request === null) {
    const input = { contentType: 'application/json', body: asked.input, isTruncated: false }
    const body = showBody(input, redact, { isRewritten: false })
    return { method: null, target: null, maskedQuery: [], headers: [], body, preview }
  }
  const { method, target, headers, body, isRewritten } = asked.request
  const contentType = headers.find(([name]) => name === 'content-type')?.[1] ?? null
  const shown = showBody({ contentType, body, isTruncated: false }, redact, { isRewritten })
  const { text, masked: maskedQuery } = maskTarget(target, redact)
  return { method, target: text, maskedQuery, headers, body: shown, preview }
}

function showBody(
  { contentType, body, isTruncated }: ResultContent,
  redact: readonly string[],
  { isRewritten }: Pick<BodyView, 'isRewritten'>,
): BodyView {
  const shown = maskBody(body, contentType, redact)
  return { contentType, bytes: body.length, ...shown, isRewritten, isTruncated }
}
