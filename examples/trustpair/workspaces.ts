import type { Database } from 'better-sqlite3'
import type { Directory, Entitlements } from 'keyrung'
import { catalog, modules, type Module, type TrustpairScope } from './catalog.js'

/** Someone who may log in. */
export interface DemoUser {
  readonly id: string
  readonly name: string
  readonly workspaceId: string
  readonly role: 'admin' | 'member'
}

/** Two workspaces with an admin and a member each. */
export const demoUsers: readonly DemoUser[] = [
  { id: 'mara', name: 'Mara', workspaceId: 'meridian', role: 'admin' },
  { id: 'milo', name: 'Milo', workspaceId: 'meridian', role: 'member' },
  { id: 'tove', name: 'Tove', workspaceId: 'tessera', role: 'admin' },
  { id: 'timo', name: 'Timo', workspaceId: 'tessera', role: 'member' },
]

/** What each workspace subscribes to at first. */
const firstModules: Readonly<Record<string, readonly Module[]>> = {
  meridian: ['m1', 'm2'],
  tessera: ['m3'],
}

/** The ids of the workspaces. */
export const workspaceIds: readonly string[] = Object.keys(firstModules)

/** The host's own users and subscriptions, and keyrung's two hooks on them. */
export interface Workspaces {
  readonly directory: Directory<TrustpairScope>
  readonly entitlements: Entitlements<TrustpairScope>
  modulesOf(workspaceId: string): readonly Module[]
  /** The hooks' answers change with it: `keyrung.changed` is to be called afterwards. */
  subscribe(workspaceId: string, chosen: readonly Module[]): void
}

/** Finds a demo user by id. */
export function findUser(id: unknown): DemoUser | undefined {
  return demoUsers.find((user) => user.id === id)
}

/** Says whether a value is a list of modules, each once. */
export function isModuleList(value: unknown): value is readonly Module[] {
  return (
    Array.isArray(value) &&
    value.every((name) => modules.includes(name as Module)) &&
    new Set(value).size === value.length
  )
}

/** The most that a token of a workspace with these modules can be given: the top of every ladder on offer. */
function scopesOffered(chosen: readonly Module[]): readonly TrustpairScope[] {
  return catalog.resources
    .filter(({ group }) => isOffered(group, chosen))
    .flatMap(({ slots }) => slots.map(({ scopes }) => scopes.at(-1) as TrustpairScope))
}

/** Says whether a group of the catalogue is part of what a workspace with these modules is offered. */
export function isOffered(group: string | null, chosen: readonly Module[]): boolean {
  return group === 'base' || chosen.includes(group as Module)
}

/** Keeps the workspaces' subscriptions in a table of the host's own. */
export function createWorkspaces(database: Database): Workspaces {
  database.exec(
    'create table if not exists trustpair_subscriptions (workspace_id text primary key, modules text not null)',
  )
  const add = database.prepare('insert into trustpair_subscriptions values (?, ?) on conflict do nothing')
  const select = database
    .prepare('select modules from trustpair_subscriptions where workspace_id = ?')
    .pluck()
  const update = database.prepare('update trustpair_subscriptions set modules = ? where workspace_id = ?')
  for (const [id, first] of Object.entries(firstModules)) add.run(id, JSON.stringify(first))

  const findModules = (workspaceId: string): readonly Module[] | undefined => {
    const text = select.get(workspaceId) as string | undefined
    return text === undefined ? undefined : (JSON.parse(text) as readonly Module[])
  }
  const modulesOf = (workspaceId: string): readonly Module[] => findModules(workspaceId) ?? []
  return {
    modulesOf,
    subscribe: (workspaceId, chosen) => void update.run(JSON.stringify(chosen), workspaceId),
    // What works: the ceiling over every token, old ones too.
    entitlements: {
      of: (workspaceId) => {
        const chosen = findModules(workspaceId)
        return chosen ? { access: true, ceilings: scopesOffered(chosen) } : null
      },
    },
    // What is offered: an admin can hand out what the subscription has, and never everything at once and for
    // ever, as there is no such token here. A member can hand out nothing.
    directory: {
      rightsOf: (userId, workspaceId) => {
        const user = findUser(userId)
        if (user?.workspaceId !== workspaceId) return null
        return { role: user.role, scopes: user.role === 'admin' ? scopesOffered(modulesOf(workspaceId)) : [] }
      },
    },
  }
}
