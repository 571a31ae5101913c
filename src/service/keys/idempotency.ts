import { formatActor, workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import { KeyrungError } from '../../core/errors.js'
import type { Fingerprints } from '../../crypto/fingerprint.js'
import { digestTexts } from '../../crypto/request-digest.js'
import type { Change, IdempotencyRecord } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'
import type { KeyFields } from './input.js'

/** How long a creation can be repeated, in milliseconds. */
const idempotencyMs = 86_400_000

/** A creation's claim to happen once. */
export interface IdempotencyClaim {
  readonly id: string
  readonly workspaceId: string
  /** What was entered, under each of the host's secrets, the current first. */
  readonly fingerprints: ReturnType<Fingerprints>
}

/** What there is under a claim: the id of what was made, or the change that makes it the claim's own. */
export type Claimed =
  | { readonly resultId: string; readonly settle?: undefined }
  | { readonly resultId?: undefined; readonly settle: (resultId: string) => Change }

/** The claim of an actor to make a key of these fields once under a key of its own choosing. */
export function claimCreation(
  { fingerprints }: Pick<ServiceContext, 'fingerprints'>,
  actor: Actor,
  idempotencyKey: string,
  fields: KeyFields,
): IdempotencyClaim {
  const workspaceId = workspaceOf(actor)
  const { name, environment, mode, scopes, expiresAt, notBefore, addressRules, metadata, ownerId } = fields
  const { limits, webhook } = fields
  return {
    id: digestTexts(['create key', workspaceId, formatActor(actor), idempotencyKey]),
    workspaceId,
    fingerprints: fingerprints(
      digestTexts(
        [
          ...[name, environment, mode, scopes, expiresAt, notBefore, addressRules, metadata, ownerId],
          ...[limits, webhook],
        ].map((value) => (value === null ? 'null' : `${typeof value} ${value}`)),
      ),
    ),
  }
}

/**
 * Looks for what was made under a claim within the last 24 hours.
 *
 * @throws KeyrungError `idempotency_mismatch` if it was made of another input
 */
export async function findClaimed(
  { store }: Pick<ServiceContext, 'store'>,
  claim: IdempotencyClaim,
  now: number,
): Promise<Claimed> {
  const record = await store.findIdempotency(claim.id)
  const { id, workspaceId, fingerprints } = claim
  const fresh = { fingerprint: fingerprints[0], expiresAt: now + idempotencyMs }
  if (!record) {
    return { settle: (resultId) => insertion({ id, workspaceId, ...fresh, version: 1, resultId }) }
  }
  if (record.id !== id || record.workspaceId !== workspaceId) {
    throw new KeyrungError('store_unavailable', { internal: 'the store answered with another claim' })
  }
  if (record.expiresAt <= now) {
    const { version: expectVersion } = record
    return {
      settle: (resultId) => ({
        do: 'update',
        type: 'idempotency',
        id,
        expectVersion,
        set: { ...fresh, resultId },
      }),
    }
  }
  if (!fingerprints.includes(record.fingerprint)) throw new KeyrungError('idempotency_mismatch')
  return { resultId: record.resultId }
}

function insertion(record: IdempotencyRecord): Change {
  return { do: 'insert', type: 'idempotency', record }
}
