import Database from 'better-sqlite3'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { sqliteStore } from '../../src/stores/sqlite.js'
import { digestOf, idOf } from '../../src/testing/suite/records.js'

const workspaceId = 'ws_1'
const at = 1_767_225_600_000

let database: Database.Database
let store: Store
/** The statements that the store has prepared. */
let prepared: string[]

beforeEach(async () => {
  database = new Database(':memory:')
  await sqliteStore({ database }).migrate()
  prepared = []
  const watched = new Proxy(database, {
    get(target, name) {
      if (name === 'prepare') return (text: string) => (prepared.push(text), target.prepare(text))
      return Reflect.get(target, name, target) as unknown
    },
  })
  store = sqliteStore({ database: watched as never })
})

/** How SQLite goes about the questions of a call, step by step. */
async function plansOf(call: (store: Store) => unknown): Promise<readonly string[]> {
  await call(store)
  return prepared
    .filter((text) => /^(select|insert|delete)/.test(text))
    .flatMap((text) => {
      const parameters = text.match(/\?/g)?.map(() => 1) ?? []
      const steps = database.prepare(`explain query plan ${text}`).all(...parameters) as { detail: string }[]
      return steps.map(({ detail }) => detail)
    })
}

const key = 'k USING INDEX sqlite_autoindex_keyrung_keys_1 (id=?)'
const secret = 's USING INDEX keyrung_secrets_by_key_id (key_id=?)'
const approval = 'a USING INDEX keyrung_approvals_by'
const delivery = 'd USING INDEX keyrung_deliveries_by'
const event = 'e USING INDEX keyrung_events_by_workspace_id'

const questions: readonly [name: string, steps: readonly string[], call: (store: Store) => unknown][] = [
  [
    'a credential',
    ['s USING INDEX keyrung_secrets_by_digest (digest=?)', key],
    (store) => store.findCredential(digestOf(1)),
  ],
  [
    'several credentials',
    ['s USING INDEX keyrung_secrets_by_digest (digest=?)', key],
    (store) => store.findCredentials([1, 2, 3].map(digestOf)),
  ],
  [
    'a credential by its id',
    ['s USING INDEX sqlite_autoindex_keyrung_secrets_1 (id=?)', key],
    (store) => store.findCredentialById(idOf('sec', 1)),
  ],
  [
    'a key',
    ['keyrung_keys USING INDEX sqlite_autoindex_keyrung_keys_1 (id=?)', secret],
    (store) => store.findKey(workspaceId, idOf('key', 1)),
  ],
  [
    'keys',
    ['k USING INDEX keyrung_keys_by_workspace_id_id (workspace_id=?)', secret],
    (store) => store.listKeys({ workspaceId, limit: 9 }),
  ],
  [
    'keys from a cursor on',
    ['k USING INDEX keyrung_keys_by_workspace_id_id (workspace_id=? AND id<?)', secret],
    (store) => store.listKeys({ workspaceId, before: 'x', limit: 9 }),
  ],
  [
    'keys by status',
    ['k USING INDEX keyrung_keys_by_workspace_id_status_id (workspace_id=? AND status=?)', secret],
    (store) => store.listKeys({ workspaceId, status: 'active', limit: 9 }),
  ],
  [
    'keys by text',
    [
      'k USING INDEX keyrung_keys_by_workspace_id_id (workspace_id=?)',
      't USING INDEX keyrung_secrets_by_key_id',
    ],
    (store) => store.listKeys({ workspaceId, text: 'x', limit: 9 }),
  ],
  [
    'the count of secrets',
    ['keyrung_secrets USING COVERING INDEX keyrung_secrets_by_host_secret_id_ends_at'],
    (store) => store.countSecrets(),
  ],
  [
    'what hangs on secrets of the host, from a cursor on',
    ['keyrung_deliveries USING INDEX sqlite_autoindex_keyrung_deliveries_1 (id>?)'],
    (store) => store.listSealed({ type: 'delivery', after: 'x', limit: 9 }),
  ],
  ['events', [`${event}_at_id (workspace_id=?)`], (store) => store.listEvents({ workspaceId, limit: 9 })],
  [
    'events by time',
    [`${event}_at_id (workspace_id=? AND at>? AND at<?)`],
    (store) => store.listEvents({ workspaceId, from: at, to: at + 1, limit: 9 }),
  ],
  [
    'events from a cursor on',
    [`${event}_at_id (workspace_id=? AND at<?)`],
    (store) => store.listEvents({ workspaceId, before: { at, id: 'x' }, limit: 9 }),
  ],
  [
    'events by actor',
    [`${event}_actor_at_id (workspace_id=? AND actor=?)`],
    (store) => store.listEvents({ workspaceId, actor: 'user:1', limit: 9 }),
  ],
  [
    'events by actor from a cursor on',
    [`${event}_actor_at_id (workspace_id=? AND actor=? AND at<?)`],
    (store) => store.listEvents({ workspaceId, actor: 'user:1', before: { at, id: 'x' }, limit: 9 }),
  ],
  [
    'events by action',
    [`${event}_action_at_id (workspace_id=? AND action=?)`],
    (store) => store.listEvents({ workspaceId, action: 'key.created', limit: 9 }),
  ],
  [
    'events by target',
    [`${event}_target_id_at_id (workspace_id=? AND target_id=?)`],
    (store) => store.listEvents({ workspaceId, targetId: 'x', limit: 9 }),
  ],
  [
    'due messages',
    ['m USING INDEX keyrung_messages_by_kind_destination_id_due_at (kind=? AND destination=?)'],
    (store) => store.listDueMessages({ kind: 'sink', destination: 'console', now: at, limit: 9 }),
  ],
  [
    'the count of messages',
    ['keyrung_messages USING COVERING INDEX keyrung_messages_by_kind_destination_id_due_at'],
    (store) => store.countMessages(),
  ],
  [
    'settings',
    ['s USING INDEX sqlite_autoindex_keyrung_settings_1 (id>?)'],
    (store) => store.findSettings('x'),
  ],
  [
    'an idempotency row',
    ['i USING INDEX sqlite_autoindex_keyrung_idempotency_1 (id=?)'],
    (store) => store.findIdempotency('x'),
  ],
  [
    'an approval',
    ['a USING INDEX sqlite_autoindex_keyrung_approvals_1 (id=?)'],
    (store) => store.findApproval(workspaceId, 'x'),
  ],
  [
    'what was asked',
    ['c USING INDEX sqlite_autoindex_keyrung_approval_contents_1 (id=?)'],
    (store) => store.findApprovalContent(workspaceId, 'x'),
  ],
  [
    'approvals from a cursor on',
    [`${approval}_workspace_id_id (workspace_id=? AND id<?)`],
    (store) => store.listApprovals({ workspaceId, before: 'x', limit: 9 }),
  ],
  [
    'approvals by status from a cursor on',
    [`${approval}_workspace_id_status_id (workspace_id=? AND status=? AND id<?)`],
    (store) => store.listApprovals({ workspaceId, status: 'pending', before: 'x', limit: 9 }),
  ],
  [
    'approvals by resource',
    [`${approval}_workspace_id_resource_id (workspace_id=? AND resource=?)`],
    (store) => store.listApprovals({ workspaceId, resource: 'contacts', limit: 9 }),
  ],
  [
    'approvals of a key',
    [`${approval}_key_id_id (key_id=? AND id<?)`],
    (store) => store.listApprovals({ workspaceId, keyId: 'x', before: 'x', limit: 9 }),
  ],
  [
    'approvals of a key by status',
    [`${approval}_key_id_status_id (key_id=? AND status=?)`],
    (store) => store.listApprovals({ workspaceId, keyId: 'x', status: 'pending', limit: 9 }),
  ],
  [
    'approvals that are due',
    [`${approval}_lane_due_at_id (lane=? AND due_at<?)`],
    (store) => store.listDueApprovals({ lane: 'named', now: at, limit: 9 }),
  ],
  [
    'approvals that are due from a cursor on',
    [`${approval}_lane_due_at_id (lane=? AND due_at>? AND due_at<?)`],
    (store) => store.listDueApprovals({ lane: 'named', now: at, after: { dueAt: at, id: 'x' }, limit: 9 }),
  ],
  [
    'votes',
    ['v USING INDEX keyrung_approval_votes_by_approval_id_at_id (approval_id=?)'],
    (store) => store.listVotes('x'),
  ],
  [
    'deliveries from a cursor on',
    [`${delivery}_workspace_id_id (workspace_id=? AND id<?)`],
    (store) => store.listDeliveries({ workspaceId, before: 'x', limit: 9 }),
  ],
  [
    'deliveries by status',
    [`${delivery}_workspace_id_status_id (workspace_id=? AND status=?)`],
    (store) => store.listDeliveries({ workspaceId, status: 'given_up', limit: 9 }),
  ],
  [
    'deliveries of a key',
    [`${delivery}_key_id_id (key_id=?)`],
    (store) => store.listDeliveries({ workspaceId, keyId: 'x', limit: 9 }),
  ],
  [
    'deliveries about an approval',
    [`${delivery}_approval_id_id (approval_id=?)`],
    (store) => store.listDeliveries({ workspaceId, approvalId: 'x', limit: 9 }),
  ],
  [
    'deliveries that are due',
    [`${delivery}_status_due_at_id (status=? AND due_at<?)`],
    (store) => store.listDueDeliveries({ status: 'waiting', now: at, limit: 9 }),
  ],
  [
    'the key of a use',
    ['keyrung_keys USING COVERING INDEX sqlite_autoindex_keyrung_keys_1 (id=?)'],
    (store) => store.recordUses([{ keyId: 'x', at }]),
  ],
  [
    'what a purge takes',
    [
      'keyrung_secrets USING INDEX keyrung_secrets_by_ends_at (ends_at<?)',
      'keyrung_idempotency USING INDEX keyrung_idempotency_by_expires_at (expires_at<?)',
      'a USING INDEX keyrung_approvals_by_lane_due_at_id (lane=? AND due_at<?)',
      'd USING COVERING INDEX keyrung_deliveries_by_status_due_at_id (status=? AND due_at<?)',
    ],
    (store) => store.purge({ now: at, limit: 9 }),
  ],
]

/** What may be gone through from end to end: the page that was found, an index with all that is asked, and tombstones, all of which go. */
const mayScan = /^SCAN (k$|.* USING COVERING INDEX |keyrung_tombstones$|1 CONSTANT ROW$)/

describe('SQLite finds by an index, and sorts nothing:', () => {
  it.each(questions)('%s', async (_, steps, call) => {
    const plans = await plansOf(call)
    for (const step of steps) expect(plans.join('\n')).toContain(step)
    expect(plans.filter((plan) => plan.startsWith('SCAN') && !mayScan.test(plan))).toEqual([])
    expect(plans.filter((plan) => /TEMP B-TREE|AUTOMATIC/.test(plan))).toEqual([])
  })
})
