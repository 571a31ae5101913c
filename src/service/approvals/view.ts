import type {
  ApprovalEffect,
  ApprovalKind,
  ApprovalOutcome,
  ApprovalRecord,
  ApprovalStatus,
} from '../../core/approval.js'
import { escapeHidden } from '../../core/plain-text.js'
import type { Json } from '../../core/plain-value.js'

/** Somebody's approval, where it takes several. */
export interface VoteView {
  /** As `type:id`. */
  readonly actor: string
  readonly at: number
  readonly reason: string | null
}

/** An approval as whoever decides may see it in a list; instants are milliseconds since 1970. */
export interface ApprovalView {
  readonly id: string
  readonly workspaceId: string
  readonly status: ApprovalStatus
  /** Why it ended as it did, for programs. */
  readonly outcome: ApprovalOutcome | null
  readonly kind: ApprovalKind
  readonly operation: string
  /** The name of the attached app that it runs in; empty for a named operation. */
  readonly app: string
  readonly permissions: readonly string[]
  /** Those of them that need the approval. */
  readonly queued: readonly string[]
  readonly resource: string
  readonly effect: ApprovalEffect
  /** What an approver confirms. */
  readonly digest: string
  readonly keyId: string
  readonly keyName: string
  /** The key's environment, such as `live`. */
  readonly environment: string
  /** Where it was asked from, and so where a replay says to come from; null: it was not known. */
  readonly address: string | null
  /** Who acted on behalf of whom with an access token, newest first; empty: whoever holds the key. */
  readonly chain: readonly string[]
  /** What the access token had of the key; null: it was asked with the key itself. */
  readonly tokenScopes: readonly string[] | null
  readonly quorum: number
  readonly votes: number
  readonly createdAt: number
  readonly expiresAt: number
  readonly decidedAt: number | null
  readonly decidedBy: string | null
  readonly reason: string | null
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly resultStatus: number | null
}

/** A body as it is shown: text where it is UTF-8, else base64, with the masked paths. */
export interface BodyView {
  readonly contentType: string | null
  readonly encoding: 'utf8' | 'base64'
  readonly text: string
  readonly bytes: number
  /** Where values were masked, as JSON pointers (RFC 6901); the digest covers them unmasked. */
  readonly masked: readonly string[]
  /** True where a parser had read it, so that these are not the bytes that were sent. */
  readonly isRewritten: boolean
  /** True where it is longer than what is kept. */
  readonly isTruncated: boolean
}

/** The request that waits, exactly, as far as the host does not mask it. */
export interface RequestView {
  readonly method: string | null
  readonly target: string | null
  /** As the framework told it, behind proxies too; a replay has it again. */
  readonly scheme: 'http' | 'https' | null
  /** Which fields of the target's query were masked, as JSON pointers. */
  readonly maskedQuery: readonly string[]
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: BodyView
  /** What the operation says it would do. */
  readonly preview: Json
}

/** An approval with all there is to it. */
export interface ApprovalDetail extends ApprovalView {
  /** Null once it was purged. */
  readonly request: RequestView | null
  /** What came of it; null: nothing yet, or it was purged. */
  readonly result: BodyView | null
  readonly voters: readonly VoteView[]
}

/** Shows an approval without anything of what was asked. */
export function toApprovalView(record: ApprovalRecord): ApprovalView {
  return {
    id: record.id,
    workspaceId: record.workspaceId,
    status: record.status,
    outcome: record.outcome,
    kind: record.kind,
    operation: record.operation,
    app: record.app,
    permissions: record.permissions.split(' '),
    queued: record.queued.split(' '),
    resource: record.resource,
    effect: record.effect,
    digest: record.digest,
    keyId: record.keyId,
    keyName: escapeHidden(record.keyName),
    environment: record.environment,
    address: record.address,
    chain: readChain(record)?.map(escapeHidden) ?? ['unreadable'],
    tokenScopes: readTokenScopes(record),
    quorum: record.quorum,
    votes: record.votes,
    createdAt: record.createdAt,
    expiresAt: record.expiresAt,
    decidedAt: record.decidedAt,
    decidedBy: record.decidedBy,
    reason: record.reason && escapeHidden(record.reason),
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    resultStatus: record.resultStatus,
  }
}

/** Who acted, as an approval's record has it; `undefined` for a text that is no list of names. */
export function readChain({ chain }: Pick<ApprovalRecord, 'chain'>): readonly string[] | undefined {
  try {
    const names: unknown = JSON.parse(chain)
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined
  } catch {
    return undefined
  }
}

/** What the access token had of the key, as an approval's record has it; null: there was none. */
export function readTokenScopes({
  tokenScopes,
}: Pick<ApprovalRecord, 'tokenScopes'>): readonly string[] | null {
  return tokenScopes === '' ? [] : (tokenScopes?.split(' ') ?? null)
}
