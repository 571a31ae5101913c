import type { ParsedDefinition } from './catalog-faults.js'
import { actionOf, approvalSuffix } from './ladder.js'
import { unreachable, type BoundPermission, type Permission } from './permission.js'
import type { ParsedResource } from './resource-faults.js'

/** What a key holds: `resource:rung`. */
export type Scope = `${string}:${string}`

/** A scope tied to its place in the catalogue's level tables. */
export interface BoundScope {
  /** Canonical: a renamed resource's new name. */
  readonly scope: Scope
  readonly slot: number
  readonly level: number
}

/** One ladder of one resource: one place in every level table. */
export interface Slot {
  readonly index: number
  readonly resource: string
  /** Low to high; level i + 1 is rung i. */
  readonly rungs: readonly string[]
  /** The rungs as scopes, in the same order. */
  readonly scopes: readonly Scope[]
  /** Each action once, from the lowest rung that concerns it. */
  readonly actions: readonly string[]
  /** The lowest sensitive level; `unreachable` if none is. */
  readonly sensitiveAt: number
}

/** A resource as consoles and references show it. */
export interface Resource {
  readonly name: string
  readonly label: string
  readonly group: string | null
  readonly slots: readonly Slot[]
  /** By rung. */
  readonly describe: Readonly<Record<string, string>>
  /** Old names that still lead here. */
  readonly formerly: readonly string[]
}

/** A group as consoles and references show it. */
export interface Group {
  readonly name: string
  readonly label: string
  readonly sensitive: boolean
}

/** Lays the resources of a definition out over slots, numbered in the order of the definition. */
export function buildResources(parsed: ParsedDefinition): Resource[] {
  const sensitiveGroups = new Set(parsed.groups.filter(({ sensitive }) => sensitive).map(({ name }) => name))
  let index = 0
  return parsed.resources.map((resource) => {
    const { name, label = titled(name), group, describe, sensitive: own } = resource
    const sensitive = own ?? (group !== undefined && sensitiveGroups.has(group))
    return Object.freeze({
      name,
      label,
      group: group ?? null,
      slots: Object.freeze(resource.ladders.map((rungs) => buildSlot(resource, rungs, sensitive, index++))),
      describe: Object.freeze(Object.assign(Object.create(null), Object.fromEntries(describe))),
      formerly: Object.freeze([...parsed.renamed.keys()].filter((old) => parsed.renamed.get(old) === name)),
    })
  })
}

function buildSlot(
  resource: ParsedResource,
  rungs: readonly string[],
  sensitive: boolean | readonly string[],
  index: number,
): Slot {
  const starts = typeof sensitive === 'boolean' ? (sensitive ? rungs.slice(0, 1) : []) : sensitive
  const start = rungs.findIndex((rung) => starts.includes(rung))
  return Object.freeze({
    index,
    resource: resource.name,
    rungs: Object.freeze([...rungs]),
    scopes: Object.freeze(rungs.map((rung): Scope => `${resource.name}:${rung}`)),
    actions: Object.freeze([...new Set(rungs.map(actionOf))]),
    sensitiveAt: start < 0 ? unreachable : start + 1,
  })
}

/** Every permission of a resource, tied to its slot. */
export function bindPermissions(resource: Resource): BoundPermission[] {
  const firstSlot = resource.slots[0]!.index
  const lastSlot = firstSlot + resource.slots.length - 1
  return resource.slots.flatMap((slot) =>
    slot.actions.map((action) => {
      const permission: Permission = `${resource.name}:${action}`
      const allowAt = levelOf(slot, action)
      const approvalAt = levelOf(slot, action + approvalSuffix)
      const decisive = allowAt === unreachable ? approvalAt : allowAt
      return Object.freeze({
        permission,
        resource: resource.name,
        action,
        slot: slot.index,
        rungs: slot.rungs,
        approvalAt,
        allowAt,
        firstSlot,
        lastSlot,
        sensitive: decisive >= slot.sensitiveAt,
      })
    }),
  )
}

function levelOf(slot: Slot, rung: string): number {
  const at = slot.rungs.indexOf(rung)
  return at < 0 ? unreachable : at + 1
}

/** What to call something that was given no label: `voice-agents` → `Voice agents`. */
export function titled(name: string): string {
  const words = name.replace(/[-_.]/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
