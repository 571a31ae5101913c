/** Where an approval stands; `approval-edges` says how it gets from one to the other. */
export const approvalStatuses = [
  'pending',
  'approved',
  'executing',
  'succeeded',
  'failed',
  'unknown',
  'rejected',
  'expired',
  'cancelled',
  'stale',
] as const

/** Where an approval stands. */
export type ApprovalStatus = (typeof approvalStatuses)[number]

/**
 * What repeating an operation would do: `unsafe`: it may have its effect twice, so after a crash in the middle a human
 * looks; `idempotent`: it may be run again under the approval's id; `transactional`: its effect and its outcome are one
 * commit.
 */
export const approvalEffects = ['unsafe', 'idempotent', 'transactional'] as const

/** What repeating an operation would do. */
export type ApprovalEffect = (typeof approvalEffects)[number]

/** `replay`: a request that is dispatched into the host's own app; `named`: a function that the host has registered. */
export type ApprovalKind = 'replay' | 'named'

/**
 * Whose turn it is: `pending`: the clock's (expiry); `app:<name>`: an instance that has this app attached; `named`: one
 * that knows the operation; `ended`: the purge's; `none`: a human's.
 */
export type ApprovalLane = 'pending' | 'named' | 'ended' | 'none' | `app:${string}`

/**
 * Why an approval ended, or is not known to have: a word for programs, beside the reason that a human gives.
 *
 * `key_changed` and those after it are what the check at the run found; `digest_mismatch`: the stored request is not the
 * one that was confirmed; `body_changed`: the host's body parser made another value of it than when it was queued;
 * `restored`: the store was set back to a moment before its end.
 */
export type ApprovalOutcome =
  | 'done'
  | 'refused_by_handler'
  | 'handler_failed'
  | 'no_answer'
  | 'lease_lost'
  | 'marked_done'
  | 'marked_failed'
  | 'cancelled_by_caller'
  | 'key_revoked'
  | 'key_deleted'
  | 'key_expired'
  | 'secret_rotated'
  | 'key_changed'
  | 'insufficient'
  | 'not_entitled'
  | 'owner_insufficient'
  | 'approver_lost'
  | 'precondition_failed'
  | 'route_changed'
  | 'body_changed'
  | 'operation_changed'
  | 'digest_mismatch'
  | 'content_lost'
  | 'restored'

/** An operation that waits for a human, or did, as it is stored; what was asked and what came of it is kept apart, sealed. */
export interface ApprovalRecord {
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly status: ApprovalStatus
  readonly lane: ApprovalLane
  /** When it is the lane's turn, in milliseconds since 1970: its expiry, its run, the end of its lease, its purge; null: never. */
  readonly dueAt: number | null
  /** The key that asked, and the secret it asked with. */
  readonly keyId: string
  readonly secretId: string
  readonly keyName: string
  readonly environment: string
  /** The asking key and the keys it was made by, nearest first, separated by one space; a last `?`: the rest is not known. */
  readonly lineage: string
  /** Who acts on behalf of whom, newest first, as a JSON list; `[]`: whoever holds the key. */
  readonly chain: string
  /** The access token it was asked with; null: it was asked with the key itself. */
  readonly tokenId: string | null
  /** What that token had of the key. */
  readonly tokenScopes: string | null
  readonly ownerId: string | null
  /** Where it was asked from. */
  readonly address: string | null
  /** How often the key had been revoked. */
  readonly keyRevocations: number
  readonly kind: ApprovalKind
  /** `POST /contacts/:id` by the matched pattern, or an operation's name. */
  readonly operation: string
  /** The name of the attached app; empty for a named operation. */
  readonly app: string
  /** What was demanded, by canonical names, separated by one space. */
  readonly permissions: string
  /** Those of them that need the approval. */
  readonly queued: string
  /** The resource of the first of these. */
  readonly resource: string
  readonly effect: ApprovalEffect
  /** SHA-256 over all that would run, as 64 hexadecimal digits: what an approver confirms. */
  readonly digest: string
  /** How many have to approve, and how many have. */
  readonly quorum: number
  readonly votes: number
  readonly createdAt: number
  /** The first instant at which it can no longer be approved. */
  readonly expiresAt: number
  readonly decidedAt: number | null
  /** The actor that decided last, as `type:id`. */
  readonly decidedBy: string | null
  /** Given by whoever decided. */
  readonly reason: string | null
  /** Raised with each claim: whoever holds an older one may write nothing. */
  readonly fence: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly outcome: ApprovalOutcome | null
  /** The status of the answer, for a replay. */
  readonly resultStatus: number | null
}

/** What was asked and what came of it, sealed under the host's secret; purged some days after the end. */
export interface ApprovalContentRecord {
  /** The approval's id. */
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly keyId: string
  readonly request: string
  readonly result: string | null
}

/** That somebody approved, where several have to. */
export interface VoteRecord {
  /** A digest over approval and actor: each votes once. */
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly approvalId: string
  readonly keyId: string
  /** As `type:id`. */
  readonly actor: string
  /** The role that admitted a user. */
  readonly role: string
  /** The secret that a deciding principal presented. */
  readonly secretId: string | null
  readonly at: number
  readonly reason: string | null
}

const open: ReadonlySet<ApprovalStatus> = new Set(['pending', 'approved', 'executing', 'unknown'])

/** Says whether nothing more will come of an approval. */
export function hasEnded(status: ApprovalStatus): boolean {
  return !open.has(status)
}

/** The name of the counter of what waits for a decision on behalf of a key; a store removes it with what hung on a deleted key. */
export function pendingCounter(keyId: string): string {
  return `pending/${keyId}`
}
