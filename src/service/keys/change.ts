import type { KeyAction } from '../../core/audit.js'
import { snapshotKey } from '../../core/audit.js'
import type { KeyRecord, KeySecretRecord } from '../../core/key.js'
import type { Change, Settable } from '../../ports/change.js'
import type { ChangeOrigin } from '../change-origin.js'
import type { ServiceContext } from '../context.js'
import { changeEvent } from '../outbox.js'
import type { FoundKey } from './found.js'
import { toKeyView } from './view.js'
import type { KeyView } from './view.js'

/** Why and by which request a key is changed. */
export interface ChangeNote {
  readonly reason?: string | null
  readonly origin?: ChangeOrigin
  readonly graceEndsAt?: number
}

/** A change to a key's own record, ready to be committed. */
export interface KeyChange {
  /** The update itself: it writes the named columns only, and only over the version that was read. */
  readonly update: Change
  /** Its audit event. */
  readonly event: readonly Change[]
  /** The key as it is after the commit. */
  readonly view: KeyView
}

/** Prepares a change to a key, its event and what it will look like. */
export function prepareChange(
  context: ServiceContext,
  { actor, row, now }: Pick<FoundKey, 'actor' | 'row' | 'now'>,
  action: KeyAction,
  set: Settable<'key'>,
  note: ChangeNote,
  secrets: readonly KeySecretRecord[] = row.secrets,
): KeyChange {
  const { id, version } = row.key
  const columns = { ...set, updatedAt: now }
  const after: KeyRecord = { ...row.key, ...columns, version: version + 1 }
  const made = {
    actor,
    action,
    target: after,
    before: snapshotKey(row.key),
    after: snapshotKey(after),
    ...note,
  }
  return {
    update: { do: 'update', type: 'key', id, expectVersion: version, set: columns },
    event: changeEvent(context, made, now),
    view: toKeyView(context.catalog, { ...row, key: after, secrets }, now),
  }
}
