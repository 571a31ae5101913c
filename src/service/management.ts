import { workspaceOf } from '../core/actor.js'
import type { Actor, UserActor } from '../core/actor.js'
import { Credential } from '../core/credential.js'
import { invalid, isKeyrungError, KeyrungError } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import type { CredentialRow } from '../core/key.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Principal } from '../core/principal.js'
import { refuseUse } from './acceptance.js'
import type { ServiceContext } from './context.js'
import { readPrincipal } from './kept-principal.js'
import type { KeyVerb } from './key-settings.js'
import type { KeyView } from './keys/view.js'
import { attempt } from './time-limit.js'

/** How long the host's `canManage` and its like may take, in milliseconds. */
const hookLimitMs = 5_000

/** The most characters of an id that the host gives: `type:id` must fit a column of 255. */
const maxIdLength = 240

type Rest = Pick<ServiceContext, 'clock' | 'rights' | 'store' | 'keyFormat'>
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
 * @throws `actor_missing` without an actor; `input_invalid` for a malformed one; `forbidden`; `hook_failed`
 *   when a hook of the host's throws or takes too long; for principals also `credential_invalid`,
 *   `key_revoked`, `key_expired`, `key_not_yet_valid` and `store_unavailable`
 */
export async function admitActor(context: Needs, actor: Actor, verb: KeyVerb, key?: KeyView): Promise<Actor> {
  const { canManage } = context.keySettings
  return (await admitBy(context, actor, 'canManage', (known) => canManage(known, verb, key))).actor
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
  await demandYes(context, hook, () => ask(actor))
  return {
    actor,
    credential: actor.type === 'principal' ? await findInForce(context, actor.principal) : null,
  }
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
  if (!answer.ok) throw new KeyrungError('hook_failed', { internal: `${hook}: ${answer.why}` })
  if (answer.value !== true) throw new KeyrungError('forbidden')
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
    throw isKeyrungError(error) ? error : new KeyrungError('hook_failed')
  }
}

/**
 * A principal's secret and key as they are now.
 *
 * @throws `credential_invalid`, `key_revoked`, `key_expired`, `key_not_yet_valid`, `address_denied`, `store_unavailable`
 */
export async function findInForce(
  { store, clock, keyFormat }: Pick<ServiceContext, 'store' | 'clock' | 'keyFormat'>,
  principal: Principal,
): Promise<CredentialRow> {
  if (principal.type === 'token' && !(clock.now() < principal.expiresAt))
    throw new KeyrungError('token_expired')
  const row = await store.findCredentialById(principal.secretId)
  const credential = row && Credential.from(row)
  const { keyId, workspaceId } = principal
  if (!credential || credential.key.id !== keyId || credential.key.workspaceId !== workspaceId) {
    throw new KeyrungError('credential_invalid')
  }
  const code = refuseUse(credential, {
    now: clock.now(),
    address: principal.address ?? undefined,
    keyFormat,
  })
  if (code !== undefined) throw new KeyrungError(code)
  return credential
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
    return { type, principal: copyPrincipal(value.principal) }
  }
  throw invalid('input_invalid', [{ path: 'actor.type', message: "must be 'user', 'system' or 'principal'" }])
}

function copyPrincipal(value: unknown): Principal {
  const principal = readPrincipal(value)
  if (principal !== undefined) return principal
  throw invalid('input_invalid', [
    { path: 'actor.principal', message: 'must be a principal as keyrung returned it, with every member' },
  ])
}

function faultsOf(actor: Actor): Fault[] {
  const fields: [path: string, value: unknown][] =
    actor.type === 'user'
      ? [
          ['actor.id', actor.id],
          ['actor.role', actor.role],
        ]
      : actor.type === 'system'
        ? [['actor.name', actor.name]]
        : [
            ['actor.principal.keyId', actor.principal.keyId],
            ['actor.principal.secretId', actor.principal.secretId],
          ]
  fields.push([
    actor.type === 'principal' ? 'actor.principal.workspaceId' : 'actor.workspaceId',
    workspaceOf(actor),
  ])
  return fields
    .filter(([, value]) => !isHostId(value))
    .map(([path]) => ({ path, message: `must be 1 to ${maxIdLength} characters of well-formed text` }))
}

/** Lone surrogates and NUL are refused, as databases fold or cut them: two ids would become one. */
export function isHostId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= maxIdLength &&
    !/[\0\p{Surrogate}]/u.test(value)
  )
}
