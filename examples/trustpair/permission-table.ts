import { reference } from 'keyrung'
import { catalog, type Module } from './catalog.js'
import { markdownTable } from './markdown-table.js'
import { isOffered } from './workspaces.js'

/** What the catalogue's reference says, as plain data. */
export type PermissionReference = ReturnType<typeof reference>

/** A scope is the name with a level: `tags:read`. */
const titles = ['Permission', 'Name in scopes', 'Read allows', 'Write allows', 'Comes with'] as const

/** The permission reference for API users: the whole catalogue. */
export const permissionReference: PermissionReference = reference(catalog)

/** The part of the reference that a workspace with these modules is offered. */
export function referenceFor(chosen: readonly Module[]): PermissionReference {
  return permissionReference.filter(({ name }) => isOffered(name, chosen))
}

/** A reference as a Markdown table. */
export function permissionTable(groups: PermissionReference): string {
  const rows = groups.flatMap(({ label: comesWith, resources }) =>
    resources.map(({ label, name, ladders }) => {
      const allowed = (rung: string) => ladders.flat().find((one) => one.rung === rung)?.description ?? '–'
      return [label, name, allowed('read'), allowed('write'), comesWith ?? '–']
    }),
  )
  return markdownTable(titles, rows)
}
