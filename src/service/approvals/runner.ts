import type { ApprovalRecord } from '../../core/approval.js'
import type { Principal } from '../../core/principal.js'
import type { AskedContent } from './content.js'

/** What deciding needs of running. */
export interface Runner {
  /** Runs an approved operation now, if this instance can; without its workspace it is looked for among all that is due. */
  wake(id: string, workspaceId?: string): Promise<void>
  /**
   * Says whether what an operation is about is no longer as it was when it was queued; where this instance does not know
   * the operation it says no, as that is asked again at the run.
   *
   * @throws KeyrungError `hook_failed`
   */
  hasMoved(record: ApprovalRecord, asked: AskedContent, principal: Principal): Promise<boolean>
}
