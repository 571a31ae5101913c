import type { Plan } from '../core/entitlement.js'
import type { Grant } from '../core/grant.js'
import type { MaybePromise } from '../core/maybe-promise.js'

/** What a user holds in a workspace right now. */
export interface UserStanding {
  readonly role: string
  readonly grant: Grant
}

/**
 * The host's hooks behind a short lease: users' rights and workspaces' plans.
 *
 * Both throw `hook_failed` when the host's hook throws, rejects, answers nonsense or takes too long.
 */
export interface Rights {
  /** True where the host has configured a directory. */
  readonly hasDirectory: boolean
  /** Null: not a member. Call it only where `hasDirectory`. */
  ofUser(userId: string, workspaceId: string): MaybePromise<UserStanding | null>
  /** Without entitlements configured: access, no ceiling, any number. */
  ofWorkspace(workspaceId: string): MaybePromise<Plan>
}
