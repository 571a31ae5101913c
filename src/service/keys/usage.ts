import type { Actor } from '../../core/actor.js'
import type { ServiceContext } from '../context.js'
import { findUsage, requireUsage } from '../usage.js'
import type { Usage } from '../usage.js'
import { findForActor } from './found.js'

/** Tells what a key was used for, to whoever may look at the key. */
export async function usageOfKey(
  context: ServiceContext,
  given: Actor,
  id: unknown,
  input: unknown,
): Promise<Usage> {
  const { view } = await findForActor(context, given, 'get', id)
  requireUsage(context)
  return findUsage(context, { workspaceId: view.workspaceId, keyId: view.id }, input)
}
