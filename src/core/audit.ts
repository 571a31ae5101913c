import type { ApprovalRecord } from './approval.js'
import type { KeyRecord } from './key.js'
import { showLimits } from './key-limits.js'
import type { Limit } from './limit.js'
import { webhookOrigin } from './webhook.js'

/** What a change event can say was done to a key. */
export const keyActions = [
  'key.created',
  'key.edited',
  'key.rotated',
  'key.revoked',
  'key.activated',
  'key.deleted',
] as const

/** What a change event can say became of an approval. */
export const approvalActions = [
  'approval.queued',
  'approval.voted',
  'approval.approved',
  'approval.rejected',
  'approval.expired',
  'approval.cancelled',
  'approval.stale',
  'approval.started',
  'approval.succeeded',
  'approval.failed',
  'approval.unknown',
  'approval.resolved',
] as const

/** What a change event can say was done with a token. */
export const tokenActions = ['token.exchanged'] as const

/** What a change event can say was done. */
export const auditActions = [...keyActions, ...approvalActions, ...tokenActions] as const

/** What was done to a key. */
export type KeyAction = (typeof keyActions)[number]

/** What became of an approval. */
export type ApprovalAction = (typeof approvalActions)[number]

/** What was done with a token. */
export type TokenAction = (typeof tokenActions)[number]

/** What was done. */
export type AuditAction = KeyAction | ApprovalAction | TokenAction

/** The deciding fields of a key, as an event keeps them from before and after a change. */
export interface KeySnapshot {
  readonly name: string
  readonly mode: string
  readonly scopes: readonly string[]
  readonly status: string
  readonly expiresAt: number | null
  readonly notBefore: number | null
  readonly addressRules: readonly string[]
  readonly ownerId: string | null
  /** Limits of its own; null: those of the plan and the host. */
  readonly limits: readonly Limit[] | null
  /** The origin that its webhook leads to; null: it has none. */
  readonly webhook: string | null
}

/** What an event keeps of an approval from before and after a change; never anything of what was asked. */
export interface ApprovalSnapshot {
  readonly status: string
  readonly outcome: string | null
  readonly keyId: string
  readonly permissions: readonly string[]
  readonly digest: string
  readonly votes: number
}

/** What an event keeps of a token that was made; never the token itself. */
export interface TokenSnapshot {
  readonly keyId: string
  /** The secret that it dies with. */
  readonly secretId: string
  /** The token that it was exchanged for; null: the key itself. */
  readonly parentId: string | null
  readonly scopes: readonly string[]
  readonly audience: readonly string[]
  readonly expiresAt: number
  readonly chain: readonly string[]
}

/** A change that was made: written in the commit that made it. */
export type AuditEvent =
  | EventOf<'key', KeyAction, KeySnapshot>
  | EventOf<'approval', ApprovalAction, ApprovalSnapshot>
  | EventOf<'token', TokenAction, TokenSnapshot>

/** A change to a target of some type. */
export interface EventOf<T extends string, A extends string, S> {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly workspaceId: string
  /** `type:id`, as `user:42`. */
  readonly actor: string
  readonly action: A
  /** An approval's name is its operation, a token's is its key's. */
  readonly target: { readonly type: T; readonly id: string; readonly name: string }
  /** Given by the actor, e.g. why a key was revoked. */
  readonly reason: string | null
  /** The host's id of the request that made the change. */
  readonly requestId: string | null
  /** The network address that the change was asked for from, where that is known. */
  readonly address: string | null
  /** The `User-Agent` that it was asked for with, where that is known. */
  readonly userAgent: string | null
  /** Null where there was nothing before. */
  readonly before: S | null
  /** Null where there is nothing after. */
  readonly after: S | null
  /** For a rotation: the first instant at which the old secret no longer works. */
  readonly graceEndsAt: number | null
}

/** A change event as it is stored: `details` is the JSON of what has no column: `before`, `after`, `graceEndsAt`, `address`, `userAgent`. */
export interface EventRecord {
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly at: number
  readonly actor: string
  readonly action: AuditAction
  readonly targetType: 'key' | 'approval' | 'token'
  readonly targetId: string
  readonly targetName: string
  readonly reason: string | null
  readonly requestId: string | null
  readonly details: string
}

/**
 * Refusals of one kind by one caller, counted over a short time: a bounded stream of its own beside the
 * change events, which may lose entries in a crash.
 */
export interface DecisionEvent {
  /** When the first and the last of them were. */
  readonly firstAt: number
  readonly lastAt: number
  readonly count: number
  readonly workspaceId: string
  readonly keyId: string
  /** Why it was refused, e.g. `insufficient`. */
  readonly code: string
  /** The permission that was refused, where there was one. */
  readonly permission: string | null
}

/** The deciding fields of a key as it stands; nothing of its secrets is among them. */
export function snapshotKey(record: KeyRecord): KeySnapshot {
  return {
    name: record.name,
    mode: record.mode,
    scopes: words(record.scopes),
    status: record.status,
    expiresAt: record.expiresAt,
    notBefore: record.notBefore,
    addressRules: words(record.addressRules),
    ownerId: record.ownerId,
    limits: showLimits(record.limits),
    webhook: webhookOrigin(record.webhook),
  }
}

/** The deciding fields of an approval as it stands. */
export function snapshotApproval(record: ApprovalRecord): ApprovalSnapshot {
  const { status, outcome, keyId, permissions, digest, votes } = record
  return { status, outcome, keyId, permissions: words(permissions), digest, votes }
}

function words(text: string): readonly string[] {
  return text === '' ? [] : text.split(' ')
}

/** A change event as a row, ready to be inserted; `parseEvent` is the way back. */
export function eventRecord(event: AuditEvent): EventRecord {
  const { before, after, graceEndsAt, address, userAgent } = event
  return {
    id: event.id,
    workspaceId: event.workspaceId,
    version: 1,
    at: event.at,
    actor: event.actor,
    action: event.action,
    targetType: event.target.type,
    targetId: event.target.id,
    targetName: event.target.name,
    reason: event.reason,
    requestId: event.requestId,
    details: JSON.stringify({ before, after, graceEndsAt, address, userAgent }),
  }
}
