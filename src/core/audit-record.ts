import { auditActions } from './audit.js'
import type {
  ApprovalSnapshot,
  AuditAction,
  AuditEvent,
  EventRecord,
  KeySnapshot,
  TokenSnapshot,
} from './audit.js'
import { KeyrungError } from './errors.js'
import { isId } from './id.js'
import { limitOf, parseLimits } from './limit.js'
import type { Limit } from './limit.js'
import { isInstant } from './time.js'

/**
 * Reads a stored event.
 *
 * @throws `store_unavailable` for a row that is not one that keyrung wrote: what is not understood is not shown
 */
export function parseEvent(record: EventRecord): AuditEvent {
  const { before, after, graceEndsAt, address, userAgent } = readObject(parseJson(record.details), 'details')
  const target = { type: record.targetType, id: record.targetId, name: record.targetName }
  return readEvent({ ...record, target, before, after, graceEndsAt, address, userAgent })
}

/**
 * Reads an event from the JSON text that a message carries.
 *
 * @throws `store_unavailable` for text that is not a whole event
 */
export function parseEventText(text: string): AuditEvent {
  return readEvent(readObject(parseJson(text), 'event'))
}

type Fields = Readonly<Record<string, unknown>>

function readEvent(fields: Fields): AuditEvent {
  const target = readObject(fields['target'], 'target')
  const type = read(target, 'type', isTargetType)
  const [before, after] = ['before', 'after'].map((name) => readSnapshot(type, fields[name], name))
  const event = {
    id: read(fields, 'id', (value) => isId('evt', value)),
    at: read(fields, 'at', isInstant),
    workspaceId: read(fields, 'workspaceId', isName),
    actor: read(fields, 'actor', isName),
    action: read(fields, 'action', isAuditAction),
    target: {
      type,
      id: read(target, 'id', isName),
      name: read(target, 'name', isText),
    },
    reason: read(fields, 'reason', isTextOrNull),
    requestId: read(fields, 'requestId', isTextOrNull),
    address: fields['address'] === undefined ? null : read(fields, 'address', isTextOrNull),
    userAgent: fields['userAgent'] === undefined ? null : read(fields, 'userAgent', isTextOrNull),
    before,
    after,
    graceEndsAt: read(fields, 'graceEndsAt', isInstantOrNull),
  }
  if (!event.action.startsWith(`${type}.`)) throw malformed('action')
  return event as AuditEvent
}

function readSnapshot(type: AuditEvent['target']['type'], value: unknown, path: string) {
  if (value === null) return null
  const fields = readObject(value, path)
  return readers[type](fields)
}

const readers = { key: readKey, approval: readApproval, token: readToken } as const

function readToken(fields: Fields): TokenSnapshot {
  return {
    keyId: read(fields, 'keyId', isName),
    secretId: read(fields, 'secretId', isName),
    parentId: read(fields, 'parentId', isTextOrNull),
    scopes: read(fields, 'scopes', isTexts),
    audience: read(fields, 'audience', isTexts),
    expiresAt: read(fields, 'expiresAt', isInstant),
    chain: read(fields, 'chain', isTexts),
  }
}

function readApproval(fields: Fields): ApprovalSnapshot {
  return {
    status: read(fields, 'status', isText),
    outcome: read(fields, 'outcome', isTextOrNull),
    keyId: read(fields, 'keyId', isName),
    permissions: read(fields, 'permissions', isTexts),
    digest: read(fields, 'digest', isText),
    votes: read(fields, 'votes', Number.isSafeInteger as (value: unknown) => value is number),
  }
}

function readKey(fields: Fields): KeySnapshot {
  return {
    name: read(fields, 'name', isText),
    mode: read(fields, 'mode', isText),
    scopes: read(fields, 'scopes', isTexts),
    status: read(fields, 'status', isText),
    expiresAt: read(fields, 'expiresAt', isInstantOrNull),
    notBefore: read(fields, 'notBefore', isInstantOrNull),
    addressRules: read(fields, 'addressRules', isTexts),
    ownerId: read(fields, 'ownerId', isTextOrNull),
    limits: readSnapshotLimits(fields),
    webhook: Object.hasOwn(fields, 'webhook') ? read(fields, 'webhook', isTextOrNull) : null,
  }
}

/** Events from before there were limits have none; neither have those before there were webhooks. */
function readSnapshotLimits(fields: Fields): readonly Limit[] | null {
  const value = Object.hasOwn(fields, 'limits') ? fields['limits'] : null
  if (value === null) return null
  try {
    return parseLimits(value).map(limitOf)
  } catch {
    throw malformed('limits')
  }
}

function read<T>(fields: Fields, name: string, is: (value: unknown) => value is T): T {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (!is(value)) throw malformed(name)
  return value
}

function readObject(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(name)
  return value as Fields
}

function parseJson(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

function malformed(field: string): KeyrungError {
  return new KeyrungError('store_unavailable', { internal: `a stored audit event is malformed: ${field}` })
}

/** Says whether a value names something that change events can say was done. */
export function isAuditAction(value: unknown): value is AuditAction {
  return (auditActions as readonly unknown[]).includes(value)
}

function isTargetType(value: unknown): value is AuditEvent['target']['type'] {
  return typeof value === 'string' && Object.hasOwn(readers, value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isName(value: unknown): value is string {
  return isText(value) && value !== ''
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value)
}

function isInstantOrNull(value: unknown): value is number | null {
  return value === null || isInstant(value)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText)
}
