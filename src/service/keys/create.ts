import { formatActor, workspaceOf } from '../../core/actor.js'
import type { Actor } from '../../core/actor.js'
import { snapshotKey } from '../../core/audit.js'
import { invalid, KeyrungError } from '../../core/errors.js'
import { usualExpiry } from '../../core/lifetime.js'
import { formatId, idEntropyBytes } from '../../core/id.js'
import type { KeyRecord } from '../../core/key.js'
import type { Change } from '../../ports/change.js'
import type { ChangeOrigin } from '../change-origin.js'
import type { ServiceContext } from '../context.js'
import { admitActor, parseActor } from '../management.js'
import { changeEvent } from '../outbox.js'
import { commitParts } from './commit.js'
import { demandRights } from './coverage.js'
import { readKey } from './found.js'
import { findHostFaults } from './host-rules.js'
import { claimCreation, findClaimed } from './idempotency.js'
import type { IdempotencyClaim } from './idempotency.js'
import type { KeyFields, KeyInputs } from './input.js'
import { findLifetimeFaults } from './lifetime.js'
import { findLimitFaults } from './limit-rights.js'
import { mintSecret, mostMints } from './mint.js'
import { readCreateOptions } from './options.js'
import { findPastedSecrets } from './pasted-secret.js'
import { countKey, demandPlan, findRoom } from './plan.js'
import { tried } from './tried.js'
import { toKeyView, toProposedKey } from './view.js'
import type { KeyView } from './view.js'
import { findWebhookFaults, showSigningSecret } from './webhook.js'

/** A key that was just made. */
export interface CreatedKey {
  readonly key: KeyView
  /** Shown this once; it cannot be had again. */
  readonly secret: string
  /** What its webhook is signed with, shown this once; null where it has none. */
  readonly webhookSecret: string | null
  readonly repeated: false
}

/** A key that was made by an earlier request under the same idempotency key. */
export interface RepeatedKey {
  readonly key: KeyView
  readonly secret: null
  readonly webhookSecret: null
  readonly repeated: true
}

/**
 * Makes a key and its secret.
 *
 * Nothing is waited out afterwards: nobody can have asked for a secret that did not exist, so no instance
 * keeps an older answer about it.
 */
export async function createKey(
  context: ServiceContext,
  inputs: KeyInputs,
  given: Actor,
  input: unknown,
  options: unknown,
): Promise<CreatedKey | RepeatedKey> {
  const asking = parseActor(given)
  const workspaceId = workspaceOf(asking)
  const { lifetime } = await context.rights.ofWorkspace(workspaceId)
  const now = context.clock.now()
  const usual = usualExpiry(context.keySettings.lifetime, lifetime, now)
  const creation = tried(() => inputs.create(input, now, usual))
  const wanted = creation.value && { workspaceId, ...creation.value.fields }
  const proposed = wanted && toProposedKey(context.catalog, wanted)
  const actor = await admitActor(context, asking, 'create', undefined, proposed)
  const { origin, idempotencyKey } = readCreateOptions(context, options)
  const { fields, entered, timeFaults } = creation.get()
  const claim = idempotencyKey === null ? null : claimCreation(context, actor, idempotencyKey, entered)

  // A repetition comes first: whatever has changed since, the key was made.
  const earlier = claim && (await findEarlier(context, claim))
  if (earlier?.key) return repeat(earlier.key)
  const { name, metadata } = fields
  const faults = [
    ...timeFaults,
    ...(await findLifetimeFaults(context, null, { ...fields, workspaceId, createdAt: now })),
    ...findPastedSecrets(context, { name, metadata }),
    ...findLimitFaults(context, fields),
    ...findWebhookFaults(context, fields),
    ...(await findHostFaults(context, workspaceId, fields)),
  ]
  if (faults.length > 0) throw invalid('input_invalid', faults)
  return commitCreation(context, { actor, fields, claim, settle: earlier?.settle ?? null, origin })
}

interface CreationPlan {
  readonly actor: Actor
  readonly fields: KeyFields
  readonly claim: IdempotencyClaim | null
  readonly settle: ((resultId: string) => Change) | null
  readonly origin: ChangeOrigin
}

async function commitCreation(
  context: ServiceContext,
  creation: CreationPlan,
): Promise<CreatedKey | RepeatedKey> {
  const { actor, fields, claim, origin } = creation
  const { catalog, store, entropy, clock } = context
  const workspaceId = workspaceOf(actor)
  const plan = await demandPlan(context, workspaceId)
  const held = await demandRights(context, actor, fields)
  let { settle } = creation
  let max = plan.maxKeys
  let unrevived: readonly Change[] = []
  for (let attempt = 0; attempt < mostMints; attempt++) {
    const now = clock.now()
    const key = newKey(formatId('key', now, entropy(idEntropyBytes)), actor, fields, now)
    const minted = mintSecret(context, key, now)
    const after = snapshotKey(key)
    const made = { actor, action: 'key.created', target: key, before: null, after, origin } as const
    const loss = await commitParts(store, {
      // Before the counter, so that a repetition is told from a key too many.
      claim: settle ? [settle(key.id)] : [],
      held,
      key: { do: 'insert', type: 'key', record: key },
      secret: minted.change,
      room: unrevived,
      counter: countKey(workspaceId, 1, max),
      event: changeEvent(context, made, now),
    })
    if (loss === null) {
      const view = toKeyView(catalog, { key, secrets: [minted.record], lastUsedAt: null }, now)
      const webhookSecret = showSigningSecret(context, key)
      return { key: view, secret: minted.secret, webhookSecret, repeated: false }
    }
    if (loss.part === 'counter' || loss.part === 'room') {
      const isFull = loss.part === 'counter' && unrevived.length > 0
      const room = isFull ? null : await findRoom(context, workspaceId, plan.maxKeys!, now)
      if (room === null) throw new KeyrungError('key_limit_reached')
      max = room.max
      unrevived = [room.unrevived]
    }
    if (loss.part === 'held') throw new KeyrungError('conflict')
    if (loss.part === 'claim' && claim) {
      const earlier = await findEarlier(context, claim)
      if (earlier.key) return repeat(earlier.key)
      settle = earlier.settle
    }
  }
  throw new KeyrungError('store_unavailable', { internal: 'no new id or digest was free' })
}

type Earlier =
  | { readonly key: KeyView; readonly settle?: undefined }
  | { readonly key?: undefined; readonly settle: (resultId: string) => Change }

/** The key made under a claim; `not_found` if it has been deleted since, as it is not made anew. */
async function findEarlier(context: ServiceContext, claim: IdempotencyClaim): Promise<Earlier> {
  const now = context.clock.now()
  const { resultId, settle } = await findClaimed(context, claim, now)
  if (settle) return { settle }
  const row = await readKey(context, claim.workspaceId, resultId)
  if (!row) throw new KeyrungError('not_found')
  return { key: toKeyView(context.catalog, row, now) }
}

function repeat(key: KeyView): RepeatedKey {
  return { key, secret: null, webhookSecret: null, repeated: true }
}

function newKey(id: string, actor: Actor, fields: KeyFields, now: number): KeyRecord {
  return {
    id,
    workspaceId: workspaceOf(actor),
    version: 1,
    ...fields,
    nameSearch: fields.name.toLowerCase(),
    status: 'active',
    revokedAt: null,
    revokedBy: null,
    revokedReason: null,
    createdBy: formatActor(actor),
    createdAt: now,
    updatedAt: now,
    revocations: 0,
  }
}
