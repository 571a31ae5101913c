import type { Actor, SystemActor } from '../../core/actor.js'
import { Credential } from '../../core/credential.js'
import { KeyrungError } from '../../core/errors.js'
import { ownProperties } from '../../core/own-properties.js'
import { splitDigests } from '../../crypto/digest.js'
import type { ServiceContext } from '../context.js'
import { anyAddress, judgeCredential, malformedRecord } from '../credential-status.js'
import { admitActor, parseActor } from '../management.js'
import { readKey } from './found.js'
import { toKeyView } from './view.js'

/** The host itself; without a workspace it means all of them. */
export type IdentifyingActor =
  SystemActor | (Omit<SystemActor, 'workspaceId'> & { readonly workspaceId?: undefined })

/** The key that a secret belongs to, and what the secret is still good for. */
export interface IdentifiedKey {
  readonly id: string
  readonly name: string
  readonly workspaceId: string
  readonly environment: string
  readonly ownerId: string | null
  /** The secret by its id, which is no secret. */
  readonly secretId: string
  /**
   * Whether the secret opens anything now, whatever the key's address list says: `rotated` is a secret that was replaced and
   * has ended, though the key may be active.
   */
  readonly status: 'active' | 'not_yet_valid' | 'expired' | 'rotated' | 'revoked'
}

const statuses = {
  key_revoked: 'revoked',
  key_expired: 'expired',
  secret_rotated: 'rotated',
  key_not_yet_valid: 'not_yet_valid',
} as const

/**
 * Finds the key of a secret that turned up somewhere, straight from the store, without using it: nothing is counted,
 * charged or renewed.
 */
export async function identifyKey(
  context: ServiceContext,
  given: IdentifyingActor,
  secret: unknown,
): Promise<IdentifiedKey> {
  const { catalog, clock, keyFormat, peppers, store } = context
  const actor = parseHost(given)
  const unknown = new KeyrungError('not_found')
  if (keyFormat.parse(secret) === undefined) throw unknown
  const asked = splitDigests(peppers.candidates(secret as string))
  const [found] = await store.findCredentials(asked)
  if (found === undefined) throw unknown
  const credential = Credential.from(found)
  if (credential === undefined || !asked.includes(credential.digest)) throw malformedRecord()
  const { key, secret: kept } = credential
  const { id, name, workspaceId, environment, ownerId } = key
  if (actor.workspaceId !== everywhere && actor.workspaceId !== workspaceId) throw unknown
  const row = await readKey(context, workspaceId, id)
  if (row === undefined) throw unknown
  const now = clock.now()
  const view = toKeyView(catalog, row, now)
  await admitActor(context, Object.freeze({ ...actor, workspaceId }), 'get', view)
  const refusal = judgeCredential(credential, now, anyAddress, keyFormat)
  if (refusal === 'credential_invalid' || refusal === 'address_denied') throw unknown
  const status = refusal === undefined ? 'active' : statuses[refusal]
  return { id, name, workspaceId, environment, ownerId, secretId: kept.id, status }
}

/** No id of a workspace: those are well-formed text. */
const everywhere = Symbol('everywhere')

type Host = Omit<SystemActor, 'workspaceId'> & { readonly workspaceId: string | typeof everywhere }

/** @throws KeyrungError `actor_missing`, `input_invalid`, `forbidden` for other actors than the host */
function parseHost(given: unknown): Host {
  const fields = ownProperties(given)
  const isEverywhere = fields?.get('type') === 'system' && fields.get('workspaceId') === undefined
  const actor: Actor = parseActor(
    isEverywhere ? { type: 'system', name: fields.get('name'), workspaceId: 'any' } : given,
  )
  if (actor.type !== 'system') throw new KeyrungError('forbidden')
  return isEverywhere ? { ...actor, workspaceId: everywhere } : actor
}
