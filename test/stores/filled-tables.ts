import type { ApprovalLane, ApprovalRecord, ApprovalStatus } from '../../src/core/approval.js'
import type { EventRecord } from '../../src/core/audit.js'
import type { DeliveryRecord } from '../../src/core/delivery.js'
import type { RecordType, Records } from '../../src/ports/change.js'
import { auditActions } from '../../src/core/audit.js'
import type { SqlValue } from '../../src/stores/sql/query.js'
import {
  idOf,
  makeApproval,
  makeContent,
  makeDelivery,
  makeEvent,
  makeIdempotency,
  makeKey,
  makeMessage,
  makeSecret,
  makeVote,
  someInstant,
} from '../../src/testing/suite/records.js'
import { insertRecords, insertRows } from './bulk-rows.js'
import type { Filling } from './bulk-rows.js'

/** How many rows each table gets. */
const filledRows = 24_000

/**
 * A workspace that has an eighth of all rows, beside thousands of small ones: what is right for the average workspace
 * is a long way round for this one, and the other way about.
 */
export const largeWorkspace = 'ws_large'

/** About as long as an event is. */
const payload = JSON.stringify({ details: 'x'.repeat(500) })

/** Long over for the first hundred rows, far ahead for the others. */
const instantOf = (n: number) => (n <= 100 ? someInstant + n : 4_000_000_000_000 + n)

const workspaceOf = (n: number) => (n % 8 === 0 ? largeWorkspace : `ws_${n % 4_999}`)

/** Of a hundred approvals, those that have not ended. */
const approvalPlaces: Readonly<Record<number, readonly [ApprovalStatus, ApprovalLane]>> = {
  8: ['pending', 'pending'],
  16: ['approved', 'app:main'],
  24: ['unknown', 'none'],
}

const makers = {
  key: (n: number) =>
    makeKey(n, { workspaceId: workspaceOf(n), status: n % 40 === 0 ? 'revoked' : 'active' }),
  secret: (n: number) =>
    makeSecret(n, {
      workspaceId: workspaceOf(n),
      hostSecretId: n % 3 === 0 ? 'old' : 'new',
      endsAt: n % 50 === 0 ? instantOf(n) : null,
    }),
  event: (n: number): EventRecord =>
    makeEvent(n, {
      workspaceId: workspaceOf(n),
      actor: `user:${n % 30}`,
      action: auditActions[n % auditActions.length]!,
    }),
  message: (n: number) => makeMessage(n, { destination: `sink-${n % 3}`, dueAt: someInstant + n, payload }),
  approval: (n: number): ApprovalRecord => {
    const [status, lane] = approvalPlaces[n % 100] ?? (['succeeded', 'ended'] as const)
    return makeApproval(n, {
      ...{ status, lane, dueAt: lane === 'none' ? null : instantOf(n), workspaceId: workspaceOf(n) },
      ...{ keyId: idOf('key', n % 24), resource: n % 16 === 0 ? 'email' : 'contacts' },
    })
  },
  approvalContent: (n: number) => makeContent(n, { request: payload }),
  vote: (n: number) => makeVote(n),
  delivery: (n: number): DeliveryRecord =>
    makeDelivery(n, {
      ...{ keyId: idOf('key', n % 24), workspaceId: workspaceOf(n), dueAt: instantOf(n), payload },
      status: n % 40 === 0 ? 'given_up' : n % 30 === 0 ? 'waiting' : 'delivered',
    }),
  idempotency: (n: number) => makeIdempotency(n, { expiresAt: instantOf(n) }),
} satisfies { readonly [T in RecordType]?: (n: number) => Records[T] }

/** Fills the tables so that a planner has something to choose about. */
export async function fillTables(filling: Filling): Promise<void> {
  const { names } = filling
  for (const [type, make] of Object.entries(makers) as [keyof typeof makers, (n: number) => never][]) {
    await insertRecords(filling, type, make, filledRows)
  }
  const insert = (table: string, columns: readonly string[], rowOf: (n: number) => readonly SqlValue[]) =>
    insertRows(filling, table, columns, rowOf, filledRows)
  await insert(names.use, ['key_id', 'last_used_at'], (n) => [makeKey(n).id, someInstant + n])
  const usage = ['id', 'key_id', 'workspace_id', 'day', 'permission', 'outcome', 'calls']
  await insert(names.usage, usage, (n) => [
    ...[`usage_${n}`, makeKey(n % 800).id, workspaceOf(n % 800), n <= 100 ? n : 20_000 + (n % 90)],
    ...[`r${n % 7}:read`, 'allow', n],
  ])
  await insert(names.commit, ['id', 'at'], (n) => [`marker_${n}`, instantOf(n)])
}
