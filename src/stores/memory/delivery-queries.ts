import type { DeliveryRecord } from '../../core/delivery.js'
import type { DeliveryListRequest, DueDeliveriesRequest } from '../../ports/delivery-store.js'
import { deliveryList } from './approval-index.js'
import type { Tables } from './tables.js'

/** The deliveries that are asked for, newest first, along the shortest list that has all of them. */
export function listDeliveries(tables: Tables, request: DeliveryListRequest): readonly DeliveryRecord[] {
  const { workspaceId, status, keyId, approvalId, before, limit } = request
  const deliveries: DeliveryRecord[] = []
  if (limit <= 0) return deliveries
  const names = [deliveryList.ofWorkspace(workspaceId)]
  if (status !== undefined) names.push(deliveryList.ofStatus(workspaceId, status))
  if (keyId !== undefined) names.push(deliveryList.ofKey(keyId))
  if (approvalId !== undefined) names.push(deliveryList.ofApproval(approvalId))
  for (const id of tables.approvals.deliveries.shortest(names)?.descending(before) ?? []) {
    const delivery = tables.find('delivery', id)!
    if (delivery.workspaceId !== workspaceId) continue
    if (status !== undefined && delivery.status !== status) continue
    if (keyId !== undefined && delivery.keyId !== keyId) continue
    if (approvalId !== undefined && delivery.approvalId !== approvalId) continue
    if (deliveries.push(delivery) >= limit) break
  }
  return deliveries
}

/** The deliveries of a status that are due, those that are longest first. */
export function listDueDeliveries(tables: Tables, request: DueDeliveriesRequest): readonly DeliveryRecord[] {
  const { status, now, limit } = request
  const deliveries: DeliveryRecord[] = []
  if (limit <= 0) return deliveries
  for (const { dueAt, id } of tables.approvals.dueDeliveries.find(status)?.ascending() ?? []) {
    if (dueAt > now || deliveries.push(tables.find('delivery', id)!) >= limit) break
  }
  return deliveries
}
