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
 * callers at once passes the plan's maximum. Expired ones are counted too: {@link findRoom} makes up for them.
 *
 * @param max null: no maximum; only a key more can pass it
 */
export function countKey(workspaceId: string, delta: 1 | 0 | -1, max: number | null): Change {
  return { do: 'counter', name: `keys/${workspaceId}`, delta, max }
}

/** How many keys the counter may come to beside those that have expired. */
export interface Room {
  readonly max: number
  /** Fails if an expired key has become valid again since it was counted. */
  readonly unrevived: Change
  /** Notes, in the commit that makes an expired key valid again, that it does. */
  readonly revived: Change
}

/**
 * Counts the keys that have expired, which use up nothing of the plan's maximum.
 *
 * @returns null where there are none
 */
export async function findRoom(
  { store }: Pick<ServiceContext, 'store'>,
  workspaceId: string,
  maxKeys: number,
  now: number,
): Promise<Room | null> {
  const id = `revived/${workspaceId}`
  const note = (await store.findSettings(id)).find((setting) => setting.id === id)
  const expired = await store.countKeys({ workspaceId, status: 'active', expiresBefore: now + 1 })
  if (expired === 0) return null
  const insert = {
    do: 'insert',
    type: 'setting',
    record: { id, workspaceId, version: 1, value: '' },
  } as const
  return {
    max: maxKeys + expired,
    unrevived: note ? { do: 'check', type: 'setting', id, version: note.version } : insert,
    revived: note
      ? { do: 'update', type: 'setting', id, expectVersion: note.version, set: { value: '' } }
      : insert,
  }
}
