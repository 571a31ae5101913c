import type { Actor } from '../../core/actor.js'
import { KeyrungError } from '../../core/errors.js'
import type { KeyRecord, KeySecretRecord } from '../../core/key.js'
import type { Change } from '../../ports/change.js'
import type { ChangeOrigin } from '../change-origin.js'
import type { ServiceContext } from '../context.js'
import { noteGrace, prepareSweep } from '../approvals/sweep.js'
import { prepareChange } from './change.js'
import { commitParts } from './commit.js'
import { demandRights } from './coverage.js'
import { findForActor, readKey } from './found.js'
import type { FoundKey } from './found.js'
import { mintSecret } from './mint.js'
import { readRotation } from './options.js'
import { demandPlan } from './plan.js'
import { livingSecrets } from './view.js'
import type { KeyView } from './view.js'

/** A key with its new secret. */
export interface RotatedKey {
  readonly key: KeyView
  /** Shown this once; it cannot be had again. */
  readonly secret: string
}

/** How often a rotation is tried again because of what is no change of the key: a digest renewed meanwhile. */
const mostTries = 10

/**
 * Gives a key a new secret and lets the old one work on for a grace period; one that was in its grace period
 * already ends at once. Approvals asked for with a secret are canceled when it ends. Of several rotations at once, one wins and the others get `conflict`.
 */
export async function rotateKey(
  context: ServiceContext,
  given: Actor,
  id: unknown,
  input: unknown,
  options: unknown,
): Promise<RotatedKey> {
  const found = await findForActor(context, given, 'rotate', id)
  const { graceMs, reason, origin } = readRotation(context, input, options)
  const { key } = found.row
  demandActive(key, found.now)
  await demandPlan(context, key.workspaceId)
  const held = await demandRights(context, found.actor, key)
  let { row, now } = found
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const rotation = planRotation(context, { ...found, row, now }, { graceMs, reason, origin })
    const { update, secrets, event, view, secret } = rotation
    const sweep = prepareSweep(context, row.key)
    const later = graceMs > 0 ? noteGrace(context, row.key, now + graceMs) : []
    const notes = [...sweep.note, ...later]
    const loss = await commitParts(context.store, { held, update, secrets, event, notes })
    if (loss === null) {
      await context.settle()
      await sweep.run()
      return { key: view, secret }
    }
    if (loss.why === 'late') throw new KeyrungError('key_not_active')
    if (loss.part === 'held') break
    const next = await readKey(context, key.workspaceId, key.id)
    if (!next) throw new KeyrungError('not_found')
    if (next.key.version !== key.version) break
    row = next
    now = context.clock.now()
  }
  throw new KeyrungError('conflict')
}

function demandActive(key: KeyRecord, now: number): void {
  const isExpired = key.expiresAt !== null && now >= key.expiresAt
  if (key.status !== 'active' || isExpired) throw new KeyrungError('key_not_active')
}

/** An end that lies behind every clock: for an instance whose clock lags, one of this moment would still be to come. */
const overForAll = 0

function planRotation(
  context: ServiceContext,
  found: FoundKey,
  how: { readonly graceMs: number; readonly reason: string | null; readonly origin: ChangeOrigin },
) {
  const { row, now } = found
  const { graceMs, ...note } = how
  const minted = mintSecret(context, row.key, now)
  const graceEndsAt = now + graceMs
  const ended = livingSecrets(row, now).map((old): KeySecretRecord => {
    // One that has an end already is in its grace period: there are never three.
    const endsAt = old.endsAt === null && graceMs > 0 ? graceEndsAt : overForAll
    return { ...old, version: old.version + 1, endsAt }
  })
  const secrets = [minted.record, ...ended]
  const change = prepareChange(context, found, 'key.rotated', {}, { ...note, graceEndsAt }, secrets)
  return {
    ...change,
    update: withDeadline(change.update, row.key.expiresAt),
    secrets: [...ended.map(endingOf), minted.change],
    secret: minted.secret,
  }
}

function endingOf({ id, version, endsAt }: KeySecretRecord): Change {
  return { do: 'update', type: 'secret', id, expectVersion: version - 1, set: { endsAt } }
}

/** Makes an expiry that comes between reading and writing a part of the condition. */
function withDeadline(change: Change, before: number | null): Change {
  return before === null ? change : { ...change, before }
}
