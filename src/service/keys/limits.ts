import type { Actor } from '../../core/actor.js'
import type { ServiceContext } from '../context.js'
import type { KeyLimits } from '../limit-standing.js'
import { findForActor } from './found.js'

/** Tells how everything stands that limits a key, to whoever may look at the key. */
export async function limitsOfKey(context: ServiceContext, given: Actor, id: unknown): Promise<KeyLimits> {
  const { row, view } = await findForActor(context, given, 'get', id)
  const { limits } = await context.rights.ofWorkspace(view.workspaceId)
  return context.limits.standings.ofKey(row.key, limits)
}
