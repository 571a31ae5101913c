import type { Actor } from '../../core/actor.js'
import { KeyrungError } from '../../core/errors.js'
import type { Change } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'
import { prepareChange } from './change.js'
import { commitParts } from './commit.js'
import { demandRights } from './coverage.js'
import { findForActor } from './found.js'
import { readNote } from './options.js'
import { countKey, demandPlan, findRoom } from './plan.js'
import { isExpired } from './view.js'
import type { KeyView } from './view.js'

/**
 * Puts a revoked key back to work, by whoever could have made it, within the plan's number of keys. An
 * expired key can be activated too, and stays expired. A key that is active already stays as it is.
 */
export async function activateKey(
  context: ServiceContext,
  given: Actor,
  id: unknown,
  input: unknown,
  options: unknown,
): Promise<KeyView> {
  const found = await findForActor(context, given, 'activate', id)
  const { origin, reason } = readNote(context, input, options)
  const { key } = found.row
  if (key.status === 'active') {
    // Somebody else's activation may still be on its way to the other instances.
    await context.settle()
    return found.view
  }
  const plan = await demandPlan(context, key.workspaceId)
  const held = await demandRights(context, found.actor, key)
  const set = { status: 'active', revokedAt: null, revokedBy: null, revokedReason: null } as const
  const { update, event, view } = prepareChange(context, found, 'key.activated', set, { reason, origin })
  const commit = (max: number | null, room: readonly Change[] = []) =>
    commitParts(context.store, { held, update, room, counter: countKey(key.workspaceId, 1, max), event })
  let loss = await commit(plan.maxKeys)
  if (loss?.part === 'counter') {
    const room = await findRoom(context, key.workspaceId, plan.maxKeys!, found.now)
    // An expired key stays expired, and uses up nothing.
    const own = isExpired({ ...key, status: 'active' }, found.now) ? 1 : 0
    if (room) loss = await commit(room.max + own, [room.unrevived])
    else if (own) loss = await commit(plan.maxKeys! + own)
  }
  if (loss?.part === 'counter') throw new KeyrungError('key_limit_reached')
  if (loss !== null) {
    throw new KeyrungError(loss.part === 'update' && loss.why === 'missing' ? 'not_found' : 'conflict')
  }
  await context.settle()
  return view
}
