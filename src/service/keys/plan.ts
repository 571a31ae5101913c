import { KeyrungError } from '../../core/errors.js'
import type { Change } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'
import type { Plan } from '../../core/entitlement.js'

/**
 * What the workspace's plan allows, if it gives access at all.
 *
 * @throws KeyrungError `not_entitled`, `hook_failed`
 */
export async function demandPlan(
  { rights }: Pick<ServiceContext, 'rights'>,
  workspaceId: string,
): Promise<Plan> {
  const plan = await rights.ofWorkspace(workspaceId)
  if (plan.access !== true) throw new KeyrungError('not_entitled')
  return plan
}

/**
 * Counts a workspace's active keys up or down, in the commit that makes or ends one, so that no number of
 * callers at once passes the plan's maximum.
 *
 * @param max null: no maximum; only a key more can pass it
 */
export function countKey(workspaceId: string, delta: 1 | -1, max: number | null): Change {
  return { do: 'counter', name: `keys/${workspaceId}`, delta, max }
}
