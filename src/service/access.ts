import type { AnyCatalog } from '../core/catalog.js'
import type { CredentialRefusal } from '../core/decision.js'
import { effectiveLevel } from '../core/layers.js'
import type { Layers } from '../core/layers.js'
import { effectAt } from '../core/permission.js'
import type { Scope } from '../core/resource.js'
import { scopesAt } from '../core/scope.js'

import type { Caller } from './authenticate.js'

/** All that a principal may do at one moment, every ceiling taken into account. */
export interface Access {
  readonly ok: true
  /** Whether it has Full Access: a key that was given it, and no token of one. */
  readonly full: boolean
  /** Canonical; what is left of the key's scopes under the ceilings of its owner and the plan. */
  readonly scopes: readonly Scope[]
  /** The permissions it has. */
  readonly allowed: readonly string[]
  /** The permissions whose use a human has to approve. */
  readonly queued: readonly string[]
}

/** All that a principal may do, or why it may do nothing any more. */
export type AccessResult = Access | { readonly ok: false; readonly code: CredentialRefusal }

/** Lists what a caller may do under its layers. */
export function listAccess(catalog: AnyCatalog, caller: Caller, layers: Layers): Access {
  const isOpen = layers.access !== false
  const levels = Uint8Array.from(catalog.slots, ({ index }) => (isOpen ? effectiveLevel(layers, index) : 0))
  const having = (effect: 'allow' | 'approval') =>
    catalog.permissions
      .filter((bound) => effectAt(bound, levels[bound.slot]!) === effect)
      .map(({ permission }) => permission)
  return {
    ok: true,
    full: caller.grant.full && caller.part === undefined,
    scopes: scopesAt(catalog, levels),
    allowed: having('allow'),
    queued: having('approval'),
  }
}
