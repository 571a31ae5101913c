import type { MaybePromise } from '../core/maybe-promise.js'

/** What a user may do in a workspace, by the host's own records. */
export interface UserRights {
  /** The host's own word, e.g. `admin`. */
  readonly role: string
  /** Scopes that the user holds, or `full`. */
  readonly scopes: 'full' | readonly string[]
}

/** The host's users. */
export interface Directory {
  /** The user's rights in a workspace; null: not a member. A throw or rejection is answered with 503. */
  rightsOf(userId: string, workspaceId: string): MaybePromise<UserRights | null>
}
