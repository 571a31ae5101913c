import type { Actor } from '../../core/actor.js'
import { invalid, KeyrungError } from '../../core/errors.js'
import { anyPlan } from '../../core/entitlement.js'
import type { KeyRecord } from '../../core/key.js'
import { changesRights, findWidenings } from '../../core/key-edit.js'
import { coversAddresses } from '../../net/address-cover.js'
import type { Change, Settable } from '../../ports/change.js'
import { prepareSweep } from '../approvals/sweep.js'
import type { ServiceContext } from '../context.js'
import { prepareChange } from './change.js'
import { commitParts } from './commit.js'
import { demandRights } from './coverage.js'
import { findForActor } from './found.js'
import { findHostFaults } from './host-rules.js'
import type { KeyFields, KeyInputs } from './input.js'
import { findLifetimeFaults } from './lifetime.js'
import { findLimitFaults, hasLooserLimits } from './limit-rights.js'
import { readEditOptions } from './options.js'
import { findPastedSecrets } from './pasted-secret.js'
import { countKey, demandPlan, findRoom } from './plan.js'
import { tried } from './tried.js'
import type { Tried } from './tried.js'
import { isExpired, toProposedKey } from './view.js'
import type { KeyView } from './view.js'
import { findWebhookFaults, leadsElsewhere } from './webhook.js'

/**
 * Changes a key that is still at the version it was read at.
 *
 * What only narrows or tightens, and a new name or metadata, is for everyone who may edit; all else needs
 * rights that cover the key as it will be. Changed rights are waited out, so that they hold everywhere when
 * this returns; a name decides nothing, and is not worth the wait.
 */
export async function editKey(
  context: ServiceContext,
  inputs: KeyInputs,
  given: Actor,
  id: unknown,
  input: unknown,
  options: unknown,
): Promise<KeyView> {
  let edition: Tried<KeyFields>
  const found = await findForActor(context, given, 'edit', id, (key, now) => {
    edition = tried(() => inputs.edit(input, key, now))
    return edition.value && toProposedKey(context.catalog, { ...key, ...edition.value })
  })
  const { version, origin } = readEditOptions(context, options)
  const before = found.row.key
  if (version !== before.version) throw new KeyrungError('conflict')
  const after: KeyRecord = { ...before, ...edition!.get() }
  const set = findChanges(before, after)
  if (Object.keys(set).length === 0) return found.view

  const { name, metadata } = set
  const faults = [
    ...findPastedSecrets(context, { name, metadata }),
    ...(await findLifetimeFaults(context, before, after)),
    ...findLimitFaults(context, set),
    ...findWebhookFaults(context, set),
    ...(await findHostFaults(context, before.workspaceId, set)),
  ]
  if (faults.length > 0) throw invalid('input_invalid', faults)
  const isWider =
    findWidenings(context.catalog, before, after, coversAddresses).length > 0 ||
    (await hasLooserLimits(context, before.workspaceId, before, after)) ||
    leadsElsewhere(before.webhook, after.webhook)
  const held = isWider ? await demandRights(context, found.actor, after) : []
  const { update, event, view } = prepareChange(context, found, 'key.edited', set, { origin })
  const decides = changesRights(before, after)
  const sweep = decides ? prepareSweep(context, before) : null
  const revival = await prepareRevival(context, before, after, found.now)
  const parts = { held, update, ...revival, event, sweep: sweep?.note ?? [] }
  const loss = await commitParts<keyof typeof parts>(context.store, parts)
  if (loss?.part === 'counter') throw new KeyrungError('key_limit_reached')
  if (loss !== null) {
    throw new KeyrungError(loss.part === 'update' && loss.why === 'missing' ? 'not_found' : 'conflict')
  }
  if (decides) await context.settle()
  await sweep?.run()
  return view
}

/** A key that has expired and is to be valid again uses up one of the plan's again. */
async function prepareRevival(
  context: ServiceContext,
  before: KeyRecord,
  after: KeyRecord,
  now: number,
): Promise<{ readonly revived: readonly Change[]; readonly counter: readonly Change[] }> {
  const { workspaceId } = before
  const isRevived = isExpired(before, now) && !isExpired(after, now)
  const { maxKeys } = isRevived ? await demandPlan(context, workspaceId) : anyPlan
  const room = maxKeys === null ? null : await findRoom(context, workspaceId, maxKeys, now)
  // It is one of those that were counted as expired.
  return room
    ? { revived: [room.revived], counter: [countKey(workspaceId, 0, room.max - 1)] }
    : { revived: [], counter: [] }
}

const editable = [
  'name',
  'mode',
  'scopes',
  'expiresAt',
  'notBefore',
  'addressRules',
  'metadata',
  'ownerId',
  'limits',
  'webhook',
] as const satisfies readonly (keyof KeyFields)[]

/** The columns that differ: only they are written. */
function findChanges(before: KeyRecord, after: KeyRecord): Settable<'key'> {
  const changed = editable.filter((field) => before[field] !== after[field])
  const set: Settable<'key'> = Object.fromEntries(changed.map((field) => [field, after[field]]))
  return set.name === undefined ? set : { ...set, nameSearch: set.name.toLowerCase() }
}
