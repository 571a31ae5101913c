import { readFileSync } from 'node:fs'

/** The methods the API uses. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One route as the file has it. */
export interface ApiRoute {
  readonly method: Method
  /** May carry a query string, as in `/files?type=document|image|secure`. */
  readonly path: string
  /** All of them are needed; none: any valid key will do. */
  readonly scopes: readonly string[]
  /** Whether it changes anything, by the API's own word; it does not follow from the method. */
  readonly write: boolean
}

/** A group of the API's own list of scopes. */
interface ApiGroup {
  readonly label: string
  readonly adminOnly: boolean
  readonly scopes: readonly string[]
}

/** The facts about the API that the example is built from. */
export interface ApiFile {
  readonly groups: readonly ApiGroup[]
  readonly scopesUsedButNotListed: readonly string[]
  /** Old resource name → today's. */
  readonly renamed: Readonly<Record<string, string>>
  readonly routes: readonly ApiRoute[]
}

/** Reads `data/api.json`. */
export function readApiFile(): ApiFile {
  return JSON.parse(readFileSync(new URL('./data/api.json', import.meta.url), 'utf8')) as ApiFile
}
