import type { ActionOf } from './ladder.js'

/** What a route demands: `resource:action`. */
export type Permission = `${string}:${string}`

/** The rungs of each resource, as a type: `{ contacts: 'read' | 'write' }`. */
export type RungsByResource = Readonly<Record<string, string>>

/** All permissions of a catalogue with these rungs, by their canonical names. */
export type PermissionIn<Rungs extends RungsByResource> = {
  [Resource in keyof Rungs & string]: `${Resource}:${ActionOf<Rungs[Resource]>}`
}[keyof Rungs & string]

/** What a check comes to. */
export type Effect = 'allow' | 'approval' | 'deny'

/** A level that no table of bytes can hold: where an action lacks a rung, this is where it would be. */
export const unreachable = 256

/**
 * A permission tied to its place in the catalogue's level tables, so that a check is one comparison:
 * `levels[bound.slot] >= bound.allowAt`.
 *
 * Level 0 is no access; rung number i of a ladder, counted from 0, is level i + 1.
 */
export interface BoundPermission {
  /** Canonical: a renamed resource's new name. */
  readonly permission: Permission
  readonly resource: string
  readonly action: string
  /** Index into the level tables. */
  readonly slot: number
  /** The ladder the action stands on, low to high. */
  readonly rungs: readonly string[]
  /** Lowest level that sends it to approval; without such a rung 256, which no table of bytes can hold. */
  readonly approvalAt: number
  /** Lowest level that allows it; without such a rung 256, which no table of bytes can hold. */
  readonly allowAt: number
  /** First and last slot of the resource, for "is any of it held". */
  readonly firstSlot: number
  readonly lastSlot: number
  /** The rung that allows it (or, without one, sends it to approval) is marked as sensitive. */
  readonly sensitive: boolean
}

/** What a level is good for. */
export function effectAt(bound: BoundPermission, level: number): Effect {
  if (level >= bound.allowAt) return 'allow'
  return level >= bound.approvalAt ? 'approval' : 'deny'
}

/** The lowest level that does not deny. */
export function lowestLevel(bound: BoundPermission): number {
  return Math.min(bound.allowAt, bound.approvalAt)
}
