import type { Actor } from '../../core/actor.js'
import type { ApprovalRecord } from '../../core/approval.js'
import type { ServiceContext } from '../context.js'
import type { Dispatchers } from '../dispatchers.js'
import type { DefinedOperation } from '../operations/definition.js'

/** What running is made of. */
export interface ExecutionNeeds {
  /** Its store is the one behind time limits that answers while the keyrung is closing. */
  readonly context: ServiceContext
  readonly dispatchers: Dispatchers
  /** The named operations that this instance knows. */
  readonly findOperation: (name: string) => DefinedOperation | undefined
  /** The keyrung whose approvals are run: by it a guard knows its own. */
  readonly keyrung: () => object
}

const dayMs = 86_400_000

/** Runs are the library's own doing: it was the approver who decided. */
export function runnerOf({ workspaceId }: ApprovalRecord): Actor {
  return { type: 'system', name: 'keyrung', workspaceId }
}

/** When what is kept of an approval that ends now is to be purged, in milliseconds since 1970. */
export function purgeAfter({ approvalSettings }: ServiceContext, at: number): number {
  return at + approvalSettings.retentionDays * dayMs
}
