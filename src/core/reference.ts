import type { AnyCatalog } from './catalog.js'
import { actionOf, isApprovalRung } from './ladder.js'
import { effectAt } from './permission.js'
import { titled, type Resource, type Slot } from './resource.js'

/** One level a resource can be granted at. */
export interface ReferenceRung {
  readonly rung: string
  readonly label: string
  /** What is granted: `contacts:write-approval`. */
  readonly scope: string
  /** What the rung newly gives, in the host's words. */
  readonly description: string | null
  /** Every permission that this scope allows, the lower rungs' included. */
  readonly allows: readonly string[]
  /** Every permission that this scope sends to approval. */
  readonly queues: readonly string[]
  readonly sensitive: boolean
}

/** One resource with its ladders, each a list of rungs, low to high. */
export interface ReferenceResource {
  readonly name: string
  readonly label: string
  /** Old names that still work. */
  readonly formerly: readonly string[]
  readonly ladders: readonly (readonly ReferenceRung[])[]
}

/** One group with its resources; resources without a group stand in a last one whose name and label are null. */
export interface ReferenceGroup {
  readonly name: string | null
  readonly label: string | null
  readonly resources: readonly ReferenceResource[]
}

/**
 * The permission reference to publish for API users, as plain data; a group without resources is left out.
 *
 * @example
 * ```ts
 * for (const group of reference(catalog))
 *   for (const { label, ladders } of group.resources)
 *     for (const rung of ladders.flat()) console.log(label, rung.scope, rung.description)
 * ```
 */
export function reference(catalog: AnyCatalog): readonly ReferenceGroup[] {
  return [...catalog.groups, { name: null, label: null }]
    .map(({ name, label }) => ({
      name,
      label,
      resources: catalog.resources
        .filter((resource) => resource.group === name)
        .map((resource) => referenceResource(catalog, resource)),
    }))
    .filter(({ resources }) => resources.length > 0)
}

function referenceResource(catalog: AnyCatalog, resource: Resource): ReferenceResource {
  return {
    name: resource.name,
    label: resource.label,
    formerly: resource.formerly,
    ladders: resource.slots.map((slot) =>
      slot.rungs.map((_, i) => referenceRung(catalog, resource, slot, i + 1)),
    ),
  }
}

function referenceRung(catalog: AnyCatalog, resource: Resource, slot: Slot, level: number): ReferenceRung {
  const rung = slot.rungs[level - 1]!
  const at = (wanted: 'allow' | 'approval') =>
    slot.actions
      .map((action) => catalog.find(`${slot.resource}:${action}`)!)
      .filter((bound) => effectAt(bound, level) === wanted)
      .map(({ permission }) => permission)
  return {
    rung,
    label: titled(actionOf(rung)) + (isApprovalRung(rung) ? ', with approval' : ''),
    scope: slot.scopes[level - 1]!,
    description: resource.describe[rung] ?? null,
    allows: at('allow'),
    queues: at('approval'),
    sensitive: level >= slot.sensitiveAt,
  }
}
