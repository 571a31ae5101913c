import { formatActor, workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import { KeyrungError } from '../../core/errors.js'
import { sha256 } from '../../crypto/digest.js'
import { toHex } from '../../crypto/encoding.js'
import type { Change, IdempotencyRecord } from '../../ports/change.js'
import type { ServiceContext } from '../context.js'
import type { KeyFields } from './input.js'

/** How long a creation can be repeated, in milliseconds. */
const idempotencyMs = 86_400_000

/** A creation's claim to happen once. */
export interface IdempotencyClaim {
  readonly id: string
  readonly workspaceId: string
  readonly fingerprint: string
}

/** What there is under a claim: the id of what was made, or the change that makes it the claim's own. */
export type Claimed =
  | { readonly resultId: string; readonly settle?: undefined }
  | { readonly resultId?: undefined; readonly settle: (resultId: string) => Change }

/** The claim of an actor to make a key of these fields once under a key of its own choosing. */
export function claimCreation(actor: Actor, idempotencyKey: string, fields: KeyFields): IdempotencyClaim {
  const workspaceId = workspaceOf(actor)
  const { name, environment, mode, scopes, expiresAt, notBefore, addressRules, metadata, ownerId } = fields
  // Left out where there are none, so that a claim from before there were limits and webhooks is still recognised.
  const limits = [fields.limits, fields.webhook].filter((field) => field !== null)
  return {
    id: digestOf(['create key', workspaceId, formatActor(actor), idempotencyKey]),
    workspaceId,
    fingerprint: digestOf(
      [name, environment, mode, scopes, expiresAt, notBefore, addressRules, metadata, ownerId, ...limits].map(
        (value) => (value === null ? 'null' : `${typeof value} ${value}`),
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
  const fresh = { fingerprint: claim.fingerprint, expiresAt: now + idempotencyMs }
  if (!record) {
    return { settle: (resultId) => insertion({ ...claim, ...fresh, version: 1, resultId }) }
  }
  if (record.id !== claim.id || record.workspaceId !== claim.workspaceId) {
    throw new KeyrungError('store_unavailable', { internal: 'the store answered with another claim' })
  }
  if (record.expiresAt <= now) {
    const { id, version: expectVersion } = record
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
  if (record.fingerprint !== claim.fingerprint) throw new KeyrungError('idempotency_mismatch')
  return { resultId: record.resultId }
}

function insertion(record: IdempotencyRecord): Change {
  return { do: 'insert', type: 'idempotency', record }
}

/** A digest over several texts, each with its length before it, so that no two lists share their bytes. */
function digestOf(texts: readonly string[]): string {
  return toHex(sha256(texts.map((text) => `${text.length}:${text}`).join('')))
}
