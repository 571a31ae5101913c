import type { AuditAction, EventRecord } from '../core/audit.js'
import type { MaybePromise } from '../core/maybe-promise.js'

/** Which change events to list; newest first, by `at` and then `id`. */
export interface EventListRequest {
  readonly workspaceId: string
  /** `type:id`, exactly. */
  readonly actor?: string
  readonly action?: AuditAction
  readonly targetId?: string
  /** From this instant on. */
  readonly from?: number
  /** Up to, not including, this instant. */
  readonly to?: number
  /** Only events before this one in the order. */
  readonly before?: { readonly at: number; readonly id: string }
  readonly limit: number
}

/** What is asked about change events. */
export interface AuditQueries {
  listEvents(request: EventListRequest): MaybePromise<readonly EventRecord[]>
}
