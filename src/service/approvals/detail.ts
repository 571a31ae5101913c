import type { ApprovalContentRecord, ApprovalRecord } from '../../core/approval.js'
import { canonicalJson } from '../../crypto/canonical-json.js'
import type { Json } from '../../core/plain-value.js'
import { fromUtf8, toBase64 } from '../../crypto/encoding.js'
import type { ServiceContext } from '../context.js'
import { openRequest, openResult } from './content.js'
import type { AskedContent, ResultContent } from './content.js'
import { strayRecord } from './found.js'
import { maskText } from './masking.js'
import { readContentType } from './replayable.js'
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
  const preview = maskJsonValue(asked.preview, redact)
  if (asked.request === null) {
    const input = { contentType: 'application/json', body: asked.input, isTruncated: false }
    const body = showBody(input, redact, { isRewritten: false })
    return { method: null, target: null, headers: [], body, preview }
  }
  const { method, target, headers, body, isRewritten } = asked.request
  const contentType = headers.find(([name]) => name === 'content-type')?.[1] ?? null
  const shown = showBody({ contentType, body, isTruncated: false }, redact, { isRewritten })
  return { method, target, headers, body: shown, preview }
}

/** Shows a body: as text where it is text, else in base64. */
function showBody(
  { contentType, body, isTruncated }: ResultContent,
  redact: readonly string[],
  { isRewritten }: Pick<BodyView, 'isRewritten'>,
): BodyView {
  const shared = { contentType, bytes: body.length, isRewritten, isTruncated }
  const text = fromUtf8(body)
  if (text === undefined) return { ...shared, encoding: 'base64', text: toBase64(body), masked: [] }
  return { ...shared, encoding: 'utf8', ...maskText(text, readContentType(contentType).kind, redact) }
}

function maskJsonValue(value: Json, redact: readonly string[]): Json {
  if (value === null || redact.length === 0) return value
  const { text, masked } = maskText(canonicalJson(value), 'json', redact)
  return masked.length === 0 ? value : text === '' ? null : (JSON.parse(text) as Json)
}
