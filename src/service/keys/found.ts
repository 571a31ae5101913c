import { workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import { KeyrungError } from '../../core/errors.js'
import { isId } from '../../core/id.js'
import type { KeyRecord, KeyRow, KeySecretRecord } from '../../core/key.js'
import type { ServiceContext } from '../context.js'
import type { KeyVerb, LifecycleSwitches } from '../key-settings.js'
import { admitActor, parseActor } from '../management.js'
import { toKeyView } from './view.js'
import type { KeyView, ProposedKey } from './view.js'

/** A key that an actor was admitted to do something to. */
export interface FoundKey {
  /** As it was admitted: with the directory's role. */
  readonly actor: Actor
  readonly row: KeyRow
  readonly view: KeyView
  /** When it was looked up, in milliseconds since 1970. */
  readonly now: number
}

/**
 * Looks up a key of the actor's own workspace and admits the actor to it.
 *
 * Another workspace's key, an unknown id and a malformed one are one and the same: there is no such thing
 * for those who may manage keys, and nothing at all for everyone else.
 *
 * @param propose what is to become of the key, where that can be told
 * @throws KeyrungError `not_found`, `operation_disabled`, and what `admitActor` throws
 */
export async function findForActor(
  context: ServiceContext,
  given: Actor,
  verb: KeyVerb,
  id: unknown,
  propose?: (key: KeyRecord, now: number) => ProposedKey | undefined,
): Promise<FoundKey> {
  const actor = parseActor(given)
  if (isSwitch(context.keySettings.lifecycle, verb) && !context.keySettings.lifecycle[verb]) {
    throw new KeyrungError('operation_disabled')
  }
  const row = await readKey(context, workspaceOf(actor), id)
  if (!row) {
    await admitActor(context, actor, verb)
    throw new KeyrungError('not_found')
  }
  const now = context.clock.now()
  const view = toKeyView(context.catalog, row, now, context.notify)
  const proposed = propose?.(row.key, now)
  return { actor: await admitActor(context, actor, verb, view, proposed), row, view, now }
}

/**
 * Reads a key of a workspace; `undefined` for any id that is none of its own.
 *
 * @throws KeyrungError `store_unavailable`, also for an answer that was not asked for
 */
export async function readKey(
  { store }: Pick<ServiceContext, 'store'>,
  workspaceId: string,
  id: unknown,
): Promise<KeyRow | undefined> {
  if (!isId('key', id)) return undefined
  const row = await store.findKey(workspaceId, id)
  if (row && row.key.id !== id) throw strayRecord()
  return row && inWorkspace(row, workspaceId)
}

/** A secret of a key as it is now; one that is not kept any more has ended. */
export function secretOf({ secrets }: KeyRow, id: string | null): Pick<KeySecretRecord, 'endsAt'> {
  return secrets.find((secret) => secret.id === id) ?? { endsAt: 0 }
}

/** Lets a row through that belongs to a workspace. */
export function inWorkspace(row: KeyRow, workspaceId: string): KeyRow {
  if (row.key.workspaceId !== workspaceId) throw strayRecord()
  return row
}

function strayRecord(): KeyrungError {
  return new KeyrungError('store_unavailable', {
    internal: 'the store answered with a key that was not asked for',
  })
}

function isSwitch(lifecycle: LifecycleSwitches, verb: KeyVerb): verb is keyof LifecycleSwitches & KeyVerb {
  return Object.hasOwn(lifecycle, verb)
}
