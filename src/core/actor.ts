import type { Principal } from './principal.js'

/** A user of the host who manages keys. */
export interface UserActor {
  readonly type: 'user'
  readonly id: string
  readonly workspaceId: string
  /** The host's own word, e.g. `admin`; where a directory is configured, its word counts. */
  readonly role: string
}

/** The host itself: a job, a migration, a support tool. */
export interface SystemActor {
  readonly type: 'system'
  readonly name: string
  readonly workspaceId: string
}

/** A caller with a credential of keyrung's own; it manages nothing unless the host allows it. */
export interface PrincipalActor {
  readonly type: 'principal'
  readonly principal: Principal
}

/** Who is managing; the workspace always comes from here, never from an input. */
export type Actor = UserActor | SystemActor | PrincipalActor

/** The workspace an actor acts in. */
export function workspaceOf(actor: Actor): string {
  return actor.type === 'principal' ? actor.principal.workspaceId : actor.workspaceId
}

/** An actor in one word, `type:id`, as records keep it: `user:42`, `system:nightly`, `key:key_01…`. */
export function formatActor(actor: Actor): string {
  if (actor.type === 'user') return `user:${actor.id}`
  if (actor.type === 'system') return `system:${actor.name}`
  return `key:${actor.principal.keyId}`
}
