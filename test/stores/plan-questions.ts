import type { Store } from '../../src/ports/store.js'
import { digestOf, idOf, someInstant } from '../../src/testing/suite/records.js'
import { largeWorkspace as workspaceId } from './filled-tables.js'

const at = someInstant + 9_000
const before = { at, id: idOf('evt', 9_000) }
const beforeApproval = idOf('apr', 9_000)
const beforeKey = idOf('key', 9_000)

const credential = ['keys_pkey', 'secrets_by_digest']
const whole = ['key_use_pkey', 'secrets_by_key_id']

/** What is asked, and the indexes that PostgreSQL is to use for it. */
export const questions: readonly [
  name: string,
  indexes: readonly string[],
  call: (store: Store) => unknown,
][] = [
  ['a credential', credential, (store) => store.findCredential(digestOf(1))],
  ['several credentials', credential, (store) => store.findCredentials([1, 2, 3].map(digestOf))],
  [
    'a credential by its id',
    ['keys_pkey', 'secrets_pkey'],
    (store) => store.findCredentialById(idOf('sec', 1)),
  ],
  ['a key', ['keys_pkey', ...whole], (store) => store.findKey(workspaceId, idOf('key', 8))],
  ['keys', ['keys_by_workspace_id_id', ...whole], (store) => store.listKeys({ workspaceId, limit: 9 })],
  [
    'keys from a cursor on',
    ['keys_by_workspace_id_id', ...whole],
    (store) => store.listKeys({ workspaceId, before: beforeKey, limit: 9 }),
  ],
  [
    'keys by a status that most have, at most all of the workspace',
    ['keys_by_workspace_id_id', ...whole],
    (store) => store.listKeys({ workspaceId, status: 'active', limit: 9 }),
  ],
  [
    'keys by a rare status',
    ['keys_by_workspace_id_status_id', ...whole],
    (store) => store.listKeys({ workspaceId, status: 'revoked', limit: 9 }),
  ],
  [
    'keys by status from a cursor on',
    ['keys_by_workspace_id_status_id', ...whole],
    (store) => store.listKeys({ workspaceId, status: 'revoked', before: beforeKey, limit: 9 }),
  ],
  [
    'keys by text, at most all of the workspace',
    ['keys_by_workspace_id_id', ...whole],
    (store) => store.listKeys({ workspaceId, text: 'nowhere', limit: 9 }),
  ],
  [
    'keys by text and status from a cursor on, at most all of these',
    ['keys_by_workspace_id_status_id', ...whole],
    (store) => store.listKeys({ workspaceId, text: 'ab3z', status: 'active', before: beforeKey, limit: 9 }),
  ],
  [
    'the count of secrets, from the index alone',
    ['secrets_by_host_secret_id_ends_at'],
    (store) => store.countSecrets(),
  ],
  ['events', ['events_by_workspace_id_at_id'], (store) => store.listEvents({ workspaceId, limit: 9 })],
  [
    'events by time',
    ['events_by_workspace_id_at_id'],
    (store) => store.listEvents({ workspaceId, from: at, to: at + 5_000, limit: 9 }),
  ],
  [
    'events from a cursor on',
    ['events_by_workspace_id_at_id'],
    (store) => store.listEvents({ workspaceId, before, limit: 9 }),
  ],
  [
    'events by actor',
    ['events_by_workspace_id_actor_at_id'],
    (store) => store.listEvents({ workspaceId, actor: 'user:8', limit: 9 }),
  ],
  [
    'events by actor from a cursor on',
    ['events_by_workspace_id_actor_at_id'],
    (store) => store.listEvents({ workspaceId, actor: 'user:8', before, limit: 9 }),
  ],
  [
    'events by action',
    ['events_by_workspace_id_action_at_id'],
    (store) => store.listEvents({ workspaceId, action: 'key.rotated', limit: 9 }),
  ],
  [
    'events by action from a cursor on',
    ['events_by_workspace_id_action_at_id'],
    (store) => store.listEvents({ workspaceId, action: 'key.rotated', before, limit: 9 }),
  ],
  [
    'events by target',
    ['events_by_workspace_id_target_id_at_id'],
    (store) => store.listEvents({ workspaceId, targetId: idOf('key', 8), limit: 9 }),
  ],
  [
    'events by target from a cursor on',
    ['events_by_workspace_id_target_id_at_id'],
    (store) => store.listEvents({ workspaceId, targetId: idOf('key', 8), before, limit: 9 }),
  ],
  [
    'due messages',
    ['messages_by_kind_destination_id_due_at'],
    (store) => store.listDueMessages({ kind: 'sink', destination: 'sink-1', now: at, limit: 9 }),
  ],
  [
    'the count of messages, from the index alone',
    ['messages_by_kind_destination_id_due_at'],
    (store) => store.countMessages(),
  ],
  ['an idempotency row', ['idempotency_pkey'], (store) => store.findIdempotency('x')],
  [
    'the keys of uses',
    ['keys_pkey'],
    (store) => store.recordUses([1, 2].map((n) => ({ keyId: idOf('key', n), at }))),
  ],
  [
    'the keys of usage',
    ['keys_pkey'],
    (store) =>
      store.recordUsage(
        [1, 2].map((n) => ({ keyId: idOf('key', n), day: 1, permission: 'a:b', outcome: 'allow', calls: 1 })),
      ),
  ],
  [
    'the usage of a key',
    ['keys_pkey', 'usage_by_key_id_day'],
    (store) =>
      store.findUsage({ workspaceId, keyId: idOf('key', 8), fromDay: 20_010, toDay: 20_020, limit: 99 }),
  ],
  [
    'an approval, and what was asked',
    ['approval_contents_pkey', 'approvals_pkey'],
    async (store) => {
      await store.findApproval(workspaceId, idOf('apr', 8))
      await store.findApprovalContent(workspaceId, idOf('apr', 8))
    },
  ],
  ['approvals', ['approvals_by_workspace_id_id'], (store) => store.listApprovals({ workspaceId, limit: 9 })],
  [
    'approvals from a cursor on',
    ['approvals_by_workspace_id_id'],
    (store) => store.listApprovals({ workspaceId, before: beforeApproval, limit: 9 }),
  ],
  [
    'approvals by a rare status',
    ['approvals_by_workspace_id_status_id'],
    (store) => store.listApprovals({ workspaceId, status: 'pending', limit: 9 }),
  ],
  [
    'approvals by a rare status from a cursor on',
    ['approvals_by_workspace_id_status_id'],
    (store) => store.listApprovals({ workspaceId, status: 'pending', before: beforeApproval, limit: 9 }),
  ],
  [
    'approvals by resource',
    ['approvals_by_workspace_id_resource_id'],
    (store) => store.listApprovals({ workspaceId, resource: 'email', before: beforeApproval, limit: 9 }),
  ],
  [
    'approvals of a key',
    ['approvals_by_key_id_id'],
    (store) => store.listApprovals({ workspaceId, keyId: idOf('key', 8), before: beforeApproval, limit: 9 }),
  ],
  [
    'approvals of a key by status',
    ['approvals_by_key_id_status_id'],
    (store) => store.listApprovals({ workspaceId, keyId: idOf('key', 8), status: 'succeeded', limit: 9 }),
  ],
  [
    'approvals that are due',
    ['approvals_by_lane_due_at_id'],
    (store) => store.listDueApprovals({ lane: 'app:main', now: someInstant + 100, limit: 9 }),
  ],
  [
    'approvals that are due from a cursor on',
    ['approvals_by_lane_due_at_id'],
    (store) =>
      store.listDueApprovals({
        ...{ lane: 'ended', now: 4_000_000_020_000, limit: 9 },
        after: { dueAt: 4_000_000_009_000, id: idOf('apr', 9_000) },
      }),
  ],
  [
    'what hangs on secrets of the host, from a cursor on',
    ['approval_contents_pkey'],
    (store) => store.listSealed({ type: 'approvalContent', after: idOf('apr', 9_000), limit: 9 }),
  ],
  ['votes', ['approval_votes_by_approval_id_at_id'], (store) => store.listVotes(idOf('apr', 8))],
  ['a delivery', ['deliveries_pkey'], (store) => store.findDelivery(workspaceId, idOf('dlv', 8))],
  [
    'deliveries',
    ['deliveries_by_workspace_id_id'],
    (store) => store.listDeliveries({ workspaceId, before: idOf('dlv', 9_000), limit: 9 }),
  ],
  [
    'deliveries by a rare status',
    ['deliveries_by_workspace_id_status_id'],
    (store) => store.listDeliveries({ workspaceId, status: 'given_up', limit: 9 }),
  ],
  [
    'deliveries of a key',
    ['deliveries_by_key_id_id'],
    (store) => store.listDeliveries({ workspaceId, keyId: idOf('key', 8), limit: 9 }),
  ],
  [
    'deliveries about an approval',
    ['deliveries_by_approval_id_id'],
    (store) => store.listDeliveries({ workspaceId, approvalId: idOf('apr', 8), limit: 9 }),
  ],
  [
    'deliveries that are due',
    ['deliveries_by_status_due_at_id'],
    (store) => store.listDueDeliveries({ status: 'waiting', now: 4_000_000_020_000, limit: 9 }),
  ],
  [
    'what a commit changes',
    ['idempotency_pkey', 'keys_pkey', 'secrets_pkey'],
    (store) =>
      store.commit([
        { do: 'check', type: 'key', id: idOf('key', 1), version: 1 },
        { do: 'update', type: 'key', id: idOf('key', 2), expectVersion: 1, set: { status: 'active' } },
        { do: 'delete', type: 'secret', id: idOf('sec', 3), expectVersion: 1 },
        { do: 'delete', type: 'idempotency', id: 'none', expectVersion: 1 },
      ]),
  ],
  [
    'what a purge takes',
    [
      ...['approval_contents_pkey', 'approvals_by_lane_due_at_id', 'approvals_pkey', 'commits_by_at'],
      ...['commits_pkey', 'deliveries_by_status_due_at_id', 'idempotency_by_expires_at', 'keys_pkey'],
      'secrets_by_ends_at',
    ],
    (store) => store.purge({ now: someInstant + 100, limit: 9 }),
  ],
  [
    'the usage that a purge takes',
    [
      ...['approvals_by_lane_due_at_id', 'commits_by_at', 'commits_pkey', 'deliveries_by_status_due_at_id'],
      ...['idempotency_by_expires_at', 'keys_pkey', 'secrets_by_ends_at', 'usage_by_day', 'usage_pkey'],
    ],
    (store) => store.purge({ now: 1, limit: 9, usageBefore: 50 }),
  ],
]
