import { eventRecord } from '../../core/audit.js'
import type { AuditEvent, KeySnapshot } from '../../core/audit.js'
import { KeyrungError } from '../../core/errors.js'
import { formatLimits } from '../../core/key-limits.js'
import type { KeyMode, KeyRecord, KeyRow } from '../../core/key.js'
import { parseLimits } from '../../core/limit.js'
import { webhookOrigin } from '../../core/webhook.js'
import type { Change, Settable } from '../../ports/change.js'
import { prepareSweep } from '../approvals/sweep.js'
import type { ServiceContext } from '../context.js'
import { commitParts } from '../keys/commit.js'
import { removal } from '../keys/delete.js'
import { readKey } from '../keys/found.js'
import { countKey } from '../keys/plan.js'

/** An event of a key. */
export type KeyEvent = Extract<AuditEvent, { readonly target: { readonly type: 'key' } }>

/** What came of an event of a key: `lost`: the store does not have the key, as it was made later. */
export type KeyResult = 'created' | 'edited' | 'rotated' | 'revoked' | 'activated' | 'deleted' | 'lost'

/** What a human has to see to: the trail does not hold what it was. */
export type KeyLoss = 'secret_lost' | 'webhook_lost'

/** How often a change is tried again that another writer has spoiled: nobody else should be writing. */
const mostTries = 5

/** An end that lies behind every clock. */
const overForAll = 0

/**
 * Makes a forgotten change of a key again, in one commit with its event.
 *
 * @throws KeyrungError `store_unavailable`; `conflict` where others are writing
 */
export async function redoKey(
  context: ServiceContext,
  event: KeyEvent,
): Promise<{ readonly result: KeyResult; readonly losses: readonly KeyLoss[] }> {
  const told: Change = { do: 'insert', type: 'event', record: eventRecord(event) }
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const row = await readKey(context, event.workspaceId, event.target.id)
    const redone = row && planKey(row, event)
    const changes: readonly Change[] = redone?.changes ?? []
    const note = row && redone && event.action !== 'key.deleted' ? prepareSweep(context, row.key).note : []
    const loss = await commitParts(context.store, { changes, note, told })
    const losses = redone?.losses ?? []
    const result = row === undefined ? 'lost' : (event.action.slice('key.'.length) as KeyResult)
    if (loss === null) return { result, losses }
  }
  throw new KeyrungError('conflict')
}

interface Redone {
  readonly changes: readonly Change[]
  readonly losses: readonly KeyLoss[]
}

function planKey(row: KeyRow, event: KeyEvent): Redone {
  const { key } = row
  const { action, at, actor, reason, after } = event
  const update = (set: Settable<'key'>): Change => ({
    ...{ do: 'update', type: 'key', id: key.id, expectVersion: key.version },
    set: { ...set, updatedAt: at },
  })
  switch (action) {
    case 'key.deleted':
      return { changes: Object.values(removal(row, at)).flat(), losses: [] }
    case 'key.revoked': {
      const revoked = { revokedAt: at, revokedBy: actor, revokedReason: reason }
      const set = { status: 'revoked', revocations: key.revocations + 1, ...revoked } as const
      const counter = key.status === 'active' ? [countKey(key.workspaceId, -1, null)] : []
      return { changes: [update(set), ...counter], losses: [] }
    }
    case 'key.activated': {
      const set = { status: 'active', revokedAt: null, revokedBy: null, revokedReason: null } as const
      const counter = key.status === 'active' ? [] : [countKey(key.workspaceId, 1, null)]
      return { changes: [update(set), ...counter], losses: [] }
    }
    case 'key.rotated':
      return { changes: [update({}), ...endSecrets(row, event)], losses: ['secret_lost'] }
    case 'key.edited': {
      const set = after === null ? {} : fieldsOf(key, after)
      const isMoved = after !== null && after.webhook !== null && set.webhook === null
      return { changes: [update(set)], losses: isMoved ? ['webhook_lost'] : [] }
    }
    default:
      return { changes: [], losses: [] }
  }
}

/** The secrets end as the rotation ended them; the one that it made is known to nobody here. */
function endSecrets({ secrets }: KeyRow, { at, graceEndsAt }: KeyEvent): readonly Change[] {
  return secrets.map((secret): Change => {
    const hasGrace = secret.endsAt === null && graceEndsAt !== null && graceEndsAt > at
    const endsAt = hasGrace ? graceEndsAt : overForAll
    return {
      ...{ do: 'update', type: 'secret', id: secret.id, expectVersion: secret.version },
      set: { endsAt },
    }
  })
}

/** What a key's event tells of it. Of a webhook it tells the origin: one that leads elsewhere is taken away. */
function fieldsOf(key: KeyRecord, after: KeySnapshot): Settable<'key'> {
  const { name, expiresAt, notBefore, ownerId, limits } = after
  return {
    ...{ name, nameSearch: name.toLowerCase(), expiresAt, notBefore, ownerId },
    mode: after.mode as KeyMode,
    scopes: after.scopes.join(' '),
    addressRules: after.addressRules.join(' '),
    limits: limits === null ? null : formatLimits(parseLimits(limits)),
    webhook: webhookOrigin(key.webhook) === after.webhook ? key.webhook : null,
  }
}
