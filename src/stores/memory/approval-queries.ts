import type { ApprovalRecord, VoteRecord } from '../../core/approval.js'
import type { ApprovalListRequest, DueApprovalsRequest } from '../../ports/approval-store.js'
import { approvalList } from './approval-index.js'
import type { Tables } from './tables.js'

/** An approval, or what is kept with one, by its id in a workspace. */
export function findOfWorkspace<T extends 'approval' | 'approvalContent' | 'delivery'>(
  tables: Tables,
  type: T,
  workspaceId: string,
  id: string,
) {
  const found = tables.find(type, id)
  return found?.workspaceId === workspaceId ? found : undefined
}

/** The approvals that are asked for, newest first, along the shortest list that has all of them. */
export function listApprovals(tables: Tables, request: ApprovalListRequest): readonly ApprovalRecord[] {
  const { workspaceId, status, keyId, resource, before, limit } = request
  const approvals: ApprovalRecord[] = []
  if (limit <= 0) return approvals
  const names = [approvalList.ofWorkspace(workspaceId)]
  if (status !== undefined) names.push(approvalList.ofStatus(workspaceId, status))
  if (resource !== undefined) names.push(approvalList.ofResource(workspaceId, resource))
  if (keyId !== undefined) names.push(approvalList.ofKey(keyId))
  if (keyId !== undefined && status !== undefined) names.push(approvalList.ofKeyAndStatus(keyId, status))
  for (const id of tables.approvals.approvals.shortest(names)?.descending(before) ?? []) {
    const approval = tables.find('approval', id)!
    if (approval.workspaceId !== workspaceId) continue
    if (status !== undefined && approval.status !== status) continue
    if (resource !== undefined && approval.resource !== resource) continue
    if (keyId !== undefined && approval.keyId !== keyId) continue
    if (approvals.push(approval) >= limit) break
  }
  return approvals
}

/** The approvals of a lane that are due, those that are longest first. */
export function listDueApprovals(tables: Tables, request: DueApprovalsRequest): readonly ApprovalRecord[] {
  const { lane, now, after, limit } = request
  const approvals: ApprovalRecord[] = []
  if (limit <= 0) return approvals
  for (const { dueAt, id } of tables.approvals.due.find(lane)?.ascending(after) ?? []) {
    if (dueAt > now || approvals.push(tables.find('approval', id)!) >= limit) break
  }
  return approvals
}

/** Who approved, oldest first. */
export function listVotes(tables: Tables, approvalId: string): readonly VoteRecord[] {
  return [...(tables.approvals.votes.find(approvalId)?.ascending() ?? [])]
}
