import { approvalEffects, approvalStatuses } from '../core/approval.js'
import type { RecordType, Records } from '../ports/change.js'

/**
 * What a column holds: `name` is a short text that indexes are made over; `text` may be long; `instant` is in
 * milliseconds since 1970; `digest` is 32 characters, one a byte.
 */
export type ColumnKind = 'name' | 'text' | 'instant' | 'count' | 'digest'

/** One column of a kind of records. */
export interface Column {
  readonly kind: ColumnKind
  readonly nullable: boolean
  /** The only values there are, where a decision hangs on them. */
  readonly oneOf?: readonly string[]
}

const name: Column = { kind: 'name', nullable: false }
const text: Column = { kind: 'text', nullable: false }
const textOrNull: Column = { kind: 'text', nullable: true }
const instant: Column = { kind: 'instant', nullable: false }
const instantOrNull: Column = { kind: 'instant', nullable: true }
const count: Column = { kind: 'count', nullable: false }
const countOrNull: Column = { kind: 'count', nullable: true }
const digest: Column = { kind: 'digest', nullable: false }

/** Every column of every kind of records, in the order that stores keep them. */
export const columns: { readonly [T in RecordType]: { readonly [C in keyof Records[T]]: Column } } = {
  key: {
    id: name,
    workspaceId: name,
    version: count,
    name: text,
    nameSearch: text,
    environment: text,
    mode: { ...text, oneOf: ['full', 'custom'] },
    scopes: text,
    status: { ...name, oneOf: ['active', 'revoked'] },
    revokedAt: instantOrNull,
    revokedBy: textOrNull,
    revokedReason: textOrNull,
    expiresAt: instantOrNull,
    notBefore: instantOrNull,
    addressRules: text,
    metadata: text,
    ownerId: textOrNull,
    createdBy: text,
    createdAt: instant,
    updatedAt: instant,
    limits: textOrNull,
    revocations: count,
    webhook: textOrNull,
  },
  secret: {
    id: name,
    keyId: name,
    workspaceId: name,
    version: count,
    digest,
    hostSecretId: name,
    lastFour: text,
    createdAt: instant,
    endsAt: instantOrNull,
  },
  tombstone: { id: name, workspaceId: name, version: count, deletedAt: instant },
  event: {
    id: name,
    workspaceId: name,
    version: count,
    at: instant,
    actor: name,
    action: name,
    targetType: text,
    targetId: name,
    targetName: text,
    reason: textOrNull,
    requestId: textOrNull,
    details: text,
  },
  message: {
    id: name,
    workspaceId: name,
    version: count,
    kind: name,
    destination: name,
    payload: text,
    createdAt: instant,
    dueAt: instant,
    attempts: count,
  },
  idempotency: {
    id: name,
    workspaceId: name,
    version: count,
    fingerprint: text,
    resultId: text,
    expiresAt: instant,
  },
  setting: { id: name, workspaceId: name, version: count, value: text },
  approval: {
    id: name,
    workspaceId: name,
    version: count,
    status: { ...name, oneOf: approvalStatuses },
    lane: name,
    dueAt: instantOrNull,
    keyId: name,
    secretId: name,
    keyName: text,
    environment: text,
    lineage: text,
    chain: text,
    tokenId: textOrNull,
    tokenScopes: textOrNull,
    ownerId: textOrNull,
    address: textOrNull,
    keyRevocations: count,
    kind: { ...text, oneOf: ['replay', 'named'] },
    operation: text,
    app: text,
    permissions: text,
    queued: text,
    resource: name,
    effect: { ...text, oneOf: approvalEffects },
    digest: text,
    quorum: count,
    votes: count,
    createdAt: instant,
    expiresAt: instant,
    decidedAt: instantOrNull,
    decidedBy: textOrNull,
    reason: textOrNull,
    fence: count,
    startedAt: instantOrNull,
    endedAt: instantOrNull,
    outcome: textOrNull,
    resultStatus: countOrNull,
  },
  approvalContent: {
    id: name,
    workspaceId: name,
    version: count,
    keyId: name,
    request: text,
    result: textOrNull,
  },
  vote: {
    id: name,
    workspaceId: name,
    version: count,
    approvalId: name,
    keyId: name,
    actor: text,
    role: text,
    secretId: textOrNull,
    at: instant,
    reason: textOrNull,
  },
  delivery: {
    id: name,
    workspaceId: name,
    version: count,
    keyId: name,
    approvalId: name,
    event: text,
    status: { ...name, oneOf: ['waiting', 'delivered', 'given_up'] },
    payload: text,
    createdAt: instant,
    dueAt: instant,
    attempts: count,
    lastAttemptAt: instantOrNull,
    lastStatus: countOrNull,
    lastError: textOrNull,
  },
}

/** The kinds of records there are. */
export const recordTypes = Object.keys(columns) as readonly RecordType[]

const listed = Object.fromEntries(
  Object.entries(columns).map(([type, of]) => [type, Object.entries(of)]),
) as unknown as Readonly<Record<RecordType, readonly (readonly [string, Column])[]>>

/** The names and columns of one kind of records, in order. */
export function columnsOf(type: RecordType): readonly (readonly [string, Column])[] {
  return listed[type]
}
