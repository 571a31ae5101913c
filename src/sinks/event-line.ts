import type {
  ApprovalSnapshot,
  AuditEvent,
  DecisionEvent,
  KeySnapshot,
  TokenSnapshot,
} from '../core/audit.js'
import type { Limit } from '../core/limit.js'
import { jsonLine } from '../core/line.js'

/** A change event as it is told outside: snake_case, instants as RFC 3339 text in UTC with milliseconds. */
export function eventBody(event: AuditEvent) {
  return {
    id: event.id,
    at: timestamp(event.at),
    workspace_id: event.workspaceId,
    actor: event.actor,
    action: event.action,
    target: event.target,
    reason: event.reason,
    request_id: event.requestId,
    address: event.address,
    user_agent: event.userAgent,
    ...snapshots(event),
    grace_ends_at: timestamp(event.graceEndsAt),
  }
}

/**
 * A change event as one line of JSON, without the line's end: its body and `"type":"change"`. The same event
 * always gives the same line, with the same `id`.
 */
export function eventLine(event: AuditEvent): string {
  return jsonLine({ type: 'change', ...eventBody(event) })
}

/** Counted refusals as one line of JSON, without the line's end; in the form of `eventLine`, `"type":"decision"`. */
export function decisionLine(event: DecisionEvent): string {
  return jsonLine({
    type: 'decision',
    first_at: timestamp(event.firstAt),
    last_at: timestamp(event.lastAt),
    count: event.count,
    workspace_id: event.workspaceId,
    key_id: event.keyId,
    code: event.code,
    permission: event.permission,
  })
}

const bodies = { key: keyBody, approval: approvalBody, token: tokenBody } as const

function snapshots({ before, after, target }: AuditEvent): { before: object | null; after: object | null } {
  const body = bodies[target.type] as (snapshot: object) => object
  return { before: before && body(before), after: after && body(after) }
}

function tokenBody(snapshot: TokenSnapshot): object {
  const { keyId, secretId, parentId, scopes, audience, expiresAt, chain } = snapshot
  return {
    ...{ key_id: keyId, secret_id: secretId, parent_id: parentId, scopes, audience },
    ...{ expires_at: timestamp(expiresAt), chain },
  }
}

function approvalBody({ status, outcome, keyId, permissions, digest, votes }: ApprovalSnapshot): object {
  return { status, outcome, key_id: keyId, permissions, digest, votes }
}

function keyBody(snapshot: KeySnapshot): object {
  return {
    name: snapshot.name,
    mode: snapshot.mode,
    scopes: snapshot.scopes,
    status: snapshot.status,
    expires_at: timestamp(snapshot.expiresAt),
    not_before: timestamp(snapshot.notBefore),
    address_rules: snapshot.addressRules,
    owner_id: snapshot.ownerId,
    limits: snapshot.limits?.map(limitBody) ?? null,
    webhook: snapshot.webhook,
  }
}

/** A limit as it is told outside: its window in seconds, to the millisecond. */
export function limitBody(limit: Limit) {
  const { name } = limit
  return 'calendar' in limit
    ? { name, limit: limit.limit, calendar: limit.calendar }
    : { name, limit: limit.limit, window_seconds: limit.windowMs / 1_000 }
}

/** An instant as RFC 3339 text in UTC, to the millisecond. */
export function timestamp(at: number): string
export function timestamp(at: number | null): string | null
export function timestamp(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
