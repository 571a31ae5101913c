import type { Actor } from '../core/actor.js'
import { isId } from '../core/id.js'
import type { Principal } from '../core/principal.js'
import { approve, reject, resolve } from './approvals/decide.js'
import { findForDecider } from './approvals/deciders.js'
import { toDetail } from './approvals/detail.js'
import { listApprovals } from './approvals/list.js'
import type { ApprovalPage, ListApprovalsInput } from './approvals/list.js'
import type { Runner } from './approvals/runner.js'
import { readWaking } from './approvals/input.js'
import { cancelApproval, trackApproval } from './approvals/track.js'
import type { ApprovalDetail, ApprovalView } from './approvals/view.js'
import type { ServiceContext } from './context.js'
import type { ChangeOptions } from './change-origin.js'

/** That what was shown is to run. */
export interface ApproveInput {
  /** The digest of what was looked at. */
  readonly digest: string
  readonly reason?: string | undefined
}

/** What may accompany an approval's decision. */
export interface ApproveOptions extends ChangeOptions {
  /** How long to wait for the run, in milliseconds: the host's `approvals.waitMs` unless said otherwise. */
  readonly waitMs?: number | undefined
  /** Ends the wait when it is aborted; the run goes on. */
  readonly signal?: AbortSignal | undefined
}

/** How long a caller would wait for its own approval to move on. */
export interface TrackOptions {
  /** In milliseconds, at most a minute. @defaultValue `0` */
  readonly waitMs?: number | undefined
  /** Ends the wait when it is aborted, as by a client that has gone. */
  readonly signal?: AbortSignal | undefined
}

/** How a run whose outcome is not known is settled. */
export interface ResolveInput {
  readonly as: 'succeeded' | 'failed' | 'again'
  readonly reason?: string | undefined
}

/** What waits for humans, and what they say to it. */
export interface Approvals {
  /** Lists approvals, newest first, a page at a time. */
  list(actor: Actor, input?: ListApprovalsInput): Promise<ApprovalPage>
  /** @throws KeyrungError `not_found` */
  get(actor: Actor, id: string): Promise<ApprovalDetail>
  /**
   * Approves exactly what was shown; where nobody else has to, it runs, and its end is waited for.
   *
   * What the key that asked can never do again, as it was revoked, changed or has expired, is cancelled by that, and
   * answered `not_pending`.
   *
   * @throws KeyrungError `not_found`, `not_pending`, `digest_mismatch`, `own_request`, `voted`; `not_entitled` and
   *   `owner_insufficient` where the plan or the owner of the key that asked do not allow it now
   */
  approve(actor: Actor, id: string, input: ApproveInput, options?: ApproveOptions): Promise<ApprovalDetail>
  /** @throws KeyrungError `not_found`, `not_pending`, `own_request` */
  reject(
    actor: Actor,
    id: string,
    input: { readonly reason: string },
    options?: ChangeOptions,
  ): Promise<ApprovalView>
  /**
   * Settles a run of which nobody knows how it ended.
   *
   * @throws KeyrungError `not_found`, `not_unknown`, `own_request`
   */
  resolve(actor: Actor, id: string, input: ResolveInput, options?: ApproveOptions): Promise<ApprovalDetail>
  /**
   * What a caller sees of its own approval; with `waitMs` it is answered when the approval moves on, or as that is over.
   *
   * @throws KeyrungError `not_found`
   */
  track(principal: Principal, id: string, options?: TrackOptions): Promise<ApprovalDetail>
  /** Lets the caller take back what it asked for, until it runs. @throws KeyrungError `not_found`, `not_pending` */
  cancel(principal: Principal, id: string, options?: ChangeOptions): Promise<ApprovalView>
  /**
   * Runs an approved operation now, if this instance can, and resolves when that has ended: the seam by which a host's own
   * queue drives it. With its workspace, which stands in the event `approval.approved`, it is read at once; without, it is
   * looked for among all that is due.
   *
   * @throws KeyrungError where it could not be decided, or its end not be written; the worker tries again
   */
  wake(id: string, options?: { readonly workspaceId?: string | undefined }): Promise<void>
}

/** Makes what decides about approvals. */
export function createApprovals(context: ServiceContext, runner: Runner): Approvals {
  return {
    list: (actor, input) => listApprovals(context, actor, input),
    async get(actor, id) {
      const { record } = await findForDecider(context, actor, 'get', id)
      return toDetail(context, record, 'decider')
    },
    approve: (actor, id, input, options) => approve(context, runner, actor, id, input, options),
    reject: (actor, id, input, options) => reject(context, actor, id, input, options),
    resolve: (actor, id, input, options) => resolve(context, runner, actor, id, input, options),
    track: (principal, id, options) => trackApproval(context, principal, id, options),
    cancel: (principal, id, options) => cancelApproval(context, principal, id, options),
    async wake(id, options) {
      const { workspaceId } = readWaking(options)
      if (isId('apr', id)) await runner.wake(id, workspaceId)
    },
  }
}
