/** `waiting`: it is tried again; `delivered`; `given_up`: by the library, after all its attempts, or as the receiver said 410. */
export type DeliveryStatus = 'waiting' | 'delivered' | 'given_up'

/** What the receivers of webhooks can be told. */
export const webhookEvents = [
  'approval.queued',
  'approval.approved',
  'approval.rejected',
  'approval.expired',
  'approval.cancelled',
  'approval.stale',
  'approval.succeeded',
  'approval.failed',
  'approval.unknown',
] as const

/** What the receivers of webhooks can be told. */
export type WebhookEvent = (typeof webhookEvents)[number]

/** A message to a key's webhook, as it is stored; kept for some days after its end, so that it can be sent again. */
export interface DeliveryRecord {
  /** The `webhook-id` that receivers tell repetitions by. */
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly keyId: string
  readonly approvalId: string
  readonly event: WebhookEvent
  readonly status: DeliveryStatus
  /** The JSON text that is sent, sealed under the host's secret. */
  readonly payload: string
  readonly createdAt: number
  /** Not before this instant; a claim moves it on. Once it has ended, the instant of its purge. */
  readonly dueAt: number
  readonly attempts: number
  readonly lastAttemptAt: number | null
  /** The status of the last answer; null: there was none. */
  readonly lastStatus: number | null
  /** One word: `ECONNREFUSED`, `timeout`, `address_denied`, `gone`. */
  readonly lastError: string | null
}
