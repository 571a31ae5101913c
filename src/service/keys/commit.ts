import { KeyrungError } from '../../core/errors.js'
import type { Change, CommitResult } from '../../ports/change.js'
import type { Store } from '../../ports/store.js'

/** Why a commit was refused, and which named part of it could not be made. */
export interface Loss<P extends string> {
  readonly part: P
  readonly why: Extract<CommitResult, { ok: false }>['why']
}

/**
 * Makes all parts in the order they are named in, or none of them; null when they are made.
 *
 * @throws KeyrungError `store_unavailable`
 */
export async function commitParts<P extends string>(
  store: Pick<Store, 'commit'>,
  parts: Readonly<Record<P, Change | readonly Change[]>>,
): Promise<Loss<P> | null> {
  const names: P[] = []
  const changes: Change[] = []
  for (const name of Object.keys(parts) as P[]) {
    for (const change of [parts[name]].flat()) {
      names.push(name)
      changes.push(change)
    }
  }
  const result = await store.commit(changes)
  if (result.ok) return null
  const part = names[result.failed]
  if (part === undefined) {
    throw new KeyrungError('store_unavailable', { internal: 'a commit failed at a change it does not have' })
  }
  return { part, why: result.why }
}

/** How often something that another writer can spoil is tried, where it has to win in the end. */
export const mostAttempts = 1_000

/** The error for a store that lets nobody win, however often it is asked. */
export function neverCommitted(): KeyrungError {
  return new KeyrungError('store_unavailable', { internal: `a commit lost ${mostAttempts} times in a row` })
}
