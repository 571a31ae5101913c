import type { Layer } from './decision.js'
import { effectAt, type BoundPermission, type Effect } from './permission.js'

/**
 * What limits a call: the level tables of everything that has a say, all of one catalogue.
 *
 * The effective level is the minimum. A table that is left out sets no ceiling; one that is too short denies.
 */
export interface Layers {
  /** The key's own grant. */
  readonly key: Uint8Array
  /** The part of it that an access token was given. */
  readonly token?: Uint8Array | undefined
  /** The slice an OAuth client was given. */
  readonly client?: Uint8Array | undefined
  /** The rights of the user a key is bound to. */
  readonly owner?: Uint8Array | undefined
  /** What the workspace's plan includes. */
  readonly plan?: Uint8Array | undefined
  /** `false`: the workspace has no API access, as if the plan included nothing. */
  readonly access?: boolean | undefined
}

/** Says whether the workspace has no API access; only `true`, or no say at all, gives it. */
export function lacksAccess(layers: Layers): boolean {
  return layers.access !== undefined && layers.access !== true
}

/** The level a table has on a slot; none where the table does not reach. */
export function levelAt(levels: Uint8Array, slot: number): number {
  return levels[slot] ?? 0
}

/** The minimum of all layers on a slot. */
export function effectiveLevel(layers: Layers, slot: number): number {
  let level = levelAt(layers.key, slot)
  if (layers.token !== undefined) level = Math.min(level, levelAt(layers.token, slot))
  if (layers.client !== undefined) level = Math.min(level, levelAt(layers.client, slot))
  if (layers.owner !== undefined) level = Math.min(level, levelAt(layers.owner, slot))
  if (layers.plan !== undefined) level = Math.min(level, levelAt(layers.plan, slot))
  return level
}

/** What each layer by itself says to a permission; a layer that sets no ceiling allows. */
export function layerEffects(
  bound: BoundPermission,
  layers: Layers,
): Readonly<Record<Exclude<Layer, 'operation'>, Effect>> {
  const effect = (levels: Uint8Array | undefined): Effect =>
    levels === undefined ? 'allow' : effectAt(bound, levelAt(levels, bound.slot))
  return {
    key: effect(layers.key),
    token: effect(layers.token),
    client: effect(layers.client),
    owner: effect(layers.owner),
    plan: lacksAccess(layers) ? 'deny' : effect(layers.plan),
  }
}

/** The layer because of which the credential has nothing at all on the resource; `undefined` if it has something. */
export function blindLayer(bound: BoundPermission, layers: Layers): 'key' | 'token' | 'client' | undefined {
  const { key, token, client } = layers
  let blind: 'key' | 'token' | 'client' = 'key'
  for (let slot = bound.firstSlot; slot <= bound.lastSlot; slot++) {
    if (levelAt(key, slot) === 0) continue
    if (token !== undefined && levelAt(token, slot) === 0) {
      if (blind === 'key') blind = 'token'
    } else if (client !== undefined && levelAt(client, slot) === 0) {
      blind = 'client'
    } else return undefined
  }
  return blind
}
