import type { Ladder } from './ladder.js'
import type { RungsByResource } from './permission.js'

/** A group orders resources in references and consoles. */
export interface GroupDefinition {
  readonly label?: string
  /** Shorthand: every resource of the group that does not say otherwise is sensitive from its lowest rung. */
  readonly sensitive?: boolean
}

/** One thing to be protected. */
export interface ResourceDefinition<Rung extends string = string, Group extends string = string> {
  /** What people call it; made from the name when it is left out. */
  readonly label?: string
  readonly group?: Group
  /** One ladder, or several that share neither rung nor action. */
  readonly ladder: Ladder<Rung> | readonly Ladder<Rung>[]
  /** What a rung newly gives, in the words of the permission reference. */
  readonly describe?: { readonly [R in NoInfer<Rung>]?: string }
  /**
   * The rung from which on it is sensitive, upward on its ladder; one for each ladder where there are
   * several; `true` for the lowest ones. It replaces what the group says; so does `false`.
   */
  readonly sensitive?: boolean | NoInfer<Rung> | readonly NoInfer<Rung>[]
}

/** What `defineCatalog` takes. */
export interface CatalogDefinition<
  Rungs extends RungsByResource = RungsByResource,
  Group extends string = string,
> {
  readonly groups?: { readonly [G in Group]: GroupDefinition }
  readonly resources: { readonly [R in keyof Rungs]: ResourceDefinition<Rungs[R], NoInfer<Group>> }
  /** Old name → today's name. Old names keep working in stored scopes and at run time; types know new ones only. */
  readonly renamed?: { readonly [old: string]: NoInfer<keyof Rungs & string> }
}
