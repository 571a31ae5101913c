import type { ApprovalRecord, VoteRecord } from '../../core/approval.js'
import type { DeliveryRecord } from '../../core/delivery.js'
import { compareText } from '../text-order.js'
import { listName, OrderedLists } from './ordered-lists.js'

/** What is due, and its place among what else is. */
export interface Due {
  readonly dueAt: number
  readonly id: string
}

/** Where approvals, what belongs to them and their deliveries stand in the orders that are asked for. */
export class ApprovalIndex {
  /** Ids by workspace, by key, and by these and status or resource. */
  readonly approvals = new OrderedLists<string>(compareText)
  /** By lane. */
  readonly due = new OrderedLists<Due>(compareDue)
  /** By approval. */
  readonly votes = new OrderedLists<VoteRecord>((a, b) => a.at - b.at || compareText(a.id, b.id))
  /** Ids by workspace, by workspace and status, by key, and by approval. */
  readonly deliveries = new OrderedLists<string>(compareText)
  /** By status. */
  readonly dueDeliveries = new OrderedLists<Due>(compareDue)

  approvalReplaced(before: ApprovalRecord | undefined, after: ApprovalRecord | null): void {
    this.approvals.move((after ?? before)!.id, before ? listsOf(before) : [], after ? listsOf(after) : [])
    if (before && before.dueAt !== null) this.due.remove(before.lane, before as Due)
    if (after && after.dueAt !== null) this.due.add(after.lane, after as Due)
  }

  voteReplaced(before: VoteRecord | undefined, after: VoteRecord | null): void {
    if (before) this.votes.remove(before.approvalId, before)
    if (after) this.votes.add(after.approvalId, after)
  }

  deliveryReplaced(before: DeliveryRecord | undefined, after: DeliveryRecord | null): void {
    const [from, to] = [before ? deliveryListsOf(before) : [], after ? deliveryListsOf(after) : []]
    this.deliveries.move((after ?? before)!.id, from, to)
    if (before) this.dueDeliveries.remove(before.status, before)
    if (after) this.dueDeliveries.add(after.status, after)
  }
}

function compareDue(a: Due, b: Due): number {
  return a.dueAt - b.dueAt || compareText(a.id, b.id)
}

/** The names of the lists over approvals. */
export const approvalList = {
  ofWorkspace: (workspaceId: string) => listName('workspace', workspaceId),
  ofStatus: (workspaceId: string, status: string) => listName('status', workspaceId, status),
  ofResource: (workspaceId: string, resource: string) => listName('resource', workspaceId, resource),
  ofKey: (keyId: string) => listName('key', keyId),
  ofKeyAndStatus: (keyId: string, status: string) => listName('key status', keyId, status),
}

function listsOf({ workspaceId, status, resource, keyId }: ApprovalRecord): readonly string[] {
  return [
    approvalList.ofWorkspace(workspaceId),
    approvalList.ofStatus(workspaceId, status),
    approvalList.ofResource(workspaceId, resource),
    approvalList.ofKey(keyId),
    approvalList.ofKeyAndStatus(keyId, status),
  ]
}

/** The names of the lists over deliveries. */
export const deliveryList = {
  ofWorkspace: (workspaceId: string) => listName('workspace', workspaceId),
  ofStatus: (workspaceId: string, status: string) => listName('status', workspaceId, status),
  ofKey: (keyId: string) => listName('key', keyId),
  ofApproval: (approvalId: string) => listName('approval', approvalId),
}

function deliveryListsOf({ workspaceId, status, keyId, approvalId }: DeliveryRecord): readonly string[] {
  return [
    deliveryList.ofWorkspace(workspaceId),
    deliveryList.ofStatus(workspaceId, status),
    deliveryList.ofKey(keyId),
    deliveryList.ofApproval(approvalId),
  ]
}
