import type { DeliveryRecord, DeliveryStatus, WebhookEvent } from '../../core/delivery.js'

/** A message to a key's webhook as it may be shown; instants are milliseconds since 1970. */
export interface DeliveryView {
  /** The `webhook-id` that the receiver got. */
  readonly id: string
  readonly keyId: string
  readonly approvalId: string
  readonly event: WebhookEvent
  readonly status: DeliveryStatus
  readonly createdAt: number
  /** When it is tried next; null: it has ended. */
  readonly nextAttemptAt: number | null
  readonly attempts: number
  readonly lastAttemptAt: number | null
  /** The status of the last answer; null: there was none. */
  readonly lastStatus: number | null
  /** One word for what went wrong: `ECONNREFUSED`, `timeout`, `address_denied`, `gone`. */
  readonly lastError: string | null
}

/** Shows a delivery without what was sent. */
export function toDeliveryView(record: DeliveryRecord): DeliveryView {
  const { id, keyId, approvalId, event, status, createdAt, dueAt, attempts } = record
  const { lastAttemptAt, lastStatus, lastError } = record
  return {
    ...{ id, keyId, approvalId, event, status, createdAt },
    nextAttemptAt: status === 'waiting' ? dueAt : null,
    ...{ attempts, lastAttemptAt, lastStatus, lastError },
  }
}
