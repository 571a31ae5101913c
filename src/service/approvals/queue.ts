import { snapshotApproval } from '../../core/audit.js'
import type { ApprovalContentRecord, ApprovalEffect, ApprovalRecord } from '../../core/approval.js'
import type { Queued } from '../../core/decision.js'
import { KeyrungError } from '../../core/errors.js'
import { formatId, idEntropyBytes } from '../../core/id.js'
import type { KeyRecord } from '../../core/key.js'
import type { Principal } from '../../core/principal.js'
import { demandSealer } from '../approval-settings.js'
import type { ChangeOrigin } from '../change-origin.js'
import type { ServiceContext } from '../context.js'
import { findInForce } from '../credential-status.js'
import { commitParts, mostAttempts, neverCommitted } from '../keys/commit.js'
import { changeEvent } from '../outbox.js'
import { announce } from '../webhooks/announce.js'
import { claimByDigest, claimByName, findApprovalClaim } from './claims.js'
import type { FoundClaim } from './claims.js'
import { digestAsked, digestSent, saltContent, sealRequest } from './content.js'
import type { AskedContent, SaltedContent } from './content.js'
import { showAsked } from './detail.js'
import { readApproval } from './found.js'
import { readLineage } from './kinship.js'
import { copyReplayable } from './replayable.js'
import { pendingCounter } from './step.js'
import { expireOf } from './upkeep.js'
import { toApprovalView } from './view.js'
import type { ApprovalView } from './view.js'

/** What is to wait for an approval. */
export interface QueueInput {
  readonly principal: Principal
  readonly decision: Queued
  /** `POST /contacts/:id`, or an operation's name: at most 500 characters. */
  readonly operation: string
  /** The name of the attached app; empty for a named operation. */
  readonly app: string
  readonly effect: ApprovalEffect
  readonly content: AskedContent
  /** Makes a repetition lead to the same approval. */
  readonly idempotencyKey: string | null
  readonly origin?: ChangeOrigin
}

/** An approval that a request led to. */
export interface QueuedApproval {
  readonly approval: ApprovalView
  /** True where it was there before: the same request waits already, or came under the same `Idempotency-Key`. */
  readonly repeated: boolean
}

const dayMs = 86_400_000
const longestOperation = 500

/**
 * Puts something in front of a human: the approval, what was asked for, its event and its messages in one commit, over
 * the key as it was read.
 *
 * Equal requests of a key lead to one approval while it waits; a repeated `Idempotency-Key` leads to the same one
 * whatever became of it.
 *
 * @throws KeyrungError `not_replayable`, `body_too_large`, `too_many_pending`, `idempotency_mismatch`, `config_invalid`
 *   where the host has no secret, why the credential is no longer accepted, `store_unavailable`
 */
export async function queueApproval(context: ServiceContext, input: QueueInput): Promise<QueuedApproval> {
  const sealer = demandSealer(context)
  const { entropy, store, approvalSettings } = context
  const content = saltContent(checkContent(context, input.content), entropy)
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const { key } = await findInForce(context, input.principal)
    const now = await store.now()
    const id = formatId('apr', now, entropy(idEntropyBytes))
    const record = await describe(context, input, content, key, { id, now })
    const named = await findNamed(context, input, content, record)
    const byName = named && (await findRepeated(context, named, record))
    if (byName) return { approval: toApprovalView(byName), repeated: true }
    const equal = await findEqual(context, record, content)
    if (equal.waiting) {
      // Nothing is to be written but that this name leads there too.
      const loss = named && (await commitParts(store, { name: named.settle(equal.waiting.id) }))
      if (loss) continue
      return { approval: toApprovalView(equal.waiting), repeated: true }
    }
    const loss = await commitParts(store, {
      claims: [...(named ? [named.settle(id)] : []), ...equal.claims.map((claim) => claim.settle(id))],
      key: { do: 'check', type: 'key', id: key.id, version: key.version },
      counter: {
        do: 'counter',
        name: pendingCounter(key.id),
        delta: 1,
        max: approvalSettings.maxPending,
      },
      approval: { do: 'insert', type: 'approval', record },
      content: {
        do: 'insert',
        type: 'approvalContent',
        record: contentRecord(record, await sealRequest(sealer, record, content)),
      },
      event: changeEvent(
        context,
        {
          actor: { type: 'principal', principal: input.principal },
          action: 'approval.queued',
          target: { id, name: record.operation },
          before: null,
          after: snapshotApproval(record),
          ...(input.origin && { origin: input.origin }),
        },
        now,
      ),
      messages: await announce(context, record, 'approval.queued', now, async () =>
        showAsked(context, content),
      ),
    })
    if (loss === null) return { approval: toApprovalView(record), repeated: false }
    if (loss.part === 'counter' && !(await expireOf(context, key))) throw new KeyrungError('too_many_pending')
  }
  throw neverCommitted()
}

function checkContent({ approvalSettings }: ServiceContext, content: AskedContent): AskedContent {
  // An input was measured when it was read.
  if (content.request === null) return content
  return { ...content, request: copyReplayable(content.request, approvalSettings) }
}

/** The approval that there would be. */
async function describe(
  context: ServiceContext,
  { principal, decision, operation, app, effect }: QueueInput,
  content: SaltedContent,
  key: KeyRecord,
  { id, now }: { readonly id: string; readonly now: number },
): Promise<ApprovalRecord> {
  const { quorum, expiresMs } = context.approvalSettings
  const { text: lineage } = await readLineage(context, key)
  const { workspaceId, environment } = key
  const token = principal.type === 'token' ? principal : null
  const asking = {
    ...{ workspaceId, environment, lineage, app, effect, address: principal.address },
    chain: JSON.stringify(token?.chain ?? []),
    tokenId: token && token.tokenId,
    tokenScopes: token && token.scopes.join(' '),
    kind: content.request === null ? ('named' as const) : ('replay' as const),
    operation: operation.length > longestOperation ? `${operation.slice(0, longestOperation)}…` : operation,
    permissions: decision.permissions.join(' '),
  }
  const [first = ''] = decision.queued
  const expiresAt = now + expiresMs
  return {
    id,
    version: 1,
    status: 'pending',
    lane: 'pending',
    dueAt: expiresAt,
    keyId: key.id,
    secretId: principal.secretId,
    keyName: key.name,
    ownerId: key.ownerId,
    keyRevocations: key.revocations,
    ...asking,
    queued: decision.queued.join(' '),
    resource: first.slice(0, Math.max(0, first.lastIndexOf(':'))),
    digest: digestAsked(asking, content),
    ...{ quorum, votes: 0, createdAt: now, expiresAt },
    ...{ decidedAt: null, decidedBy: null, reason: null },
    ...{ fence: 0, startedAt: null, endedAt: null, outcome: null, resultStatus: null },
  }
}

/**
 * What a name leads to, where the caller gave one; it holds for as long as anything of the approval may be seen.
 *
 * @throws KeyrungError `idempotency_mismatch`
 */
async function findNamed(
  context: ServiceContext,
  { idempotencyKey }: QueueInput,
  content: AskedContent,
  record: ApprovalRecord,
): Promise<FoundClaim | null> {
  if (idempotencyKey === null) return null
  const { expiresMs, retentionDays } = context.approvalSettings
  const expiresAt = record.createdAt + expiresMs + Math.max(1, retentionDays) * dayMs
  const sent = context.fingerprints(digestSent(record, content))
  const claim = claimByName(record, idempotencyKey, { fingerprint: sent[0], expiresAt })
  const found = await findApprovalClaim(context, claim)
  if (found.fingerprint !== null && !sent.includes(found.fingerprint)) {
    throw new KeyrungError('idempotency_mismatch')
  }
  return found
}

/** @throws KeyrungError `not_found` where the approval is gone: it is not made again */
async function findRepeated(
  context: ServiceContext,
  { approvalId }: FoundClaim,
  { workspaceId }: ApprovalRecord,
): Promise<ApprovalRecord | null> {
  if (approvalId === null) return null
  const earlier = await readApproval(context, workspaceId, approvalId)
  if (!earlier) throw new KeyrungError('not_found')
  return earlier
}

/** What leads to one approval of all that are equal: a claim under each of the host's secrets. */
interface EqualClaims {
  readonly claims: readonly FoundClaim[]
  readonly waiting: ApprovalRecord | null
}

/** The approval that waits for the same, if there is one that can still be decided. */
async function findEqual(
  context: ServiceContext,
  record: ApprovalRecord,
  content: AskedContent,
): Promise<EqualClaims> {
  const { expiresAt } = record
  // Under every secret, so that instances that are given a new one at different moments still meet.
  const claims = await Promise.all(
    context
      .fingerprints(digestAsked(record, { ...content, salt: '' }))
      .map((fingerprint) => findApprovalClaim(context, claimByDigest(record, { fingerprint, expiresAt }))),
  )
  for (const approvalId of new Set(claims.map((claim) => claim.approvalId))) {
    const found =
      approvalId === null ? undefined : await readApproval(context, record.workspaceId, approvalId)
    const isWaiting = found?.status === 'pending' && record.createdAt < found.expiresAt
    if (isWaiting && found.keyId === record.keyId) return { claims, waiting: found }
  }
  return { claims, waiting: null }
}

function contentRecord({ id, workspaceId, keyId }: ApprovalRecord, request: string): ApprovalContentRecord {
  return { id, workspaceId, version: 1, keyId, request, result: null }
}
