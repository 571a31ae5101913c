import type {
  ApprovalContentRecord,
  ApprovalLane,
  ApprovalRecord,
  ApprovalStatus,
  VoteRecord,
} from '../core/approval.js'
import type { MaybePromise } from '../core/maybe-promise.js'

/** Which approvals to list; newest first, by id. */
export interface ApprovalListRequest {
  readonly workspaceId: string
  readonly status?: ApprovalStatus
  readonly keyId?: string
  readonly resource?: string
  /** Only those whose id is below this one. */
  readonly before?: string
  readonly limit: number
}

/** Which approvals it is the turn of. */
export interface DueApprovalsRequest {
  readonly lane: ApprovalLane
  /** Those due at this instant or before. */
  readonly now: number
  /** Only those behind this one in the order. */
  readonly after?: { readonly dueAt: number; readonly id: string }
  readonly limit: number
}

/** What is asked about approvals. */
export interface ApprovalQueries {
  findApproval(workspaceId: string, id: string): MaybePromise<ApprovalRecord | undefined>
  findApprovalContent(workspaceId: string, id: string): MaybePromise<ApprovalContentRecord | undefined>
  listApprovals(request: ApprovalListRequest): MaybePromise<readonly ApprovalRecord[]>
  /** By `dueAt`, then by id. */
  listDueApprovals(request: DueApprovalsRequest): MaybePromise<readonly ApprovalRecord[]>
  /** Oldest first, by `at`, then by id. */
  listVotes(approvalId: string): MaybePromise<readonly VoteRecord[]>
}
