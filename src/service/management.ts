import type { Actor, UserActor } from '../core/actor.js'
import { invalid, isKeyrungError, KeyrungError } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { isHostId, maxIdLength } from '../core/host-id.js'
import type { CredentialRow } from '../core/key.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { callerOf } from './approvals/caller.js'
import type { ServiceContext } from './context.js'
import { findInForce } from './credential-status.js'
import type { KeyVerb } from './key-settings.js'
import type { KeyView, ProposedKey } from './keys/view.js'
import { readPrincipal } from './principal.js'
import { attempt, errorWord } from './time-limit.js'
import { hookFailed, kindOf } from './hook-failure.js'

/** How long the host's `canManage` and its like may take, in milliseconds. */
const hookLimitMs = 5_000

type Rest = Pick<ServiceContext, 'catalog' | 'clock' | 'rights' | 'store' | 'keyFormat'>
type Needs = Rest & Pick<ServiceContext, 'keySettings'>

/** An actor that a hook has admitted. */
export interface Admitted {
  /** A copy whose role is the directory's where there is one. */
  readonly actor: Actor
  /** The credential as it is now, where the actor is a principal. */
  readonly credential: CredentialRow | null
}

/**
 * Decides whether an actor may do something to keys, and answers the actor to go on with: a copy whose role
 * is the directory's where there is one.
 *
 * Only `true` itself from `canManage` admits. A principal is admitted only while its secret and its key are
 * in force, read anew from the store, as principals may have been kept for long.
 *
 * @param key the key it is about, where it is about one
 * @param proposed what is to become of it, or what is to be made
 * @throws `actor_missing` without an actor; `input_invalid` for a malformed one; `forbidden`; `hook_failed`
 *   when a hook of the host's throws or takes too long; for principals also what `findInForce` throws
 */
export async function admitActor(
  context: Needs,
  actor: Actor,
  verb: KeyVerb,
  key?: KeyView,
  proposed?: ProposedKey,
): Promise<Actor> {
  const { canManage } = context.keySettings
  const ask = (known: Actor): MaybePromise<boolean> => canManage(known, verb, key, proposed)
  return (await admitBy(context, actor, 'canManage', ask)).actor
}

/**
 * The same by any hook of the host's.
 *
 * @param hook its name, for the operator
 */
export async function admitBy(
  context: Rest,
  given: Actor,
  hook: string,
  ask: (actor: Actor) => MaybePromise<boolean>,
): Promise<Admitted> {
  const actor = await withStanding(context, parseActor(given))
  // It was given to do something, not to hand on or to decide.
  if (actor.type === 'principal' && actor.principal.type === 'token') throw new KeyrungError('forbidden')
  if (actor.type !== 'principal') {
    await demandYes(context, hook, () => ask(actor))
    return { actor, credential: null }
  }
  const { secretId, address } = actor.principal
  const found = await findInForce(context, actor.principal).then(
    (credential) => {
      // What the hook looks at is the record's, not what was kept.
      const { principal } = callerOf(context, credential.key, { secretId, address })
      return { actor: Object.freeze<Actor>({ type: 'principal', principal }), credential }
    },
    (error: unknown) => ({ actor, credential: null, error }),
  )
  // Whom the host does not admit is told nothing of the key.
  await demandYes(context, hook, () => ask(found.actor))
  if (found.credential === null) throw found.error
  return found
}

/**
 * Asks a hook of the host's, from which only `true` itself admits.
 *
 * @throws `forbidden`, `hook_failed`
 */
export async function demandYes(
  { clock }: Pick<ServiceContext, 'clock'>,
  hook: string,
  ask: () => MaybePromise<boolean>,
): Promise<void> {
  const answer = await attempt(clock, hookLimitMs, ask)
  if (!answer.ok) throw hookFailed(hook, answer.why, answer.cause)
  if (answer.value === true) return
  if (answer.value !== false)
    throw hookFailed(hook, `answered ${kindOf(answer.value)}, must be true or false`)
  throw new KeyrungError('forbidden')
}

/** The user's role as the directory has it; without a directory the host's word stands. */
async function withStanding({ rights }: Rest, actor: Actor): Promise<Actor> {
  if (actor.type !== 'user' || !rights.hasDirectory) return actor
  const standing = await directoryStanding(rights, actor)
  if (standing === null) throw new KeyrungError('forbidden')
  return Object.freeze({ ...actor, role: standing.role })
}

async function directoryStanding(rights: Needs['rights'], actor: UserActor) {
  try {
    return await rights.ofUser(actor.id, actor.workspaceId)
  } catch (error) {
    throw isKeyrungError(error) ? error : hookFailed('directory.rightsOf', errorWord(error), error)
  }
}

/**
 * Reads an actor out of whatever the host handed in: a frozen copy with the known fields only, so that what
 * was checked is what is used.
 *
 * @throws `actor_missing` for null and undefined, `input_invalid` with every fault otherwise
 */
export function parseActor(value: unknown): Actor {
  if (value === null || value === undefined) throw new KeyrungError('actor_missing')
  try {
    const actor = copyActor(value as Actor)
    const faults = faultsOf(actor)
    if (faults.length > 0) throw invalid('input_invalid', faults)
    return Object.freeze(actor)
  } catch (error) {
    if (isKeyrungError(error)) throw error
    throw invalid('input_invalid', [{ path: 'actor', message: 'cannot be read' }])
  }
}

function copyActor(value: Actor): Actor {
  const { type } = value
  if (type === 'user') {
    const { id, workspaceId, role } = value
    return { type, id, workspaceId, role }
  }
  if (type === 'system') {
    const { name, workspaceId } = value
    return { type, name, workspaceId }
  }
  if (type === 'principal') {
    const principal = readPrincipal(value.principal)
    if (principal !== undefined) return { type, principal }
    throw invalid('input_invalid', [{ path: 'actor.principal', message: 'must be as it was authenticated' }])
  }
  throw invalid('input_invalid', [{ path: 'actor.type', message: "must be 'user', 'system' or 'principal'" }])
}

function faultsOf(actor: Actor): Fault[] {
  if (actor.type === 'principal') return []
  const { workspaceId } = actor
  const fields: [path: string, value: unknown][] =
    actor.type === 'user'
      ? [
          ['actor.id', actor.id],
          ['actor.role', actor.role],
        ]
      : [['actor.name', actor.name]]
  return [...fields, ['actor.workspaceId', workspaceId] as const]
    .filter(([, value]) => !isHostId(value))
    .map(([path]) => ({ path, message: `must be 1 to ${maxIdLength} characters of well-formed text` }))
}
