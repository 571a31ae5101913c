import type { MaybePromise } from '../core/maybe-promise.js'

/** What a user may do in a workspace, by the host's own records; `S` are the catalog's scopes. */
export interface UserRights<S extends string = string> {
  /** The host's own word, e.g. `admin`. */
  readonly role: string
  /** Scopes that the user holds, or `full`. */
  readonly scopes: 'full' | readonly S[]
}

/** The host's users; `S` are the catalog's scopes. */
export interface Directory<S extends string = string> {
  /** The user's rights in a workspace; null: not a member. A throw or rejection is answered with 503. */
  rightsOf(userId: string, workspaceId: string): MaybePromise<UserRights<S> | null>
}
