import { formatActor } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import { KeyrungError } from '../../core/errors.js'
import { prepareSweep } from '../approvals/sweep.js'
import type { ServiceContext } from '../context.js'
import { prepareChange } from './change.js'
import { commitParts, mostAttempts, neverCommitted } from './commit.js'
import { findForActor, readKey } from './found.js'
import { readNote } from './options.js'
import { countKey } from './plan.js'
import { toKeyView } from './view.js'
import type { KeyView } from './view.js'

/**
 * Revokes a key, whoever else is changing it: it is tried until it wins. A key that is revoked already stays
 * as it is, with its first reason, and no second event.
 */
export async function revokeKey(
  context: ServiceContext,
  given: Actor,
  id: unknown,
  input: unknown,
  options: unknown,
): Promise<KeyView> {
  const { catalog, store, clock } = context
  const found = await findForActor(context, given, 'revoke', id)
  const { origin, reason } = readNote(context, input, options)
  const { id: keyId, workspaceId } = found.row.key
  let { row, now } = found
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    if (row.key.status === 'revoked') {
      // Whoever revoked it may still be waiting; this caller too is promised that it holds everywhere.
      await context.settle()
      return toKeyView(catalog, row, now)
    }
    const revoked = { revokedAt: now, revokedBy: formatActor(found.actor), revokedReason: reason }
    // What was approved before counts no more, whatever is made of the key later.
    const set = { status: 'revoked', revocations: row.key.revocations + 1, ...revoked } as const
    const note = { reason, origin }
    const { update, event, view } = prepareChange(context, { ...found, row, now }, 'key.revoked', set, note)
    const counter = countKey(workspaceId, -1, null)
    const sweep = prepareSweep(context, row.key)
    const loss = await commitParts(store, { update, counter, event, sweep: sweep.note })
    if (loss === null) {
      await context.settle()
      await sweep.run()
      return view
    }
    const next = await readKey(context, workspaceId, keyId)
    if (!next) throw new KeyrungError('not_found')
    row = next
    now = clock.now()
  }
  throw neverCommitted()
}
