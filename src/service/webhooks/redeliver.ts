import { workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import { KeyrungError } from '../../core/errors.js'
import { isId } from '../../core/id.js'
import type { ServiceContext } from '../context.js'
import { admitActor, parseActor } from '../management.js'
import { readKey } from '../keys/found.js'
import { toKeyView } from '../keys/view.js'
import { ofWorkspace } from './list.js'
import { toDeliveryView } from './view.js'
import type { DeliveryView } from './view.js'

/** Has a message sent again from the first attempt on, whatever came of it before. */
export async function redeliver(context: ServiceContext, given: Actor, id: unknown): Promise<DeliveryView> {
  const { store, clock, catalog } = context
  const actor = parseActor(given)
  const workspaceId = workspaceOf(actor)
  const found = isId('dlv', id) ? await store.findDelivery(workspaceId, id) : undefined
  const row = found && (await readKey(context, workspaceId, found.keyId))
  const now = clock.now()
  await admitActor(context, actor, 'edit', row && toKeyView(catalog, row, now))
  if (!found || !row) throw new KeyrungError('not_found')
  const record = ofWorkspace(found, workspaceId)
  const dueAt = await store.now()
  const set = { status: 'waiting', dueAt, attempts: 0, lastError: null } as const
  const { version: expectVersion } = record
  const result = await store.commit([{ do: 'update', type: 'delivery', id: record.id, expectVersion, set }])
  if (!result.ok) throw new KeyrungError(result.why === 'missing' ? 'not_found' : 'conflict')
  return toDeliveryView({ ...record, ...set, version: expectVersion + 1 })
}
