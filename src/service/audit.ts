import { workspaceOf } from '../core/actor.js'
import type { Actor } from '../core/actor.js'
import { isAuditAction, parseEvent } from '../core/audit-record.js'
import type { AuditAction, AuditEvent, EventRecord } from '../core/audit.js'
import { auditActions } from '../core/audit.js'
import { invalid, KeyrungError } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { isId } from '../core/id.js'
import { ownProperties } from '../core/own-properties.js'
import { isInstant } from '../core/time.js'
import type { EventListRequest } from '../ports/audit-store.js'
import { unreadOf } from '../ports/unread.js'
import type { ServiceContext } from './context.js'
import { formatCursor, parseCursor } from './cursor.js'
import { admitActor } from './management.js'
import { tellUnreadable } from './unreadable.js'

/** Which change events to list; what is left out does not narrow. */
export interface AuditQuery {
  /** Who did it, as `type:id`. */
  readonly actor?: string
  readonly action?: AuditAction
  /** What it was done to: a key's id. */
  readonly targetId?: string
  /** From this instant on, in milliseconds since 1970. */
  readonly from?: number
  /** Up to, not including, this instant. */
  readonly to?: number
  /** The page before's `next`. */
  readonly cursor?: string
  /** 1 to 200; 50 by default. */
  readonly limit?: number
}

/** A page of change events, newest first. */
export interface AuditPage {
  readonly events: readonly AuditEvent[]
  /** The next page's cursor; null on the last. */
  readonly next: string | null
}

/** The change events of a workspace. */
export interface Audit {
  /**
   * Lists the change events of the actor's own workspace, newest first.
   *
   * @throws `input_invalid` with all faults; what `canManage` says to the verb `audit`: `forbidden`,
   *   `hook_failed`; `store_unavailable`
   * @example
   * ```ts
   * const { events, next } = await keyrung.audit.list(actor, { targetId: key.id, limit: 20 })
   * ```
   */
  list(actor: Actor, query?: AuditQuery): Promise<AuditPage>
}

/** Makes the audit query on the services' context. */
export function createAudit(
  context: Pick<
    ServiceContext,
    'catalog' | 'clock' | 'keyFormat' | 'keySettings' | 'notify' | 'rights' | 'store'
  >,
): Audit {
  function readEvent(record: EventRecord): AuditEvent | undefined {
    try {
      return parseEvent(record)
    } catch {
      // Of a newer version, or not of keyrung: the others are shown.
      tellUnreadable(context.notify, `event ${record.id}`)
      return undefined
    }
  }

  return {
    async list(actor, query = {}) {
      const admitted = await admitActor(context, actor, 'audit')
      const workspaceId = workspaceOf(admitted)
      const request = parseQuery(query, workspaceId)
      const { limit } = request
      const records = await context.store.listEvents({ ...request, limit: limit + 1 })
      if (records.some((record) => record.workspaceId !== workspaceId)) {
        throw new KeyrungError('store_unavailable', { internal: 'listEvents answered another workspace' })
      }
      const shown = records.slice(0, limit)
      const events = shown.map(readEvent).filter((event) => event !== undefined)
      const last = shown.at(-1)
      const more = last !== undefined && records.length + (unreadOf(records)?.count ?? 0) > limit
      return { events, next: more ? formatCursor([last.at, last.id]) : null }
    },
  }
}

const defaultLimit = 50
const maxLimit = 200
const maxText = 300

/** What each part of a query must be. */
const rules: Readonly<Record<keyof AuditQuery, { is(value: unknown): boolean; readonly message: string }>> = {
  actor: { is: isShortText, message: 'must be text such as user:42' },
  action: { is: isAuditAction, message: `must be one of ${auditActions.join(', ')}` },
  targetId: { is: isShortText, message: "must be a key's id" },
  from: { is: isInstant, message: 'must be whole milliseconds since 1970' },
  to: { is: isInstant, message: 'must be whole milliseconds since 1970' },
  cursor: { is: (value) => readPosition(value) !== undefined, message: 'is not one that was given out here' },
  limit: { is: isLimit, message: `must be a whole number from 1 to ${maxLimit}` },
}

function parseQuery(query: unknown, workspaceId: string): EventListRequest {
  const given = ownProperties(query)
  if (given === undefined) throw invalid('input_invalid', [{ path: '', message: 'must be an object' }])
  const faults: Fault[] = []
  const kept: Record<string, unknown> = {}
  for (const [name, value] of given) {
    if (!Object.hasOwn(rules, name)) faults.push({ path: name.slice(0, 60), message: 'is not known here' })
    else if (value === undefined) continue
    else if (rules[name as keyof AuditQuery].is(value)) kept[name] = value
    else faults.push({ path: name, message: rules[name as keyof AuditQuery].message })
  }
  const { cursor, limit = defaultLimit, ...filters } = kept as AuditQuery
  if (filters.from !== undefined && filters.to !== undefined && filters.from > filters.to) {
    faults.push({ path: 'to', message: 'must not be before from' })
  }
  if (faults.length > 0) throw invalid('input_invalid', faults)
  const before = readPosition(cursor)
  return { workspaceId, ...filters, ...(before && { before }), limit }
}

function readPosition(cursor: unknown): EventListRequest['before'] {
  const [at, id, ...rest] = parseCursor(cursor) ?? []
  return isInstant(at) && isId('evt', id) && rest.length === 0 ? { at, id } : undefined
}

function isShortText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= maxText
}

function isLimit(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= maxLimit
}
