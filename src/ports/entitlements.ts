import type { Entitlement } from '../core/entitlement.js'
import type { MaybePromise } from '../core/maybe-promise.js'

/** The host's plans; `S` are the catalog's scopes. */
export interface Entitlements<S extends string = string> {
  /** A workspace's entitlement; null: no API access. A throw or rejection is answered with 503. */
  of(workspaceId: string): MaybePromise<Entitlement<S> | null>
}
