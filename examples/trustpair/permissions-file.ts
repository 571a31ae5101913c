import { readFileSync } from 'node:fs'

/** One permission of the product's token page. */
export interface FilePermission {
  readonly label: string
  /** The subscription module it comes with; null: every subscription has it. */
  readonly module: string | null
  /** What reading allows. */
  readonly read: string
  /** What writing allows; null: the permission has no such level. */
  readonly write: string | null
}

/** A route as the file has it. */
interface FileRoute {
  readonly method: 'GET' | 'POST'
  /** `{id}` stands for an id. */
  readonly path: string
  readonly needs: 'read' | 'write'
}

/** The facts about the product that the example is built from. */
export interface PermissionsFile {
  readonly permissions: readonly FilePermission[]
  readonly routesKnown: readonly FileRoute[]
}

/** Reads `data/permissions.json`. */
export function readPermissionsFile(): PermissionsFile {
  return JSON.parse(
    readFileSync(new URL('./data/permissions.json', import.meta.url), 'utf8'),
  ) as PermissionsFile
}
