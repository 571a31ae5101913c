import type { Database } from 'better-sqlite3'
import type { Actor, Directory, Entitlements } from 'keyrung'
import type { TrustPagerScope } from './catalog.js'

/** The plans of the example: only paid ones include the API. */
export const plans = ['free', 'pro'] as const
export type Plan = (typeof plans)[number]

/** Someone who may log in. */
export interface DemoUser {
  readonly id: string
  readonly name: string
  readonly workspaceId: string
  readonly role: 'admin' | 'member'
}

/** Two workspaces with a member each; one has a second admin, who decides what the first one's keys ask for. */
export const demoUsers: readonly DemoUser[] = [
  { id: 'ada', name: 'Ada', workspaceId: 'acme', role: 'admin' },
  { id: 'amy', name: 'Amy', workspaceId: 'acme', role: 'admin' },
  { id: 'ben', name: 'Ben', workspaceId: 'acme', role: 'member' },
  { id: 'cleo', name: 'Cleo', workspaceId: 'borealis', role: 'admin' },
  { id: 'dan', name: 'Dan', workspaceId: 'borealis', role: 'member' },
]

/** The ids of the workspaces. */
export const workspaceIds: readonly string[] = [...new Set(demoUsers.map((user) => user.workspaceId))]

/** What a member may do; a key that a member owns can do no more. */
const memberScopes: readonly TrustPagerScope[] = [
  'contacts:write',
  'companies:read',
  'opportunities:write-approval',
  'tasks:delete',
  'activities:write',
  'email:send-approval',
  'ai:use',
]

/** The host's own users and plans, and keyrung's two hooks on them. */
export interface Workspaces {
  readonly directory: Directory<TrustPagerScope>
  readonly entitlements: Entitlements<TrustPagerScope>
  planOf(workspaceId: string): Plan
  setPlan(workspaceId: string, plan: Plan): void
}

/** Finds a demo user by id. */
export function findUser(id: unknown): DemoUser | undefined {
  return demoUsers.find((user) => user.id === id)
}

/**
 * Says who decides about approvals: a workspace's admins, and keys, of which keyrung itself admits those with full
 * access only. One that a member owns can do no more than the member, who decides nothing.
 */
export function canDecide(actor: Actor): boolean {
  if (actor.type === 'principal') {
    const { ownerId } = actor.principal
    return ownerId === null || findUser(ownerId)?.role === 'admin'
  }
  return actor.type === 'user' && actor.role === 'admin'
}

/** Says whether a value names a plan. */
export function isPlan(value: unknown): value is Plan {
  return plans.includes(value as Plan)
}

/**
 * Keeps the workspaces' plans in a table of the host's own. Every start puts them back on `pro`: a demo that was
 * left without the API would have no story to tell.
 */
export function createWorkspaces(database: Database): Workspaces {
  database.exec(
    'create table if not exists trustpager_plans (workspace_id text primary key, plan text not null)',
  )
  const add = database.prepare('insert or replace into trustpager_plans values (?, ?)')
  const select = database.prepare('select plan from trustpager_plans where workspace_id = ?').pluck()
  const update = database.prepare('update trustpager_plans set plan = ? where workspace_id = ?')
  for (const id of workspaceIds) add.run(id, 'pro')

  const planOf = (workspaceId: string): Plan => (select.get(workspaceId) as Plan | undefined) ?? 'free'
  return {
    planOf,
    setPlan: (workspaceId, plan) => void update.run(plan, workspaceId),
    entitlements: { of: (workspaceId) => ({ access: planOf(workspaceId) === 'pro', maxKeys: 50 }) },
    directory: {
      rightsOf: (userId, workspaceId) => {
        const user = findUser(userId)
        if (user?.workspaceId !== workspaceId) return null
        return { role: user.role, scopes: user.role === 'admin' ? 'full' : memberScopes }
      },
    },
  }
}
