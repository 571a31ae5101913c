import { pendingCounter } from '../../core/approval.js'
import type { PurgeRequest } from '../../ports/store.js'
import { approvalList, deliveryList } from './approval-index.js'
import type { Tables } from './tables.js'

/** Removes what time has ended, at most so many records of each kind; answers how many. */
export function purge(tables: Tables, { now, limit, usageBefore = -Infinity }: PurgeRequest): number {
  const secrets = take(tables.ending, limit, (id) => tables.find('secret', id)!.endsAt! <= now)
  for (const id of secrets) tables.replace('secret', id, null)

  const rows = tables.all('idempotency')
  const expired = take(rows.keys(), limit, (id) => rows.get(id)!.expiresAt <= now)
  for (const id of expired) tables.replace('idempotency', id, null)

  const old = tables.usage.removeBefore(usageBefore, Math.max(0, limit))
  const removed = secrets.length + expired.length + old + removeEnded(tables, now, limit)
  return removed + removeOfGoneKeys(tables, limit)
}

/** Removes contents of ended approvals, or all of one whose key is gone, and ended deliveries. */
function removeEnded(tables: Tables, now: number, limit: number): number {
  const { due, dueDeliveries } = tables.approvals
  const ended = idsUntil(due.find('ended')?.ascending() ?? [], now, limit)
  for (const id of ended) {
    const approval = tables.find('approval', id)!
    tables.replace('approvalContent', id, null)
    if (tables.find('key', approval.keyId)) {
      const version = approval.version + 1
      tables.replace('approval', id, Object.freeze({ ...approval, version, dueAt: null }))
    } else {
      removeApproval(tables, id)
      tables.counters.delete(pendingCounter(approval.keyId))
    }
  }
  let removed = ended.length
  for (const status of ['delivered', 'given_up']) {
    const deliveries = idsUntil(dueDeliveries.find(status)?.ascending() ?? [], now, limit)
    for (const id of deliveries) tables.replace('delivery', id, null)
    removed += deliveries.length
  }
  return removed
}

/** Removes what hung on keys that are gone, but for approvals that have not ended, and then their tombstones. */
function removeOfGoneKeys(tables: Tables, limit: number): number {
  let [usage, approvals, deliveries, uses, gone] = [0, 0, 0, 0, 0]
  const { approvals: index } = tables
  for (const keyId of take(tables.all('tombstone').keys(), limit, () => true)) {
    usage += tables.usage.remove(keyId, limit - usage)
    const ofKey = index.approvals.find(approvalList.ofKey(keyId))?.ascending() ?? []
    const ended = take(ofKey, limit - approvals, (id) => tables.find('approval', id)!.lane === 'ended')
    for (const id of ended) removeApproval(tables, id)
    approvals += ended.length
    const sent = index.deliveries.find(deliveryList.ofKey(keyId))?.ascending() ?? []
    const ids = take(sent, limit - deliveries, () => true)
    for (const id of ids) tables.replace('delivery', id, null)
    deliveries += ids.length
    // The tombstone stays until all that hung on the key is gone.
    if (Math.max(usage, approvals, deliveries) >= limit) break
    tables.counters.delete(pendingCounter(keyId))
    if (tables.lastUses.delete(keyId)) uses++
    tables.replace('tombstone', keyId, null)
    gone++
  }
  return usage + approvals + deliveries + uses + gone
}

function removeApproval(tables: Tables, id: string): void {
  const votes = [...(tables.approvals.votes.find(id)?.ascending() ?? [])]
  for (const vote of votes) tables.replace('vote', vote.id, null)
  tables.replace('approvalContent', id, null)
  tables.replace('approval', id, null)
}

function take(ids: Iterable<string>, limit: number, fits: (id: string) => boolean): readonly string[] {
  const taken: string[] = []
  if (limit <= 0) return taken
  for (const id of ids) if (fits(id) && taken.push(id) >= limit) break
  return taken
}

function idsUntil(
  due: Iterable<{ readonly dueAt: number; readonly id: string }>,
  now: number,
  limit: number,
): readonly string[] {
  const ids: string[] = []
  if (limit <= 0) return ids
  for (const { dueAt, id } of due) if (dueAt > now || ids.push(id) >= limit) break
  return ids
}
