import type { ApprovalContentRecord, ApprovalRecord } from '../../core/approval.js'
import type { ServiceContext } from '../context.js'
import { openRequest, openResult } from './content.js'
import type { AskedContent, ResultContent, SaltedContent } from './content.js'
import { strayRecord } from './found.js'
import { maskBody, maskTarget, maskValue } from './masking.js'
import { escapeHidden } from '../../core/plain-text.js'
import { asSent, shownText } from './shown-text.js'
import type { ShownText } from './shown-text.js'
import { toApprovalView } from './view.js'
import type { ApprovalDetail, BodyView, RequestView } from './view.js'

type Needs = Pick<ServiceContext, 'store' | 'sealer' | 'approvalSettings' | 'keyFormat'>

/** Who looks: those who decide see masked texts, the caller what it sent. */
export type Viewer = 'decider' | 'caller'

interface Lens {
  readonly redact: readonly string[]
  readonly shown: ShownText
}

/**
 * Shows an approval with all there is to it.
 *
 * @throws KeyrungError `store_unavailable`, also for content that was tampered with
 */
export async function toDetail(
  context: Needs,
  record: ApprovalRecord,
  viewer: Viewer,
): Promise<ApprovalDetail> {
  const lens = viewer === 'caller' ? { redact: [], shown: asSent } : lensOf(context)
  const { asked, result } = await openContent(context, record)
  const votes = await context.store.listVotes(record.id)
  return {
    ...toApprovalView(record),
    request: asked && showThrough(asked, lens),
    result: result && showBody(result, lens, { isRewritten: false }),
    voters: votes
      .filter((vote) => vote.approvalId === record.id && vote.workspaceId === record.workspaceId)
      .map(({ actor, at, reason }) => ({ actor, at, reason: reason && escapeHidden(reason) })),
  }
}

/** What was asked and what came of it; null once it was purged, and where the host has no secret to open it with. */
export async function openContent(
  { store, sealer }: Pick<ServiceContext, 'store' | 'sealer'>,
  record: Pick<ApprovalRecord, 'id' | 'workspaceId'>,
): Promise<{ readonly asked: SaltedContent | null; readonly result: ResultContent | null }> {
  const content: ApprovalContentRecord | undefined =
    sealer === null ? undefined : await store.findApprovalContent(record.workspaceId, record.id)
  if (sealer === null || content === undefined) return { asked: null, result: null }
  if (content.id !== record.id || content.workspaceId !== record.workspaceId) throw strayRecord()
  return {
    asked: await openRequest(sealer, record, content.request),
    result: content.result === null ? null : await openResult(sealer, record, content.result),
  }
}

/** Shows what was asked for to those who decide: without what the host masks, without keys, and with nothing invisible. */
export function showAsked(
  context: Pick<ServiceContext, 'approvalSettings' | 'keyFormat'>,
  asked: AskedContent,
): RequestView {
  return showThrough(asked, lensOf(context))
}

function lensOf({ approvalSettings, keyFormat }: Parameters<typeof showAsked>[0]): Lens {
  return { redact: approvalSettings.redact, shown: shownText(keyFormat) }
}

function showThrough(asked: AskedContent, lens: Lens): RequestView {
  const { redact, shown } = lens
  const preview = shown.value(maskValue(asked.preview, redact))
  if (asked.request === null) {
    const input = { contentType: 'application/json', body: asked.input, isTruncated: false }
    const body = showBody(input, lens, { isRewritten: false })
    return { method: null, target: null, scheme: null, maskedQuery: [], headers: [], body, preview }
  }
  const { method, target, scheme, headers, body, isRewritten } = asked.request
  const contentType = headers.find(([name]) => name === 'content-type')?.[1] ?? null
  const shownBody = showBody({ contentType, body, isTruncated: false }, lens, { isRewritten })
  const { text, masked } = maskTarget(target, redact)
  return {
    method,
    target: shown.text(text),
    scheme,
    maskedQuery: masked.map(shown.text),
    headers: headers.map(([name, value]) => [name, shown.text(value)] as const),
    body: shownBody,
    preview,
  }
}

function showBody(
  { contentType, body, isTruncated }: ResultContent,
  { redact, shown }: Lens,
  { isRewritten }: Pick<BodyView, 'isRewritten'>,
): BodyView {
  const { encoding, text, masked } = maskBody(shown.bytes(body), contentType, redact)
  return {
    contentType: contentType && shown.text(contentType),
    encoding,
    // Base64 is all visible.
    text: encoding === 'utf8' ? shown.text(text) : text,
    bytes: body.length,
    masked: masked.map(shown.text),
    isRewritten,
    isTruncated,
  }
}
