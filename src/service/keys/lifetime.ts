import type { Fault } from '../../core/errors.js'
import type { KeyRecord } from '../../core/key.js'
import { findLifetimeFault } from '../../core/lifetime.js'
import type { ServiceContext } from '../context.js'

type Lasting = Pick<KeyRecord, 'workspaceId' | 'createdAt' | 'expiresAt'>

/**
 * Finds what host and plan have against how long a key is to last. What shortens its life is fine with both, as they may
 * have become tighter since it was made.
 *
 * @param before null: it is still to be made
 * @throws KeyrungError `hook_failed`
 */
export async function findLifetimeFaults(
  { keySettings, rights }: Pick<ServiceContext, 'keySettings' | 'rights'>,
  before: Lasting | null,
  after: Lasting,
): Promise<Fault[]> {
  if (before && (after.expiresAt ?? Infinity) <= (before.expiresAt ?? Infinity)) return []
  const { lifetime } = await rights.ofWorkspace(after.workspaceId)
  const message = findLifetimeFault(keySettings.lifetime, lifetime, after, (at) => new Date(at).toISOString())
  return message === null ? [] : [{ path: 'expiresAt', message }]
}
