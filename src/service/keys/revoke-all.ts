import * as z from 'zod/mini'
import { workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import { invalid, isKeyrungError, KeyrungError } from '../../core/errors.js'
import type { ServiceContext } from '../context.js'
import { admitActor } from '../management.js'
import { hostText, objectOf, readFields, reason } from './fields.js'
import { inWorkspace } from './found.js'
import { revokeKey } from './revoke.js'

/** Whose keys to revoke, and why. */
export interface RevokeAllInput {
  /** The user whose keys they are. */
  readonly ownerId: string
  readonly reason?: string | undefined
}

/** What came of it. */
export interface RevokedKeys {
  /** How many keys this call has revoked; those that were revoked before are not among them. */
  readonly revoked: number
}

const pageSize = 100
const whose = objectOf({ ownerId: hostText, reason: z.optional(reason) })

/**
 * Revokes every key of a user, those that have expired among them, each as `revokeKey` does. A key that was deleted
 * meanwhile needs no more revoking.
 */
export async function revokeAllKeys(
  context: ServiceContext,
  given: Actor,
  input: unknown,
  options: unknown,
): Promise<RevokedKeys> {
  if (!context.keySettings.lifecycle.revoke) throw new KeyrungError('operation_disabled')
  const { value, faults } = readFields(whose, input)
  const actor = await admitActor(context, given, 'list')
  if (!value) throw invalid('input_invalid', faults)
  const { ownerId, ...note } = value
  const workspaceId = workspaceOf(actor)
  let revoked = 0
  let before: string | undefined
  for (;;) {
    const filter = { workspaceId, ownerId, status: 'active', limit: pageSize } as const
    const rows = await context.store.listKeys({ ...filter, ...(before && { before }) })
    for (const row of rows) {
      const { id } = inWorkspace(row, workspaceId).key
      try {
        await revokeKey(context, given, id, note, options)
        revoked++
      } catch (error) {
        if (!isKeyrungError(error) || error.code !== 'not_found') throw error
      }
    }
    if (rows.length < pageSize) return { revoked }
    before = rows.at(-1)!.key.id
  }
}
