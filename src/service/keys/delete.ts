import type { Actor } from '../../core/actor.js'
import { snapshotKey } from '../../core/audit.js'
import { KeyrungError } from '../../core/errors.js'
import type { KeyRow, TombstoneRecord } from '../../core/key.js'
import type { Change } from '../../ports/change.js'
import { prepareSweep } from '../approvals/sweep.js'
import type { ServiceContext } from '../context.js'
import { changeEvent } from '../outbox.js'
import { commitParts, mostAttempts, neverCommitted } from './commit.js'
import { findForActor, readKey } from './found.js'
import { readNote } from './options.js'
import { countKey } from './plan.js'

/**
 * Deletes a key and its secrets for good, whoever else is changing it: it is tried until it wins. What hung
 * on the key is purged later, by its tombstone; the audit trail keeps its id and name.
 */
export async function deleteKey(
  context: ServiceContext,
  given: Actor,
  id: unknown,
  input: unknown,
  options: unknown,
): Promise<void> {
  const found = await findForActor(context, given, 'delete', id)
  const { origin, reason } = readNote(context, input, options)
  let { row, now } = found
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const { key } = row
    const made = { action: 'key.deleted', target: key, before: snapshotKey(key), after: null } as const
    const sweep = prepareSweep(context, key)
    const loss = await commitParts(context.store, {
      ...removal(row, now),
      sweep: sweep.note,
      event: changeEvent(context, { ...made, actor: found.actor, reason, origin }, now),
    })
    if (loss === null) {
      await context.settle()
      await sweep.run()
      // Nobody is charged for the key any more; what it has spent says nothing to anyone.
      context.limits.forget(key.workspaceId, key.id)
      return
    }
    const next = await readKey(context, key.workspaceId, key.id)
    if (!next) throw new KeyrungError('not_found')
    row = next
    now = context.clock.now()
  }
  throw neverCommitted()
}

/** Removes a key with its living secrets. Secrets that have ended are not among a row's; the purge finds them without their key. */
export function removal({ key, secrets }: KeyRow, now: number): Record<string, readonly Change[]> {
  const { id, workspaceId } = key
  const record: TombstoneRecord = { id, workspaceId, version: 1, deletedAt: now }
  return {
    key: [{ do: 'delete', type: 'key', id, expectVersion: key.version }],
    secrets: secrets.map((secret) => ({
      do: 'delete',
      type: 'secret',
      id: secret.id,
      expectVersion: secret.version,
    })),
    tombstone: [{ do: 'insert', type: 'tombstone', record }],
    counter: key.status === 'active' ? [countKey(workspaceId, -1, null)] : [],
  }
}
