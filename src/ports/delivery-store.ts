import type { DeliveryRecord, DeliveryStatus } from '../core/delivery.js'
import type { MaybePromise } from '../core/maybe-promise.js'

/** Which deliveries to list; newest first, by id. */
export interface DeliveryListRequest {
  readonly workspaceId: string
  readonly status?: DeliveryStatus
  readonly keyId?: string
  readonly approvalId?: string
  /** Only those whose id is below this one. */
  readonly before?: string
  readonly limit: number
}

/** Which deliveries to take up. */
export interface DueDeliveriesRequest {
  readonly status: DeliveryStatus
  /** Those due at this instant or before. */
  readonly now: number
  readonly limit: number
}

/** What is asked about webhooks' deliveries; they are claimed by an update that moves `dueAt` on. */
export interface DeliveryQueries {
  findDelivery(workspaceId: string, id: string): MaybePromise<DeliveryRecord | undefined>
  listDeliveries(request: DeliveryListRequest): MaybePromise<readonly DeliveryRecord[]>
  /** By `dueAt`, then by id. */
  listDueDeliveries(request: DueDeliveriesRequest): MaybePromise<readonly DeliveryRecord[]>
}
