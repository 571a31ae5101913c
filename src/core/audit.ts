import type { KeyRecord } from './key.js'
import { showLimits } from './key-limits.js'
import type { Limit } from './limit.js'

/** What a change event can say was done. */
export const auditActions = [
  'key.created',
  'key.edited',
  'key.rotated',
  'key.revoked',
  'key.activated',
  'key.deleted',
] as const

/** What was done. */
export type AuditAction = (typeof auditActions)[number]

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
}

/** A change that was made: written in the commit that made it. */
export interface AuditEvent {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly workspaceId: string
  /** `type:id`, as `user:42`. */
  readonly actor: string
  readonly action: AuditAction
  readonly target: { readonly type: 'key'; readonly id: string; readonly name: string }
  /** Given by the actor, e.g. why a key was revoked. */
  readonly reason: string | null
  /** The host's id of the request that made the change. */
  readonly requestId: string | null
  /** Null where there was nothing before. */
  readonly before: KeySnapshot | null
  /** Null where there is nothing after. */
  readonly after: KeySnapshot | null
  /** For a rotation: the first instant at which the old secret no longer works. */
  readonly graceEndsAt: number | null
}

/** A change event as it is stored: `details` is the JSON of `before`, `after` and `graceEndsAt`. */
export interface EventRecord {
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly at: number
  readonly actor: string
  readonly action: AuditAction
  readonly targetType: 'key'
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
  }
}

function words(text: string): readonly string[] {
  return text === '' ? [] : text.split(' ')
}

/** A change event as a row, ready to be inserted; `parseEvent` is the way back. */
export function eventRecord(event: AuditEvent): EventRecord {
  const { before, after, graceEndsAt } = event
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
    details: JSON.stringify({ before, after, graceEndsAt }),
  }
}
